// Which cameras have a speaker: asked once for each address of a camera, while it delivers, and kept over restarts.
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { CameraAddress } from '../cameras/index.ts';
import { background, type CameraId, type Clock, type EventBus, type Logger } from '../core/index.ts';
import { askSpeaker, type Speaker } from './speaker-probe.ts';

export interface SpeakersOptions {
  /** Undefined for one that is gone, or whose password cannot be read. */
  address(camera: CameraId): CameraAddress | undefined;
  settings: { get(section: string): unknown; put(section: string, value: unknown): Promise<void> };
  bus: EventBus;
  clock: Clock;
  allowLoopback: boolean;
  userAgent: string;
  log: Logger;
  /** For tests. */
  ask?: typeof askSpeaker;
}

const SECTION = 'speakers';
/** The camera is busy enough with the sessions that just began. */
const WAIT_MS = 10_000;
/** A camera that does not answer this question is asked no more often. */
const APART_MS = 600_000;
const MOST_CODECS = 8;

const known = v.record(
  v.string(),
  v.strictObject({ key: v.string(), codecs: v.array(v.pipe(v.string(), v.maxLength(32))) }),
);
type Known = v.InferOutput<typeof known>;

export class Speakers {
  readonly #options: SpeakersOptions;
  #known: Known;
  readonly #asked = new Map<CameraId, { key: string; atMs: number }>();
  readonly #waiting = new Map<CameraId, () => void>();
  #turn: Promise<unknown> = Promise.resolve();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(options: SpeakersOptions) {
    this.#options = options;
    const stored = v.safeParse(known, options.settings.get(SECTION) ?? {});
    this.#known = stored.success ? stored.output : {};
  }

  /** From now on cameras that begin to deliver are asked, unless it is known of them. */
  start(): void {
    const { bus } = this.#options;
    this.#unsubscribe.push(
      bus.on('camera.state', ({ camera, name }) => {
        if (name === 'live') this.#consider(camera);
        else this.#cancel(camera);
      }),
      bus.on('camera.removed', ({ camera }) => {
        this.#cancel(camera);
        this.#asked.delete(camera);
      }),
    );
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    for (const camera of [...this.#waiting.keys()]) this.#cancel(camera);
  }

  /** Undefined while it is not known. */
  of(camera: CameraId, address: Pick<CameraAddress, 'url' | 'username'>): Speaker {
    const entry = this.#known[camera];
    return entry?.key === keyOf(address) ? entry.codecs : undefined;
  }

  #consider(camera: CameraId): void {
    const { address, clock } = this.#options;
    const where = address(camera);
    if (!where || this.of(camera, where) !== undefined || this.#waiting.has(camera)) return;
    const asked = this.#asked.get(camera);
    if (asked?.key === keyOf(where) && clock.monotonicMs() - asked.atMs < APART_MS) return;
    const begin = () => {
      this.#waiting.delete(camera);
      this.#turn = this.#turn.then(() => this.#ask(camera));
      background(this.#turn, 'ask a camera for its speaker', this.#options.log);
      this.#turn = this.#turn.catch(() => undefined);
    };
    this.#waiting.set(camera, clock.after(WAIT_MS, begin));
  }

  #cancel(camera: CameraId): void {
    this.#waiting.get(camera)?.();
    this.#waiting.delete(camera);
  }

  async #ask(camera: CameraId): Promise<void> {
    const { address, clock, allowLoopback, userAgent, bus, settings, log, ask = askSpeaker } = this.#options;
    const where = address(camera);
    if (!where) return;
    this.#asked.set(camera, { key: keyOf(where), atMs: clock.monotonicMs() });
    const codecs = await ask(where, { clock, userAgent, allowLoopback: allowLoopback || where.ours });
    if (codecs === undefined) {
      log.debug('a camera does not say whether it has a speaker', { camera });
      return;
    }
    const entries = Object.entries(this.#known).filter(([id]) => address(Number(id)) !== undefined);
    const found = { key: keyOf(where), codecs: [...new Set(codecs)].slice(0, MOST_CODECS) };
    this.#known = { ...Object.fromEntries(entries), [camera]: found };
    bus.emit('camera.able', { camera });
    await settings.put(SECTION, this.#known);
  }
}

/** Another address, or another login, may be another camera. */
function keyOf({ url, username }: Pick<CameraAddress, 'url' | 'username'>): string {
  return createHash('sha256').update(`${username}\n${url}`).digest('hex').slice(0, 16);
}
