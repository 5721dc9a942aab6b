// What others at the broker may ask for: reads it, bounds how much of it is done, and does it.
import type { AuditEntry } from '../accounts/index.ts';
import type { Cameras } from '../cameras/index.ts';
import { background, type CameraId, type Clock, type Logger, NvrError, parseInput } from '../core/index.ts';
import { type CameraEvents, triggerSchema } from '../events/index.ts';
import type { CameraCommand } from './topics.ts';

export interface CommandsOptions {
  cameras: Pick<Cameras, 'get' | 'update' | 'goToPreset'>;
  events: Pick<CameraEvents, 'trigger'>;
  audit: { record(entry: AuditEntry): void };
  /** Absent when nobody would start the service again. */
  restart?: (() => void) | undefined;
  /** The state is to be told again: whoever asked waits for it, also when it has not changed. */
  onDone(camera: CameraId): void;
  clock: Clock;
  log: Logger;
}

/** Longer ones are none. */
const MAX_BYTES = 4096;
/** Changes of settings are written to the volume, and moving takes its time: of one camera at most so often, and the newest counts. */
const CHANGE_MS = 1000;
const TRIGGERS_AT_ONCE = 50;
const TRIGGERS_PER_S = 20;
const RECORD_MODES = ['off', 'continuous', 'events'] as const;
const PRESSED = new Set(['', 'PRESS', 'ON']);

export interface CommandFigures {
  done: number;
  refused: number;
  /** There were too many. */
  dropped: number;
}

export class Commands {
  readonly #options: CommandsOptions;
  /** By camera and command; the newest payload, and when the next one may be done. */
  readonly #changes = new Map<string, { camera: CameraId; command: CameraCommand; text: string }>();
  readonly #lastMs = new Map<string, number>();
  readonly #figures: CommandFigures = { done: 0, refused: 0, dropped: 0 };
  #cancelTimer: (() => void) | undefined;
  #isWorking = false;
  #isStopped = false;
  #triggers = TRIGGERS_AT_ONCE;
  #filledMs = 0;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  figures(): CommandFigures {
    return { ...this.#figures };
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
    this.#changes.clear();
  }

  /** Of the past: whoever retains a command has it done again at each connection. */
  hear(asked: { camera: CameraId; command: CameraCommand } | 'restart', payload: Buffer, isRetained: boolean): void {
    if (this.#isStopped) return;
    const where = asked === 'restart' ? { command: 'restart' } : asked;
    const text = payload.length > MAX_BYTES ? '' : payload.toString('utf8').trim();
    if (isRetained) this.#refuse(where, 'it is retained');
    else if (payload.length > MAX_BYTES) this.#refuse(where, 'it is too long');
    else if (asked === 'restart') this.#restart(text);
    else if (asked.command === 'trigger/set') this.#trigger(asked.camera, text);
    else this.#change(asked.camera, asked.command, text);
  }

  #restart(text: string): void {
    const { restart, audit, log } = this.#options;
    if (!restart || !PRESSED.has(text)) {
      this.#refuse({ command: 'restart' }, 'it cannot be done');
      return;
    }
    this.#figures.done++;
    audit.record({ action: 'change', target: 'service', detail: 'restart over MQTT' });
    log.warn('a restart is asked for over MQTT');
    restart();
  }

  #trigger(camera: CameraId, text: string): void {
    const { events, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const filled = this.#triggers + ((nowMs - this.#filledMs) / 1000) * TRIGGERS_PER_S;
    this.#triggers = Math.min(TRIGGERS_AT_ONCE, filled);
    this.#filledMs = nowMs;
    if (this.#triggers < 1) {
      this.#figures.dropped++;
      return;
    }
    this.#triggers--;
    try {
      const input = parseInput(triggerSchema, PRESSED.has(text) ? {} : objectOf(text), 'the trigger');
      events.trigger({ ...input, camera, source: 'mqtt' });
      this.#figures.done++;
    } catch (error) {
      this.#fail({ camera, command: 'trigger/set' }, error);
    }
  }

  #change(camera: CameraId, command: CameraCommand, text: string): void {
    if (!this.#options.cameras.get(camera)) {
      this.#refuse({ camera, command }, 'there is no such camera');
      return;
    }
    const key = `${camera} ${command}`;
    if (this.#changes.has(key)) this.#figures.dropped++;
    this.#changes.set(key, { camera, command, text });
    this.#work();
  }

  /** Does what is due, one after the other. */
  #work(): void {
    if (this.#isWorking || this.#isStopped) return;
    const { clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [key, change] of this.#changes) {
      const dueMs = (this.#lastMs.get(key) ?? Number.NEGATIVE_INFINITY) + CHANGE_MS;
      nextMs = Math.min(nextMs, dueMs);
      if (dueMs > nowMs) continue;
      this.#changes.delete(key);
      this.#lastMs.set(key, nowMs);
      this.#isWorking = true;
      const done = this.#apply(change).finally(() => {
        this.#isWorking = false;
        this.#work();
      });
      background(done, 'do what is asked over MQTT', log);
      return;
    }
    this.#cancelTimer?.();
    for (const [key, lastMs] of this.#lastMs) if (nowMs - lastMs >= CHANGE_MS) this.#lastMs.delete(key);
    if (this.#changes.size === 0 || nextMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = clock.after(nextMs - nowMs, () => this.#work());
  }

  async #apply({ camera, command, text }: { camera: CameraId; command: CameraCommand; text: string }): Promise<void> {
    const { cameras, audit, onDone, log } = this.#options;
    try {
      const before = cameras.get(camera);
      const mode = RECORD_MODES.find(one => one === text);
      if (command === 'record/set') {
        if (!mode) throw new NvrError('invalid-argument', `it is none of ${RECORD_MODES.join(', ')}`);
        if (before?.record.mode !== mode) await cameras.update(camera, { record: { mode } });
      } else if (command === 'ptz/set') {
        await cameras.goToPreset(camera, text);
      } else {
        if (text !== 'ON' && text !== 'OFF') throw new NvrError('invalid-argument', 'it is neither ON nor OFF');
        if (before?.enabled !== (text === 'ON')) await cameras.update(camera, { enabled: text === 'ON' });
      }
      this.#figures.done++;
      audit.record({ action: 'change', target: `camera ${camera}`, detail: `${command} ${text} over MQTT` });
      log.info('done as asked over MQTT', { camera, command, value: text });
    } catch (error) {
      this.#fail({ camera, command }, error);
    }
    onDone(camera);
  }

  #fail(where: { camera: CameraId; command: string }, error: unknown): void {
    if (!(error instanceof NvrError)) this.#options.log.error('a command over MQTT failed', { ...where, error });
    const { message, cure } = error instanceof NvrError ? error : { message: 'it failed', cure: undefined };
    this.#refuse(where, cure === undefined ? message : `${message}: ${cure}`);
  }

  #refuse(where: { camera?: CameraId; command: string }, problem: string): void {
    this.#figures.refused++;
    this.#options.log.warn('a command over MQTT is refused', { ...where, problem });
  }
}

function objectOf(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new NvrError('invalid-argument', 'it is neither PRESS nor JSON');
  }
  return Array.isArray(value) ? undefined : value;
}
