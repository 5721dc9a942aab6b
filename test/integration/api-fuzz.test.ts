// Requests at random, made from the API's own description: whatever comes, the answer is one that the description has.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Api } from '../../src/api/index.ts';
import type { HttpReply } from '../../src/api/server.ts';
import { AccountWorld, PASSWORD } from '../support/account-world.ts';
import { contractFaults } from '../support/contract-faults.ts';
import { FakeServer } from '../support/fake-server.ts';
import { fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';

const test = suite('api fuzz', { timeoutMs: 60_000 });

const ROUNDS = Number(process.env.ROUNDS ?? 50);
/** They end what asks, hash passwords, or wait for other machines. */
const LEFT_OUT = [
  ...[
    'POST /api/cameras/probe',
    'POST /api/cameras/discover',
    'POST /api/logout',
    'DELETE /api/sessions',
    'POST /api/login',
  ],
  ...['POST /api/settings/webhooks/test', 'PATCH /api/users/{id}', 'DELETE /api/users/{id}'],
];

type Schema = {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  prefixItems?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
};
interface Operation {
  parameters: { name: string; in: string; required: boolean; schema: Schema }[];
  requestBody?: { content: { 'application/json': { schema: Schema } } };
  responses: Record<string, object>;
}

/** Mulberry32: the same for the same seed everywhere. */
function chanceOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return below => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const ODD: unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e308, -0, 2 ** 53, '', ' ', '0', 'null', 'a'.repeat(3000), '\u0000', '\ud800'],
  ...['../../etc/passwd', '%2e%2e', '<script>', "' OR 1=1", '1e3', '٣', '__proto__', 'constructor'],
  ...[[], [[]], {}, { __proto__: null }, { a: { b: { c: {} } } }, [null], Array.from({ length: 200 }, () => 1)],
];

class Maker {
  readonly #chance: (below: number) => number;

  constructor(chance: (below: number) => number) {
    this.#chance = chance;
  }

