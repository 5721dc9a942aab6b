import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { Api } from '../../src/api/index.ts';
import { fieldsOf, type JsonSchema, jsonSchema } from '../../src/api/json-schema.ts';
import { FakeServer } from '../support/fake-server.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';

const test = suite('openapi');

interface Operation {
  operationId: string;
  summary?: string;
  description: string;
  parameters: { name: string; in: string; required: boolean; schema: JsonSchema }[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: JsonSchema }> }>;
  security: object[];
}

interface Description {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, object> };
}

let folder: string;
let fakes: FakeServices;
let description: Description;
let operations: { name: string; path: string; operation: Operation }[];

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-openapi-'));
  fakes = await fakeServices(folder);
  const server = new FakeServer();
  const api = new Api({ server, log: fakes.log.logger });
  await api.start();
  api.open(fakes.services);
  const reply = await server.ask('GET', '/api/openapi.json');
  assert.is(reply.status, 200);
  description = JSON.parse(String(reply.body));
  operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  );
});

test.after(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

test('has all routes, each with a name of its own, a summary, and who may use it', () => {
  assert.is(description.openapi, '3.1.0');
  assert.ok(operations.length > 40, `${operations.length}`);
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.is(new Set(ids).size, ids.length);
  for (const { name, operation } of operations) {
    assert.match(operation.operationId, /^[a-z][a-z0-9_]*$/, name);
    assert.ok(operation.summary?.endsWith('.'), `${name} has no summary`);
    for (const one of operation.security) {
      for (const scheme of Object.keys(one)) assert.ok(scheme in description.components.securitySchemes, scheme);
    }
  }
  const open = operations.filter(({ operation }) => operation.security.length === 0).map(({ name }) => name);
  assert.equal(open.sort(), ['GET /api/health', 'GET /api/setup', 'POST /api/login', 'POST /api/setup']);
});

test('parameters stand in their paths, once each; every operation says what it answers', () => {
  for (const { name, path, operation } of operations) {
    const inPath = operation.parameters.filter(parameter => parameter.in === 'path').map(parameter => parameter.name);
    assert.equal(
      inPath,
      [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]),
      name,
    );
    const keys = operation.parameters.map(parameter => `${parameter.in} ${parameter.name}`);
    assert.is(new Set(keys).size, keys.length, name);
    const statuses = Object.keys(operation.responses);
    assert.ok(
      statuses.some(status => /^(101|20\d|2XX)$/.test(status)),
      name,
    );
    for (const status of statuses) assert.match(status, /^([1-5]\d\d|[1-5]XX)$/);
    for (const reply of Object.values(operation.responses)) assert.ok(reply.description);
    // Whoever logs in may be refused, too.
    assert.is('401' in operation.responses, operation.security.length > 0 || name.startsWith('POST'), name);
  }
});

/** JSON Schema's own rules, as far as they are used. */
function checkSchema(schema: JsonSchema, where: string): void {
  const known = [
    'type',
    'const',
    'enum',
    'anyOf',
    'items',
    'prefixItems',
    'properties',
    'required',
    'additionalProperties',
  ];
  const bounds = ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems'];
  for (const [key, value] of Object.entries(schema)) {
    const at = `${where}.${key}`;
    assert.ok([...known, ...bounds, 'pattern', 'default', 'description', '$ref'].includes(key), at);
    if (bounds.includes(key)) assert.ok(Number.isFinite(value), at);
    if (key === 'pattern') new RegExp(value as string, 'u');
    if (key === 'type')
      assert.ok(['string', 'number', 'integer', 'boolean', 'null', 'array', 'object'].includes(value as string), at);
    if (key === 'enum') assert.ok(Array.isArray(value) && value.length > 0 && new Set(value).size === value.length, at);
    if (key === '$ref') {
      const name = /^#\/components\/schemas\/(\w+)$/.exec(value as string)?.[1] ?? '';
      assert.ok(name in description.components.schemas, `${at} ${value}`);
    }
    if (key === 'anyOf' || key === 'prefixItems') for (const one of value as JsonSchema[]) checkSchema(one, at);
    if (key === 'items') checkSchema(value as JsonSchema, at);
    if (key === 'additionalProperties' && typeof value === 'object') checkSchema(value as JsonSchema, at);
    if (key === 'properties') {
      for (const [name, one] of Object.entries(value as Record<string, JsonSchema>)) checkSchema(one, `${at}.${name}`);
    }
    if (key === 'required') {
      for (const name of value as string[]) assert.ok(name in (schema.properties as object), `${at} ${name}`);
    }
  }
}

test('all schemas are JSON Schema', () => {
  for (const { name, operation } of operations) {
    for (const parameter of operation.parameters) checkSchema(parameter.schema, `${name} ${parameter.name}`);
    const contents = [operation.requestBody, ...Object.values(operation.responses)].map(one => one?.content ?? {});
    for (const content of contents) {
      for (const [media, { schema }] of Object.entries(content)) checkSchema(schema, `${name} ${media}`);
    }
  }
  for (const [name, schema] of Object.entries(description.components.schemas)) checkSchema(schema, name);
  assert.ok(Object.keys(description.components.schemas).includes('Camera'));
});

test('says what a query and a body may be', () => {
  const segments = description.paths['/api/segments']?.get?.parameters ?? [];
  assert.equal(
    segments.find(({ name }) => name === 'camera'),
    {
      name: 'camera',
      in: 'query',
      required: true,
      schema: { type: 'integer', minimum: 1, maximum: 999_999_999 },
    },
  );
  assert.equal(segments.find(({ name }) => name === 'stream')?.schema, { enum: ['main', 'sub'] });
  const camera = description.paths['/api/timeline']?.get?.parameters.find(({ name }) => name === 'camera');
  assert.is(camera?.schema.type, 'array');
  assert.is((camera?.schema.items as JsonSchema | undefined)?.type, 'integer');
  const body = description.paths['/api/cameras']?.post?.requestBody?.content['application/json']?.schema as JsonSchema;
  assert.equal(body.required, ['name', 'main']);
  assert.is(body.additionalProperties, false);
});

test('a schema that cannot be told is an error, not silence', () => {
  assert.throws(() => jsonSchema(v.date()), /no JSON schema for date/);
  assert.equal(fieldsOf(v.string()), []);
  assert.equal(jsonSchema(v.pipe(v.array(v.string()), v.maxLength(3))), {
    type: 'array',
    items: { type: 'string' },
    maxItems: 3,
  });
  assert.equal(jsonSchema(v.nullable(v.literal('a'))), { anyOf: [{ const: 'a' }, { type: 'null' }] });
});

test.run();
