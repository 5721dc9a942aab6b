// The API in the words of OpenAPI 3.1, made from the table of routes.
import type * as v from 'valibot';
import { type Components, fieldsOf, type JsonSchema, jsonSchema } from './json-schema.ts';
import type { Identity, Route } from './router.ts';

/** Of requests that no route ever sees; not each server says why. */
const UNREADABLE: Record<string, string> = {
  411: 'A body without a length.',
  431: 'Address and header fields are too long together.',
};

/** What each kind of failure means; the table from kinds to statuses is that of `error-reply.ts`. */
const ERRORS: Record<string, string> = {
  400: 'Something in the request is not usable; `field` says what.',
  401: 'Nobody is logged in, or no longer; or name and password do not fit.',
  403: 'Somebody is, and may not do this.',
  404: 'There is no such thing, or none that the caller may see.',
  409: 'Not now, or not in this state.',
  429: 'Too many at once; `Retry-After` says when again.',
  500: 'The service failed; the log tells more.',
  503: 'Not at the moment, or the service starts or stops.',
  507: 'There is no room for it, or there are as many as can be.',
};

const ERROR_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        kind: {
          enum: [
            'invalid-argument',
            'unauthenticated',
            'permission-denied',
            'not-found',
            'failed-precondition',
            'resource-exhausted',
            'unavailable',
            'data-loss',
            'internal',
          ],
        },
        message: { type: 'string' },
        field: { type: 'string', description: 'Path of the input field that is wrong.' },
        cure: { type: 'string', description: 'What to do about it.' },
      },
      required: ['kind', 'message'],
    },
  },
  required: ['error'],
};

/** Of answers in JSON, by the name of the route. */
export type AnswerSchemas = Readonly<Record<string, v.GenericSchema>>;

export function openApi(routes: readonly Route[], version: string, answers: AnswerSchemas): JsonSchema {
  const paths: Record<string, JsonSchema> = {};
  const components: Components = new Map([['Error', ERROR_SCHEMA]]);
  for (const route of routes) {
    const path = (paths[route.path] ??= {});
    const answer = answers[route.name];
    path[route.method.toLowerCase()] = operation(route, answer && jsonSchema(answer, components));
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Thimble', version, description: 'Times are UTC in milliseconds, sizes in bytes.' },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: Object.fromEntries(components),
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'thimble_session' },
        bearer: { type: 'http', scheme: 'bearer', description: 'An API token.' },
        basic: { type: 'http', scheme: 'basic', description: 'An API token as password, with any name.' },
        link: { type: 'apiKey', in: 'query', name: 'link', description: 'Made by POST /api/links.' },
      },
    },
  };
}

function operation(route: Route, answer: JsonSchema | undefined): JsonSchema {
  const { facts } = route;
  return {
    operationId: operationId(route),
    summary: facts.summary,
    description: whoMay(route.identity, route.right),
    parameters: parameters(route),
    ...(facts.body
      ? { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(facts.body) } } } }
      : {}),
    responses: { ...success(route, answer), ...errors(route) },
    security: security(route),
  };
}

/** `GET /api/cameras/{id}/snapshot.jpg` -> `get_cameras_id_snapshot_jpg` */
function operationId({ method, path }: Route): string {
  return `${method.toLowerCase()}${path.slice('/api'.length).replace(/[^a-z0-9]+/gi, '_')}`.replace(/_$/, '');
}

function whoMay(identity: Identity, right: string | undefined): string {
  if (identity === 'public') return 'For everybody.';
  return `Needs the role ${identity}${right === undefined ? '' : ` and the right to ${right}`}.`;
}

function parameters({ path, facts }: Route): JsonSchema[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  return [
    ...names.map(name => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string', pattern: '^[\\w.-]{1,64}$' },
    })),
    ...fieldsOf(facts.query).map(({ name, required, schema }) => ({ name, in: 'query', required, schema })),
  ];
}

function success({ method, facts, open }: Route, answer: JsonSchema | undefined): Record<string, JsonSchema> {
  if (open) return { 101: { description: 'The WebSocket is open.' } };
  if (facts.media !== 'application/json') {
    const content = { [facts.media]: { schema: {} } };
    return {
      200: { description: 'The bytes.', content },
      206: { description: 'Those of the Range that was asked for.', content },
    };
  }
  if (!answer) return { 204: { description: 'It is done.' } };
  const reply = { description: 'It is done.', content: { 'application/json': { schema: answer } } };
  return method === 'GET' ? { 200: reply } : { '2XX': reply };
}

function errors({ method, identity, facts, path, open }: Route): Record<string, JsonSchema> {
  const isOpenPage = identity === 'public' && method === 'GET';
  const statuses = Object.keys(ERRORS).filter(status => {
    if (status === '401' && isOpenPage) return false;
    if (status === '507') return method !== 'GET';
    if (status === '404' || status === '409')
      return path.includes('{') || facts.body !== undefined || facts.query !== undefined;
    return true;
  });
  const unreadable = Object.keys(UNREADABLE).filter(status => status === '431' || facts.body !== undefined);
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };
  const upgrade = open ? { 426: { description: 'It is for WebSockets.', content } } : {};
  return {
    ...Object.fromEntries(statuses.map(status => [status, { description: ERRORS[status], content }])),
    ...Object.fromEntries(unreadable.map(status => [status, { description: UNREADABLE[status] }])),
    ...upgrade,
  };
}

function security({ identity, linkable }: Route): JsonSchema[] {
  if (identity === 'public') return [];
  return [{ session: [] }, { bearer: [] }, { basic: [] }, ...(linkable ? [{ link: [] }] : [])];
}
