// Which cameras have a speaker that can be used: asked of each while it delivers, kept over restarts; where there is none, asked again now and then.
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
/** A camera that does not answer this question, or has no speaker that can be used, is asked again: then twice as late, and so on. */
const APART_MS = 600_000;
const MOST_APART_MS = 86_400_000;
const MOST_CODECS = 8;
/** Of the sounds that browsers send. */
export const SPOKEN: ReadonlySet<string> = new Set(['pcma', 'pcmu', 'opus']);

const known = v.record(
  v.string(),
  v.strictObject({ key: v.string(), codecs: v.array(v.pipe(v.string(), v.maxLength(32))) }),
);
type Known = v.InferOutput<typeof known>;

export class Speakers {
  readonly #options: SpeakersOptions;
  #known: Known;
  readonly #live = new Set<CameraId>();
  readonly #asked = new Map<CameraId, { key: string; atMs: number; times: number }>();
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
        // Whoever changed something in the camera, and wants it to be asked at once.
        if (name === 'disabled') this.#asked.delete(camera);
        if (name !== 'live') this.#cancel(camera);
        else {
          this.#live.add(camera);
          this.#consider(camera);
        }
      }),
      bus.on('camera.removed', ({ camera }) => {
        this.#cancel(camera);
        this.#asked.delete(camera);
      }),
    );
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    for (const camera of [...this.#live, ...this.#waiting.keys()]) this.#cancel(camera);
  }

  /** Undefined while it is not known. */
  of(camera: CameraId, address: Pick<CameraAddress, 'url' | 'username'>): Speaker {
    const entry = this.#known[camera];
    return entry?.key === keyOf(address) ? entry.codecs : undefined;
  }

  #consider(camera: CameraId): void {
    const { address, clock, log } = this.#options;
    const where = address(camera);
    if (!where || this.#waiting.has(camera) || !this.#live.has(camera)) return;
    if (this.of(camera, where)?.some(codec => SPOKEN.has(codec))) return;
    const asked = this.#asked.get(camera);
    const apartMs = asked?.key === keyOf(where) ? Math.min(APART_MS * 2 ** (asked.times - 1), MOST_APART_MS) : 0;
    const leftMs = (asked?.atMs ?? 0) + apartMs - clock.monotonicMs();
    const begin = () => {
      this.#waiting.delete(camera);
      this.#turn = this.#turn.then(() => this.#ask(camera));
      background(this.#turn, 'ask a camera for its speaker', log);
      this.#turn = this.#turn.catch(() => undefined).then(() => this.#consider(camera));
    };
    this.#waiting.set(camera, clock.after(Math.max(WAIT_MS, leftMs), begin));
  }

  #cancel(camera: CameraId): void {
    this.#live.delete(camera);
    this.#waiting.get(camera)?.();
    this.#waiting.delete(camera);
  }

  async #ask(camera: CameraId): Promise<void> {
    const { address, clock, allowLoopback, userAgent, bus, settings, log, ask = askSpeaker } = this.#options;
    const where = address(camera);
    if (!where) return;
    const key = keyOf(where);
    const before = this.#asked.get(camera);
    const times = before?.key === key ? before.times + 1 : 1;
    this.#asked.set(camera, { key, atMs: clock.monotonicMs(), times });
    const answer = await ask(where, { clock, userAgent, allowLoopback: allowLoopback || where.ours });
    if (answer === undefined) {
      log.debug('a camera does not say whether it has a speaker', { camera });
      return;
    }
    const codecs = [...new Set(answer)].slice(0, MOST_CODECS);
    if (this.of(camera, where)?.join() === codecs.join()) return;
    const entries = Object.entries(this.#known).filter(([id]) => address(Number(id)) !== undefined);
    this.#known = { ...Object.fromEntries(entries), [camera]: { key, codecs } };
    bus.emit('camera.able', { camera });
    await settings.put(SECTION, this.#known);
  }
}

/** Another address, or another login, may be another camera. */
function keyOf({ url, username }: Pick<CameraAddress, 'url' | 'username'>): string {
  return createHash('sha256').update(`${username}\n${url}`).digest('hex').slice(0, 16);
}
