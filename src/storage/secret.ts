// Seals passwords of cameras and services with the key of this data directory, so that the index and its mirror hold none.
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { readFile, rename, stat } from 'node:fs/promises';
import { fromSystem, type Logger, NvrError, writeFileAtomic } from '../core/index.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Version of the envelope: AES-256-GCM, key id, nonce, text, tag. */
const VERSION = 'v1';
const MAX_SEALED_CHARS = 64 * 1024;

export class Sealer {
  readonly #key: Buffer;
  /** First bytes of the key's hash: tells a text of another key from a damaged one. */
  readonly #keyId: string;

  constructor(key: Buffer) {
    this.#key = key;
    this.#keyId = createHash('sha256').update('thimble key id').update(key).digest('hex').slice(0, 8);
  }

  /** The text in an envelope of printable characters; another one at each call. */
  seal(text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(this.#header());
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${VERSION}.${this.#keyId}.${sealed.toString('base64url')}`;
  }

  /** The text of an envelope. Throws `data-loss` when it was sealed with another key or is damaged. */
  unseal(sealed: string): string {
    const parts = sealed.length > MAX_SEALED_CHARS ? [] : sealed.split('.');
    const [version, keyId, data] = parts;
    if (parts.length !== 3 || version !== VERSION || data === undefined) throw lost('is damaged');
    if (keyId !== this.#keyId) throw lost('was sealed with another key');
    const bytes = Buffer.from(data, 'base64url');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) throw lost('is damaged');
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(this.#header());
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString(
        'utf8',
      );
    } catch (error) {
      throw lost('is damaged', error);
    }
  }

  /** A key for one purpose, always the same, from which this one cannot be told. */
  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#key, '', `thimble ${purpose}`, KEY_BYTES));
  }

  #header(): Buffer {
    return Buffer.from(`${VERSION}.${this.#keyId}`);
  }
}

function lost(what: string, cause?: unknown): NvrError {
  return new NvrError('data-loss', `a stored password ${what}`, { cure: 'Enter the password again.', cause });
}

/**
 * Reads the key file, or makes it (0600). A damaged one is put aside: recording goes on without the passwords that it sealed, and
 * their owner is told as they are used.
 */
export async function openSealer(path: string, log: Logger): Promise<Sealer> {
  const text = await readKey(path);
  if (text !== undefined && /^[0-9a-f]{64}\n?$/.test(text)) return new Sealer(Buffer.from(text.trim(), 'hex'));
  if (text !== undefined) {
    log.error('the key file is damaged, passwords have to be entered again', { path });
    await rename(path, `${path}.damaged`);
  }
  const key = randomBytes(KEY_BYTES);
  await writeFileAtomic(path, `${key.toString('hex')}\n`, { mode: 0o600 });
  return new Sealer(key);
}

async function readKey(path: string): Promise<string | undefined> {
  try {
    // Reading a pipe would wait for ever.
    return (await stat(path)).isFile() ? await readFile(path, 'utf8') : '';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fromSystem(error, `cannot read ${path}`);
  }
}
