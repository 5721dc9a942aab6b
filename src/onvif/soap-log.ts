// What was said with one camera, for people who look for a fault: only while somebody wants it, bounded, without secrets.
import { redactText } from '../core/index.ts';
import type { Login } from './digest.ts';

export interface SoapLogEntry {
  /** UTC. */
  timeMs: number;
  direction: 'request' | 'answer' | 'failure';
  operation: string;
  /** HTTP status of an answer. */
  status?: number;
  text: string;
}

const MAX_BYTES = 128 * 1024;
const MAX_ENTRY_CHARS = 16 * 1024;
const HIDDEN = '***';

export class SoapLog {
  readonly #secrets: readonly string[];
  readonly #entries: SoapLogEntry[] = [];
  #sizeChars = 0;
  #isOn = false;

  constructor(login: Login | undefined) {
    const { username = '', password = '' } = login ?? {};
    // As it stands, as it stands in XML and in URLs; the login of a camera is often part of a stream's path.
    const forms = [password, encodeURIComponent(password), password.replaceAll('&', '&amp;')];
    const pair = Buffer.from(`${username}:${password}`).toString('base64');
    this.#secrets = password === '' ? [] : [...new Set([pair, ...forms])];
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Switching it off forgets what it holds. */
  set isOn(isOn: boolean) {
    this.#isOn = isOn;
    if (isOn) return;
    this.#entries.length = 0;
    this.#sizeChars = 0;
  }

  /** Oldest first. */
  get entries(): readonly SoapLogEntry[] {
    return this.#entries;
  }

  add(entry: Omit<SoapLogEntry, 'text'>, text: string): void {
    if (!this.#isOn) return;
    const kept = { ...entry, text: this.#withoutSecrets(text) };
    this.#entries.push(kept);
    this.#sizeChars += kept.text.length;
    while (this.#sizeChars > MAX_BYTES / 2) this.#sizeChars -= this.#entries.shift()?.text.length ?? 0;
  }

  #withoutSecrets(text: string): string {
    let kept = text.slice(0, 2 * MAX_ENTRY_CHARS);
    for (const secret of this.#secrets) kept = kept.replaceAll(secret, HIDDEN);
    kept = kept.replace(/(<(?:\w+:)?(?:Password|Nonce|UserPassword|Psk|Key)\b[^>]{0,500}>)[^<]*/gi, `$1${HIDDEN}`);
    // Piece by piece: the redaction cuts long texts. Tags without an address hold none, but tokens of profiles, which are no secrets.
    return kept
      .split(/(?=<)|(?<=>)/)
      .map(piece => (piece.startsWith('<') && !piece.includes('://') ? piece : redactText(piece)))
      .join('')
      .slice(0, MAX_ENTRY_CHARS);
  }
}
