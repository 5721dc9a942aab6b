// Checks who may play: Basic (RFC 7617) and Digest (RFC 2617 without qop as most cameras do it, RFC 7616 for SHA-256).
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RtspReply, RtspRequest } from './rtsp-request.ts';

export interface LoginOptions {
  username: string;
  password: string;
  scheme: 'basic' | 'digest' | 'digest-sha256';
}

const REALM = 'Thimble demo';

/** The login of one connection: it has a nonce of its own. */
export class RtspLogin {
  readonly #options: LoginOptions;
  readonly #nonce = randomBytes(16).toString('hex');

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** Undefined when the request may go on, else the 401 to send. */
  refuse(request: RtspRequest): RtspReply | undefined {
    const given = request.headers.get('authorization') ?? '';
    const right = this.#options.scheme === 'basic' ? this.#basic(given) : this.#digest(given, request);
    return right ? undefined : this.challenge();
  }

  challenge(): RtspReply {
    const { scheme } = this.#options;
    const algorithm = scheme === 'digest-sha256' ? ', algorithm=SHA-256' : '';
    const value =
      scheme === 'basic' ? `Basic realm="${REALM}"` : `Digest realm="${REALM}", nonce="${this.#nonce}"${algorithm}`;
    return { status: 401, reason: 'Unauthorized', headers: [['WWW-Authenticate', value]] };
  }

  #basic(given: string): boolean {
    const { username, password } = this.#options;
    const token = /^Basic\s+(\S+)$/i.exec(given)?.[1] ?? '';
    return same(token, Buffer.from(`${username}:${password}`).toString('base64'));
  }

  #digest(given: string, request: RtspRequest): boolean {
    if (!/^Digest\s/i.test(given)) return false;
    const { username, password, scheme } = this.#options;
    const fields = new Map<string, string>();
    for (const match of given.matchAll(/([\w-]{1,32})=(?:"([^"]*)"|([^\s,]*))/g)) {
      fields.set((match[1] ?? '').toLowerCase(), match[2] ?? match[3] ?? '');
    }
    const uri = fields.get('uri') ?? '';
    if (fields.get('nonce') !== this.#nonce || fields.get('username') !== username || uri !== request.url) return false;
    const hash = (text: string) =>
      createHash(scheme === 'digest' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex');
    const secret = hash(`${username}:${REALM}:${password}`);
    return same(fields.get('response') ?? '', hash(`${secret}:${this.#nonce}:${hash(`${request.method}:${uri}`)}`));
  }
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