  one<T>(list: readonly T[]): T {
    return list[this.#chance(list.length)] as T;
  }

  isOdd(): boolean {
    return this.#chance(6) === 0;
  }

  value(schema: Schema, depth = 0): unknown {
    if (this.isOdd()) return this.one(ODD);
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return this.one(schema.enum);
    if (schema.anyOf) return this.value(this.one(schema.anyOf), depth);
    if (schema.type === 'integer' || schema.type === 'number') return this.#number(schema);
    if (schema.type === 'boolean') return this.#chance(2) === 0;
    if (schema.type === 'null') return null;
    if (schema.type === 'array') return this.#list(schema, depth);
    if (schema.type === 'object') return this.#object(schema, depth);
    return this.one([
      'a',
      'rtsp://10.0.0.1/x',
      'viewer',
      '1',
      'Europe/Berlin',
      'name',
      'x'.repeat(schema.maxLength ?? 9),
    ]);
  }

  #number({ minimum = 0, maximum = 10 }: Schema): number {
    return this.one([minimum, maximum, minimum + this.#chance(5), minimum - 1, maximum + 1, 1, 2]);
  }

  #list({ items = {}, prefixItems }: Schema, depth: number): unknown[] {
    if (prefixItems) return prefixItems.map(item => this.value(item, depth + 1));
    return Array.from({ length: depth > 4 ? 0 : this.#chance(4) }, () => this.value(items, depth + 1));
  }

  #object({ properties = {}, required = [], additionalProperties }: Schema, depth: number): object {
    const given: Record<string, unknown> = {};
    for (const [name, schema] of Object.entries(properties)) {
      const isThere = required.includes(name) ? !this.isOdd() : this.#chance(2) === 0;
      if (isThere && depth < 6) given[name] = this.value(schema, depth + 1);
    }
    if (typeof additionalProperties === 'object') given.main = this.value(additionalProperties, depth + 1);
    if (this.#chance(10) === 0) given[this.one(['extra', 'nmae', '__proto__', 'toString', ''])] = 1;
    return given;
  }
}

/** Lone halves of characters cannot be sent. */
const sendable = (value: unknown) =>
  encodeURIComponent(
    (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).replace(/[\ud800-\udfff]/g, '\ufffd'),
  );

function addressOf(path: string, operation: Operation, maker: Maker): string {
  const filled = path.replace(/\{\w+\}/g, () =>
    maker.one([
      '1',
      '2',
      '99',
      '1-main-1000-0',
      '1-1-0',
      '0',
      '-',
      '.',
      '..',
      'x'.repeat(64),
      'x'.repeat(65),
      '1-main-1-1e9',
    ]),
  );
  const parts = operation.parameters
    .filter(
      parameter => parameter.in === 'query' && (parameter.required ? !maker.isOdd() : maker.isOdd() || maker.isOdd()),
    )
    .flatMap(({ name, schema }) => [maker.value(schema)].flat().map(value => `${name}=${sendable(value)}`));
  if (maker.isOdd())
    parts.push(maker.one(['extra=1', 'link=x', '%', '&&', '=', 'camera', 'camera=1&camera=1', '__proto__=1']));
  return parts.length > 0 ? `${filled}?${parts.join('&')}` : filled;
}

async function bytesOf(reply: HttpReply): Promise<string> {
  const { body } = reply;
  if (!body || Buffer.isBuffer(body)) return String(body ?? '');
  await body.close();
  return '';
}

async function bearer(accounts: AccountWorld, who: { secret: string }): Promise<Record<string, string>> {
  const { token } = await accounts.accounts.tokens.create(accounts.actor(who), { name: 'fuzz' });
  return { authorization: `Bearer ${token}` };
}

test('every answer to requests at random is in the description, and fits it', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_000);
  const maker = new Maker(chanceOf(seed));
  const folder = mkdtempSync(join(tmpdir(), 'thimble-fuzz-'));
  const accounts = await AccountWorld.make();
  const session = await accounts.setUp('anna');
  const headers = await bearer(accounts, session);
  await accounts.accounts.users.add(accounts.actor(session), {
    ...{ name: 'bob', password: PASSWORD, role: 'viewer', cameras: [1], rights: ['export'] },
  });
  const guest = await bearer(accounts, await accounts.login('bob'));
  const faults: string[] = [];
  let asked = 0;
  const statuses = new Map<number, number>();
  let names: string[] = [];
  for (let number = 0; number === 0 || number < names.length; number++) {
    const fakes = await fakeServices(folder);
    const server = new FakeServer();
    const api = new Api({ server, log: fakes.log.logger });
    await api.start();
    api.open({ ...fakes.services, accounts: accounts.accounts });
    const { paths } = JSON.parse(String((await server.ask('GET', '/api/openapi.json', undefined, headers)).body)) as {
      paths: Record<string, Record<string, Operation>>;
    };
    names = Object.entries(paths)
      .flatMap(([path, methods]) => Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`))
      .filter(name => !LEFT_OUT.includes(name));
    const [method = '', path = ''] = (names[number] as string).split(' ');
    const operation = paths[path]?.[method.toLowerCase()] as Operation;
    for (let round = 0; round < ROUNDS; round++) {
      const url = addressOf(path, operation, maker);
      const schema = operation.requestBody?.content['application/json'].schema;
      const body = schema ? maker.value(schema) : undefined;
      const who = round % 4 === 3 ? guest : headers;
      const reply = await server.ask(method, url, body === undefined && schema ? null : body, who);
      const text = await bytesOf(reply);
      asked++;
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      const where = `${method} ${url.slice(0, 300)} ${JSON.stringify(body)?.slice(0, 300)} -> ${reply.status} ${text.slice(0, 200)}`;
      const isOther = reply.status === 404 && text.includes('nothing under this path');
      const known = Object.keys(operation.responses);
      const isKnown = known.includes(String(reply.status)) || (reply.status < 300 && known.includes('2XX'));
      if (!isKnown && !isOther && !(reply.status === 204 && known.includes('2XX')))
        faults.push(`not described: ${where}`);
      if (reply.status === 500) faults.push(`failed: ${where}`);
      if (reply.status < 300 && reply.headers?.['Content-Type']?.startsWith('application/json')) {
        faults.push(...contractFaults(`${method} ${path}`, reply.status, text));
      }
      if (reply.status >= 400 && !isOther) {
        const { error } = JSON.parse(text) as { error?: { kind?: string; message?: string } };
        if (!error?.kind || !error.message) faults.push(`no proper error: ${where}`);
      }
    }
    for (const line of fakes.log.lines.filter(one => one.level === 'error')) {
      faults.push(`${method} ${path}: ${JSON.stringify(line).slice(0, 600)}`);
    }
    await api.stop();
    await fakes.cameras.stop();
  }
  rmSync(folder, { recursive: true });
  assert.ok(asked > 2000, `${asked} requests`);
  assert.ok((statuses.get(200) ?? 0) > 200, JSON.stringify([...statuses]));
  assert.ok((statuses.get(400) ?? 0) > 200);
  assert.ok((statuses.get(403) ?? 0) > 100, 'what the viewer may not do');
  assert.equal([...new Set(faults)].slice(0, 20), [], `seed ${seed}`);
});

test.run();
