// Passwords: what is one, and their hashes. One is hashed at a time, so that a flood of logins takes neither memory nor the processor.
import { randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto';
import { NvrError } from '../core/index.ts';

/** 8 MiB of memory for each hash. The parameters stand in each hash, so that they may rise. */
const COST = { ln: 13, r: 8, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Those that wait or are hashed. */
const MAX_QUEUE = 8;
const MAX_MEMORY_BYTES = 32 * 1024 * 1024;
const BUSY_RETRY_S = 2;

export const MIN_PASSWORD_CHARS = 10;
export const MAX_PASSWORD_CHARS = 256;
const MIN_DIFFERENT_CHARS = 5;

/** What people choose when they are asked for ten characters; parts of it, in lower case without digits and signs at the ends. */
const COMMON = new Set(
  (
    'password passwort passw0rd p@ssword p@ssw0rd passwordpassword mypassword password1234 letmein letmeinnow welcome welcomehome ' +
    'administrator admin adminadmin rootroot changeme changemenow default secret topsecret supersecret iloveyou ' +
    'qwerty qwertyui qwertyuio qwertyuiop qwertyqwerty qwertz qwertzuiop azertyuiop asdfghjkl asdfghjkl; zxcvbnm 1q2w3e4r5t 1qaz2wsx3edc ' +
    'q1w2e3r4t5 zaq12wsx abcdefgh abcdefghi abcdefghij abcabcabc aaaaaaaaaa football baseball basketball superman batman ' +
    'princess sunshine dragon monkey shadow master trustno1 whatever computer internet samsung camera cameras mycamera ' +
    'surveillance security recorder nvr thimble thimblethimble raspberry raspberrypi hikvision dahua reolink'
  ).split(' '),
);

/** Throws `invalid-argument` naming the field for a password that is too short, too long, or one of the first that anybody would try. */
export function checkPassword(password: string, userName: string, field = 'password'): void {
  const refuse = (message: string, cure: string) => new NvrError('invalid-argument', message, { field, cure });
  const length = [...password].length;
  if (length < MIN_PASSWORD_CHARS) {
    throw refuse(
      'the password is too short',
      `Use at least ${MIN_PASSWORD_CHARS} characters; a few words are easy to keep.`,
    );
  }
  if (length > MAX_PASSWORD_CHARS)
    throw refuse('the password is too long', `Use at most ${MAX_PASSWORD_CHARS} characters.`);
  const lower = password.normalize('NFKC').toLowerCase();
  const core = lower.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
  const isGuessed =
    COMMON.has(lower) ||
    COMMON.has(core) ||
    new Set(lower).size < MIN_DIFFERENT_CHARS ||
    isRun(lower) ||
    core === userName.normalize('NFKC').toLowerCase();
  if (isGuessed)
    throw refuse('the password is one of the first that are tried', 'Use a few words that do not belong together.');
}

/** `1234567890`, `0987654321`, `abcdefghijkl`. */
function isRun(text: string): boolean {
  const codes = [...text].map(char => char.codePointAt(0) ?? 0);
  const steps = codes.slice(1).map((code, index) => code - (codes[index] ?? 0));
  // From 9 to 0 is one step, too.
  const rounded = steps.map(step => (step === -9 ? 1 : step === 9 ? -1 : step));
  return Math.abs(rounded[0] ?? 0) <= 1 && rounded.every(step => step === rounded[0]);
}

/** Without what is easily mistaken: I, L, O, 0, 1. */
const LEGIBLE = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';

/** `groups` groups of `length` characters that can be read out and typed in. */
export function legibleSecret(groups: number, length: number): string {
  const group = () => Array.from({ length }, () => LEGIBLE[randomInt(LEGIBLE.length)]).join('');
  return Array.from({ length: groups }, group).join('-');
}

export class PasswordHasher {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Rejects with `resource-exhausted` when too many wait. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#derive(password, salt, COST);
    return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${salt.toString('base64')}$${hash.toString('base64')}`;
  }

  /** `stored` undefined: of nobody; the answer is no, after the same work. Rejects like `hash`. */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    const parts = stored === undefined ? undefined : parseHash(stored);
    const { salt, hash, ...cost } = parts ?? {
      ...COST,
      salt: Buffer.alloc(SALT_BYTES),
      hash: Buffer.alloc(HASH_BYTES),
    };
    const derived = await this.#derive(password, salt, cost);
    return timingSafeEqual(derived, hash) && parts !== undefined;
  }

  async #derive(password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> {
    if (this.#waiting >= MAX_QUEUE) {
      const cure = 'Try again in a moment.';
      throw new NvrError('resource-exhausted', 'too many logins at once', { cure, retryAfterS: BUSY_RETRY_S });
    }
    this.#waiting++;
    const mine = this.#last.then(() => derive(password, salt, cost));
    this.#last = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }
}

function derive(password: string, salt: Buffer, { ln, r, p }: typeof COST): Promise<Buffer> {
  const options = { N: 2 ** ln, r, p, maxmem: MAX_MEMORY_BYTES };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

/** Undefined for what is none of ours, or would take more memory or time than any of ours. */
function parseHash(stored: string): (typeof COST & { salt: Buffer; hash: Buffer }) | undefined {
  const match = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/=]{16,64})\$([A-Za-z0-9+/=]{44})$/.exec(
    stored,
  );
  if (!match) return undefined;
  const [ln, r, p] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const hash = Buffer.from(match[5] ?? '', 'base64');
  if (ln < 10 || ln > 14 || r < 1 || r > 8 || p < 1 || p > 16 || hash.length !== HASH_BYTES) return undefined;
  return { ln, r, p, salt: Buffer.from(match[4] ?? '', 'base64'), hash };
}
