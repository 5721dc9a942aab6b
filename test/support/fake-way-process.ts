// A go2rtc without a process: remembers what is claimed, and is in whatever state a test wants.
import type { HubProcess } from '../../src/cameras/index.ts';

export interface FakeClaim {
  name: string;
  source: string;
  released: boolean;
  renewals: number;
  /** With `refused` there is no address. */
  problem?: { message: string; cure: string; fault?: string; refused?: true; passing?: true };
}

export class FakeWayProcess implements HubProcess {
  /** All that were made, oldest first. */
  readonly claims: FakeClaim[] = [];
  /** What the next claims throw. */
  refusal: Error | undefined;
  port = 9000;
  words: { name: string; message?: string; cure?: string } = { name: 'ready' };
  readonly #listeners = new Set<() => void>();

  state() {
    return this.words;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Another state, which is told. */
  become(name: string, words: { message?: string; cure?: string } = {}): void {
    this.words = { name, ...words };
    this.change();
  }

  change(): void {
    for (const listener of this.#listeners) listener();
  }

  claim(name: string, source: string) {
    if (this.refusal) throw this.refusal;
    const claim: FakeClaim = { name, source, released: false, renewals: 0 };
    this.claims.push(claim);
    return {
      url: () =>
        this.words.name === 'ready' && !claim.problem?.refused ? `rtsp://127.0.0.1:${this.port}/${name}` : undefined,
      problem: () => claim.problem,
      renew: () => {
        claim.renewals++;
      },
      release: () => {
        claim.released = true;
      },
    };
  }

  /** What is held now: names with sources. */
  get held(): string[] {
    return this.claims.filter(({ released }) => !released).map(({ name, source }) => `${name} ${source}`);
  }

  get last(): FakeClaim {
    const claim = this.claims.at(-1);
    if (!claim) throw new Error('nothing was claimed');
    return claim;
  }
}
