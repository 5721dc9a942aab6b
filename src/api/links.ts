// Signed links: addresses that can be read for a while by clients that send neither cookie nor token, such as players.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Caller, RIGHTS } from '../accounts/index.ts';
import { type Clock, NvrError } from '../core/index.ts';
import type { HttpRequest } from './server.ts';

const PARAMETER = 'link';
const MAC_BYTES = 32;
/** user, credential, expiry and HMAC-SHA256. */
const FORM = /^(\d{1,9})\.([\w-]{16})\.(\d{1,15})\.([\w-]{43})$/;

export interface SignedLinksOptions {
  /** Of this data directory, for nothing else. */
  key: Buffer;
  clock: Pick<Clock, 'nowMs'>;
  /** What may be done at present with a session or token of a user; undefined when there is none any more. */
  callerBy(user: number, credential: string): Caller | undefined;
}

/** Who has signed, and with which session or token: its end is the link's. */
export type Signatory = Pick<Caller, 'user' | 'credential'>;

export class SignedLinks {
  readonly #options: SignedLinksOptions;

  constructor(options: SignedLinksOptions) {
    this.#options = options;
  }

  /** `path` begins with `/`, `query` has no link of its own. Good until `untilMs`, for as long as who signs may what it shows. */
  sign(path: string, query: string, { user, credential = '' }: Signatory, untilMs: number): string {
    const claim = `${user}.${credential}.${untilMs}`;
    const link = `${claim}.${this.#mac(path, query, claim).toString('base64url')}`;
    return `${path}?${query}${query === '' ? '' : '&'}${PARAMETER}=${link}`;
  }

  /** Who stands behind the link of a request; undefined when it has none. Throws `permission-denied` for one that is not good. */
  read(request: HttpRequest): Caller | undefined {
    const links = request.query.split('&').filter(isLink);
    if (links.length === 0) return undefined;
    const match = links.length === 1 ? FORM.exec((links[0] as string).slice(PARAMETER.length + 1)) : null;
    if (!match || request.method !== 'GET') throw notGood();
    const [, user = '', credential = '', untilMs = '', signature = ''] = match;
    const mac = this.#mac(request.path, withoutLink(request.query), `${user}.${credential}.${untilMs}`);
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== MAC_BYTES || !timingSafeEqual(given, mac)) throw notGood();
    const { clock, callerBy } = this.#options;
    const caller = Number(untilMs) > clock.nowMs() ? callerBy(Number(user), credential) : undefined;
    if (!caller) throw new NvrError('permission-denied', 'this link is no longer good', { cure: 'Ask for a new one.' });
    const rights = caller.role === 'admin' ? new Set(RIGHTS) : caller.rights;
    return { ...caller, by: 'link', role: 'viewer', rights };
  }

  #mac(path: string, query: string, claim: string): Buffer {
    return createHmac('sha256', this.#options.key).update(`GET\n${path}\n${query}\n${claim}`).digest();
  }
}

/** The rest of a query, as it was signed. */
export function withoutLink(query: string): string {
  return query
    .split('&')
    .filter(part => !isLink(part))
    .join('&');
}

function isLink(part: string): boolean {
  return part.startsWith(`${PARAMETER}=`);
}

function notGood(): NvrError {
  return new NvrError('permission-denied', 'this link is not good', { cure: 'Ask for a new one.' });
}
