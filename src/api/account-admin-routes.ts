// Users, sessions, tokens and the audit log over HTTP.
import * as v from 'valibot';
import {
  type Accounts,
  AUDIT_ACTIONS,
  camerasSchema,
  nameSchema,
  rightsSchema,
  roleSchema,
  type TokenView,
} from '../accounts/index.ts';
import { NvrError } from '../core/index.ts';
import { actorOf, mayManage, whoseOf } from './account-routes.ts';
import type { Session } from './contract.ts';
import { integer } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { ApiServices } from './services.ts';

const DEFAULT_ENTRIES = 100;
const MAX_ENTRIES = 500;
const PASSWORD_CURE = 'Write a password.';

const userId = integer(1, 999_999_999);
const password = v.pipe(v.string(PASSWORD_CURE), v.maxLength(1024, PASSWORD_CURE));
const newUserSchema = v.strictObject({
  name: nameSchema,
  password,
  role: roleSchema,
  cameras: v.optional(v.nullable(camerasSchema)),
  rights: v.optional(rightsSchema),
});
const userPatchSchema = v.strictObject({
  name: v.optional(nameSchema),
  password: v.optional(password),
  role: v.optional(roleSchema),
  cameras: v.optional(v.nullable(camerasSchema)),
  rights: v.optional(rightsSchema),
});
const TIME_CURE = 'Use UTC milliseconds.';
const newTokenSchema = v.strictObject({
  name: nameSchema,
  role: v.optional(roleSchema),
  cameras: v.optional(camerasSchema),
  rights: v.optional(rightsSchema),
  expiresMs: v.optional(v.pipe(v.number(TIME_CURE), v.safeInteger(TIME_CURE), v.minValue(0, TIME_CURE))),
});
const userQuery = v.strictObject({ user: v.optional(userId) });
const CURSOR_CURE = 'Use the cursor of the answer before.';
const auditQuery = v.strictObject({
  action: v.optional(v.picklist(AUDIT_ACTIONS, `Use ${AUDIT_ACTIONS.join(', ')}.`)),
  limit: v.optional(integer(1, MAX_ENTRIES)),
  cursor: v.optional(v.pipe(v.string(CURSOR_CURE), v.regex(/^\d{1,15}$/, CURSOR_CURE))),
});

export function userRoutes({ cameras }: Pick<ApiServices, 'cameras'>, accounts: Accounts) {
  const { users } = accounts;
  const checkCameras = (ids: readonly number[] | null | undefined) => {
    const unknown = ids?.find(id => cameras.get(id) === undefined);
    if (unknown === undefined) return;
    throw new NvrError('invalid-argument', `there is no camera ${unknown}`, {
      field: 'cameras',
      cure: 'Leave it out.',
    });
  };
  return [
    route('GET', '/api/users', {
      identity: 'admin',
      summary: 'Lists all users.',
      handle: () => jsonReply(200, { users: users.list() }),
    }),
    route('POST', '/api/users', {
      identity: 'admin',
      summary: 'Adds a user.',
      body: newUserSchema,
      handle: async ({ body, caller, request }) => {
        checkCameras(body.cameras);
        const { cameras: seen, ...rest } = body;
        const user = await users.add(actorOf(caller, request), { ...rest, cameras: seen ?? undefined });
        return jsonReply(201, user);
      },
    }),
    route('PATCH', '/api/users/{id}', {
      identity: 'admin',
      summary: 'Changes what is given, at once also for whoever is logged in as that user.',
      body: userPatchSchema,
      handle: async ({ params, body, caller, request }) => {
        checkCameras(body.cameras);
        return jsonReply(200, await users.change(actorOf(caller, request), parseUserId(params.id), body));
      },
    }),
    route('DELETE', '/api/users/{id}', {
      identity: 'admin',
      summary: 'Removes a user with all sessions and tokens.',
      handle: async ({ params, caller, request }) => {
        await users.remove(actorOf(caller, request), parseUserId(params.id));
        return { status: 204 };
      },
    }),
    route('GET', '/api/audit', {
      identity: 'admin',
      summary: 'Lists who did what, newest first.',
      query: auditQuery,
      handle: ({ query: { limit = DEFAULT_ENTRIES, ...query } }) =>
        jsonReply(200, accounts.audit.list({ ...query, limit })),
    }),
  ];
}

export function credentialRoutes(accounts: Accounts) {
  const { tokens } = accounts;
  return [
    route('GET', '/api/sessions', {
      identity: 'viewer',
      summary: 'Lists the own sessions; those of others for an admin.',
      query: userQuery,
      handle: ({ query, caller }) => {
        const sessions = accounts.sessions.of(whoseOf(caller, query.user, accounts));
        const views = sessions.map((session): Session => ({ ...session, current: session.id === caller.credential }));
        return jsonReply(200, { sessions: views });
      },
    }),
    route('DELETE', '/api/sessions', {
      identity: 'viewer',
      summary: 'Ends all sessions of a user but the one that asks.',
      query: userQuery,
      handle: async ({ query, caller, request }) => {
        await accounts.sessions.endAll(actorOf(caller, request), whoseOf(caller, query.user, accounts));
        return { status: 204 };
      },
    }),
    route('DELETE', '/api/sessions/{id}', {
      identity: 'viewer',
      summary: 'Ends a session.',
      handle: async ({ params, caller, request }) => {
        await accounts.sessions.end(actorOf(caller, request), params.id ?? '', user => mayManage(caller, user));
        return { status: 204 };
      },
    }),
    route('GET', '/api/tokens', {
      identity: 'viewer',
      summary: 'Lists the own tokens; those of others for an admin.',
      query: userQuery,
      handle: ({ query, caller }) => {
        const list: TokenView[] = tokens.of(whoseOf(caller, query.user, accounts));
        return jsonReply(200, { tokens: list });
      },
    }),
    route('POST', '/api/tokens', {
      identity: 'viewer',
      summary: 'Makes a token, which is shown this once.',
      body: newTokenSchema,
      handle: async ({ body, caller, request }) => jsonReply(201, await tokens.create(actorOf(caller, request), body)),
    }),
    route('DELETE', '/api/tokens/{id}', {
      identity: 'viewer',
      summary: 'Revokes a token.',
      handle: async ({ params, caller, request }) => {
        await tokens.revoke(actorOf(caller, request), params.id ?? '', user => mayManage(caller, user));
        return { status: 204 };
      },
    }),
  ];
}

function parseUserId(text: string | undefined): number {
  if (/^[1-9]\d{0,8}$/.test(text ?? '')) return Number(text);
  throw new NvrError('not-found', 'there is no such user');
}
