// Takes a certificate that its owner has renewed on disk into use while the service runs.
import { stat } from 'node:fs/promises';
import { background, type Clock, type Logger } from '../core/index.ts';
import { type KnownIdentity, readOwnIdentity } from './tls-identity.ts';

const LOOK_MS = 60_000;

export interface RenewalParts {
  /** Absolute. */
  files: { certificate: string; key: string };
  /** Called with each new pair that belongs together. */
  use(identity: KnownIdentity): void;
  clock: Pick<Clock, 'after'>;
  log: Logger;
}

export class TlsRenewal {
  readonly #parts: RenewalParts;
  /** What tells that the files are others. */
  #mark: string | undefined;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  /** Reads the files for the first time and follows them from then on. Rejects as `readOwnIdentity`. */
  async begin(): Promise<KnownIdentity> {
    const { files } = this.#parts;
    this.#mark = await markOf(files);
    const identity = await readOwnIdentity(files);
    this.#lookLater();
    return identity;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  #lookLater(): void {
    if (this.#isStopped) return;
    const { clock, log } = this.#parts;
    this.#cancel = clock.after(LOOK_MS, () => {
      background(
        this.#look().finally(() => this.#lookLater()),
        'look for a renewed certificate',
        log,
      );
    });
  }

  async #look(): Promise<void> {
    const { files, use, log } = this.#parts;
    const mark = await markOf(files);
    // What is missing is just being replaced.
    if (mark === undefined || mark === this.#mark || this.#isStopped) return;
    this.#mark = mark;
    try {
      const identity = await readOwnIdentity(files);
      use(identity);
      log.info('the certificate was renewed', {
        fingerprint: identity.fingerprint,
        validUntilMs: identity.validUntilMs,
      });
    } catch (error) {
      // One of the two may come later.
      log.warn('the certificate on disk cannot be used: the one before stays', { error });
    }
  }
}

async function markOf({ certificate, key }: RenewalParts['files']): Promise<string | undefined> {
  try {
    const facts = await Promise.all([stat(certificate), stat(key)]);
    return facts.map(({ ino, size, mtimeMs, ctimeMs }) => `${ino} ${size} ${mtimeMs} ${ctimeMs}`).join();
  } catch {
    return undefined;
  }
}
