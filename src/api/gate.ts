// Who may ask for what: from a request and a row of the table to a caller that may have it, or to the error that says why not.
import { type AuditEntry, type Caller, NOBODY, networkOf, ROLES, seesCamera } from '../accounts/index.ts';
import { type Clock, NvrError } from '../core/index.ts';
import type { AuditTrail } from './audit-trail.ts';
import { checkOrigin, type Proof } from './guard.ts';
import { RateLimit } from './rate-limit.ts';
import type { Gate, Route } from './router.ts';
import type { HttpRequest } from './server.ts';

/** What the gate needs of the accounts. */
export interface Identifier {
  /** There while no account exists. */
  readonly setupCode: string | undefined;
  /** Undefined when nothing was sent, or nothing that is valid. */
  identify(credentials: { cookie?: string; authorization?: string; remoteAddress: string }): Caller | undefined;
  /** What may be done at present with a session or token of a user, whoever asks; undefined when there is none any more. */
  callerBy(user: number, credential: string): Caller | undefined;
  /** Tells of sessions and tokens that ended, or may do other things than before. */
  onRevoked(listener: () => void): void;
  audit: { record(entry: AuditEntry): void };
}

/** Who stands behind the link of a request; undefined when the request carries none. Throws `permission-denied` for one that is not good any more. */
export type LinkReader = (request: HttpRequest) => Caller | undefined;

/** Answered before there is an account. */
const BEFORE_ACCOUNTS = new Set(['/api/health', '/api/setup']);

export class Gatekeeper {
  readonly #accounts: Identifier;
  readonly #links: LinkReader;
  readonly #trail: AuditTrail;
  readonly #rates: RateLimit;

  constructor(accounts: Identifier, links: LinkReader, trail: AuditTrail, clock: Pick<Clock, 'monotonicMs'>) {
    this.#accounts = accounts;
    this.#trail = trail;
    this.#links = links;
    this.#rates = new RateLimit(clock);
  }

  /** Until the owner has made the first account, only that is possible. */
  checkSetUp(path: string): void {
    if (this.#accounts.setupCode === undefined || BEFORE_ACCOUNTS.has(path)) return;
    throw new NvrError('unauthenticated', 'nobody has set this recorder up yet', {
      cure: 'Open its page in a browser and enter the set-up code that it has printed.',
    });
  }

  /** Throws `unauthenticated` or `permission-denied`; `admit` of what it gives throws as `Gate` says. */
  pass(request: HttpRequest, route: Route, isUpgrade: boolean): Gate {
    const { caller, proof } =
      route.identity === 'public' ? { caller: NOBODY, proof: 'none' as const } : this.#who(request, route);
    const needsOrigin = isUpgrade || request.method !== 'GET';
    if (needsOrigin) this.#refusing(request, caller, () => checkOrigin(request, proof));
    return this.gateOf(caller, route, request);
  }

  /** The same for whoever is known already. */
  gateOf(caller: Caller, route: Route, request: HttpRequest): Gate {
    this.#refusing(request, caller, () => checkRole(caller, route));
    const who = caller.user > 0 ? `user ${caller.user}` : networkOf(request.remoteAddress);
    const isStranger = route.identity === 'public';
    return {
      caller,
      knock: () => {
        if (isStranger) this.#rates.take(who, route.rate);
      },
      admit: (cameras, rate = route.rate) => {
        // What a caller may not see does not exist for it.
        if (!isStranger && !cameras.every(camera => seesCamera(caller, camera))) {
          throw new NvrError('not-found', 'there is no such camera');
        }
        this.#refusing(request, caller, () => checkRight(caller, route));
        if (!isStranger) this.#rates.take(who, rate);
      },
    };
  }

  #refusing(request: HttpRequest, caller: Caller, check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#trail.refused(request, caller, error);
      throw error;
    }
  }

  /** Whether the same proof is still good for the same things. What a link has begun may end after the link: who has signed it counts. */
  isStillGood(request: HttpRequest, route: Route, caller: Caller): boolean {
    if (caller.by === 'nobody') return true;
    try {
      const now =
        caller.by === 'link'
          ? this.#accounts.callerBy(caller.user, caller.credential ?? '')
          : this.#who(request, route).caller;
      if (!now || now.user !== caller.user || !sameSet(now.cameras, caller.cameras)) return false;
      checkRight(now, route);
      return caller.by === 'link' || now.role === caller.role;
    } catch {
      return false;
    }
  }

  #who(request: HttpRequest, { linkable }: Route): { caller: Caller; proof: Proof } {
    const linked = linkable ? this.#links(request) : undefined;
    if (linked) return { caller: linked, proof: 'none' };
    const cookie = request.header('cookie');
    const authorization = request.header('authorization');
    const { remoteAddress } = request;
    const caller = this.#accounts.identify({
      ...(cookie === undefined ? {} : { cookie }),
      ...(authorization === undefined ? {} : { authorization }),
      remoteAddress,
    });
    if (!caller) {
      throw new NvrError('unauthenticated', 'nobody is logged in, or no longer', {
        cure: 'Log in, or send an API token.',
      });
    }
    return { caller, proof: caller.by === 'session' ? 'cookie' : proofOf(authorization) };
  }
}

function proofOf(authorization: string | undefined): Proof {
  return /^bearer /i.test(authorization ?? '') ? 'bearer' : 'basic';
}

function checkRole({ role }: Caller, { identity }: Route): void {
  if (identity === 'public' || ROLES.indexOf(role) >= ROLES.indexOf(identity)) return;
  throw new NvrError('permission-denied', `this needs the role ${identity}`);
}

function checkRight({ role, rights }: Caller, { right }: Route): void {
  if (right === undefined || role === 'admin' || rights.has(right)) return;
  throw new NvrError('permission-denied', `this needs the right to ${right}`);
}

function sameSet(a: ReadonlySet<number> | undefined, b: ReadonlySet<number> | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.size === b.size && [...a].every(entry => b.has(entry));
}
