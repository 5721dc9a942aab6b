// Getting in and out over HTTP: the first account, login, logout, and what concerns oneself.
import * as v from 'valibot';
import { type Accounts, type Caller, type LoggedIn, nameSchema, SESSION_LIFE_MS } from '../accounts/index.ts';
import { NvrError } from '../core/index.ts';
import type { LoggedIn as LoggedInReply, Me } from './contract.ts';
import { type JsonReply, jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { HttpRequest } from './server.ts';
import type { ApiServices } from './services.ts';

/** A bound for what is looked at; what a new password must be like is said by `accounts`. */
const MAX_PASSWORD_CHARS = 1024;
const PASSWORD_CURE = 'Write a password.';
const secret = v.pipe(
  v.string(PASSWORD_CURE),
  v.minLength(1, PASSWORD_CURE),
  v.maxLength(MAX_PASSWORD_CHARS, PASSWORD_CURE),
);

const CODE_CURE = 'Write the code of eight characters that the board shows.';
const setupSchema = v.strictObject({
  code: v.pipe(v.string(CODE_CURE), v.minLength(1, CODE_CURE), v.maxLength(64, CODE_CURE)),
  name: nameSchema,
  password: secret,
});
const NAME_CURE = 'Write your name.';
const TOTP_CURE = 'Write the six digits that your app shows.';
const loginSchema = v.strictObject({
  // Whatever it is: a name that cannot be is as wrong as any other.
  name: v.pipe(v.string(NAME_CURE), v.minLength(1, NAME_CURE), v.maxLength(256, NAME_CURE)),
  password: secret,
  totp: v.optional(v.pipe(v.string(TOTP_CURE), v.regex(/^\d{6}$/, TOTP_CURE))),
});
const passwordSchema = v.strictObject({ currentPassword: secret, password: secret });

export interface AccountRouteServices {
  clock: Pick<ApiServices['clock'], 'nowMs'>;
  facts: Pick<ApiServices['facts'], 'timeZone'>;
}

export function accountRoutes({ clock, facts }: AccountRouteServices, accounts: Accounts) {
  const meOf = (caller: Caller) => me(caller, accounts, { boardTimeMs: clock.nowMs(), timeZone: facts.timeZone });
  return [
    route('GET', '/api/setup', {
      identity: 'public',
      summary: 'Says whether the first account is still to be made.',
      handle: () => jsonReply(200, { open: accounts.setupCode !== undefined }),
    }),
    route('POST', '/api/setup', {
      identity: 'public',
      summary: 'Makes the first account, an admin, with the code that the board shows.',
      rate: 'login',
      body: setupSchema,
      handle: async ({ body, request }) => loggedIn(201, await accounts.setup(body, originOf(request)), request),
    }),
    route('POST', '/api/login', {
      identity: 'public',
      summary: 'Begins a session; its cookie comes with the answer.',
      rate: 'login',
      body: loginSchema,
      handle: async ({ body, request }) => loggedIn(200, await accounts.login(body, originOf(request)), request),
    }),
    route('POST', '/api/logout', {
      identity: 'viewer',
      summary: 'Ends the session.',
      handle: async ({ caller, request }) => {
        await accounts.sessions.logout(actorOf(caller, request));
        return { status: 204, headers: { 'Set-Cookie': cookie('', 0, request) } };
      },
    }),
    route('GET', '/api/me', {
      identity: 'viewer',
      summary: 'Says who asks, and what they may.',
      handle: ({ caller }) => jsonReply(200, meOf(caller)),
    }),
    route('PATCH', '/api/me', {
      identity: 'viewer',
      summary: 'Changes the own password: ends all other sessions, and comes with a new cookie.',
      rate: 'login',
      body: passwordSchema,
      handle: async ({ body, caller, request }) => {
        const actor = { ...actorOf(caller, request), ...originOf(request) };
        const { secret: fresh } = await accounts.changePassword(actor, body);
        const now = accounts.identify({ cookie: `${COOKIE}=${fresh}` }) ?? caller;
        return jsonReply(200, meOf(now), {
          'Set-Cookie': cookie(fresh, SESSION_LIFE_MS, request),
        });
      },
    }),
  ];
}

/** For what is written down of a change. */
export function actorOf(caller: Caller, request: HttpRequest) {
  return { caller, remoteAddress: request.remoteAddress };
}

/**
 * The user that a request about somebody's sessions or tokens is about: oneself, from a session, or anybody for an admin. A token of
 * narrow scope is not to look after those of its user.
 */
export function whoseOf(caller: Caller, user: number | undefined, accounts: Accounts): number {
  const whose = user ?? caller.user;
  if (!mayManage(caller, whose)) {
    throw new NvrError('permission-denied', 'this needs a login of that user, or the role admin', { cure: 'Log in.' });
  }
  if (user !== undefined && !accounts.users.get(user)) throw new NvrError('not-found', 'there is no such user');
  return whose;
}

export function mayManage(caller: Caller, user: number): boolean {
  return caller.role === 'admin' || (caller.by === 'session' && caller.user === user);
}

const COOKIE = 'thimble_session';

function loggedIn(
  status: number,
  { name, role, secret: value }: LoggedIn,
  request: HttpRequest,
): JsonReply<LoggedInReply> {
  return jsonReply(status, { name, role }, { 'Set-Cookie': cookie(value, SESSION_LIFE_MS, request) });
}

function cookie(value: string, lifeMs: number, request: HttpRequest): string {
  const life = Math.floor(lifeMs / 1000);
  return `${COOKIE}=${value}; Path=/; Max-Age=${life}; HttpOnly; SameSite=Strict${request.secure ? '; Secure' : ''}`;
}

function originOf(request: HttpRequest) {
  return { remoteAddress: request.remoteAddress, userAgent: request.header('user-agent') };
}

function me(caller: Caller, accounts: Accounts, board: Pick<Me, 'boardTimeMs' | 'timeZone'>): Me {
  const { by, user, name, role, cameras, rights } = caller;
  const expiresMs = accounts.expiryOf(caller);
  return {
    ...{ id: user, name, role },
    ...(cameras && { cameras: [...cameras] }),
    rights: [...rights],
    by: by === 'token' ? 'token' : 'session',
    ...board,
    ...(expiresMs !== undefined && { expiresMs }),
  };
}
