// Triggers at random over HTTP, as cameras in events mode get them: starts, stops and pulses, some of them late; and what was answered.
import type { TriggerReply } from '../../src/api/contract.ts';
import type { Service } from '../support/service.ts';
import { type Chance, chanceOf, pause } from './fault.ts';

/** A pulse or a start that the service took. */
export interface Taken {
  camera: number;
  event: string;
  /** Wall time of the cause. */
  causeMs: number;
  /** Until when it was active; infinite for a start without its stop. */
  untilMs: number;
  /** When the answer was there. */
  answeredMs: number;
}

/** Between two triggers of a camera, at most. */
const MOST_BETWEEN_MS = 3000;
/** How far the cause of a trigger lies back, at most. */
export const MOST_AGE_MS = 800;
const MOST_PULSE_MS = 1500;

export class EventStorm {
  readonly taken: Taken[] = [];
  /** Answers that are none, one sentence each. */
  readonly faults: string[] = [];
  readonly #service: Service;
  readonly #loops: Promise<void>[];
  #stopped = false;

  constructor(service: Service, cameras: readonly number[], seed: number) {
    this.#service = service;
    this.#loops = cameras.map(camera => this.#play(camera, chanceOf(seed * 100 + camera)));
  }

  /** Begins nothing more and ends what goes on; resolves when all answers that come are there. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async pulse(camera: number, ageMs = 0, durationMs = 0): Promise<void> {
    const causeMs = Date.now() - ageMs;
    await this.#send(camera, { action: 'pulse', durationMs }, causeMs, causeMs + durationMs);
  }

  async #play(camera: number, chance: Chance): Promise<void> {
    let start: Taken | undefined;
    const stop = async () => {
      // It may be the stop that still arrives.
      if (start) start.untilMs = Date.now();
      start = undefined;
      await this.#ask(camera, { action: 'stop', kind: 'storm' });
    };
    while (!this.#stopped && this.#service.child.running) {
      await pause(chance(MOST_BETWEEN_MS));
      if (this.#stopped) break;
      const ageMs = chance(3) === 0 ? chance(MOST_AGE_MS) : 0;
      const choice = chance(4);
      if (start && choice < 2) await stop();
      else if (!start && choice === 0) {
        const causeMs = Date.now() - ageMs;
        start = await this.#send(camera, { action: 'start', kind: 'storm' }, causeMs, Number.POSITIVE_INFINITY);
      } else await this.pulse(camera, ageMs, chance(2) === 0 ? 0 : chance(MOST_PULSE_MS));
    }
    if (start && this.#service.child.running) await stop();
  }

  async #send(camera: number, body: object, causeMs: number, untilMs: number): Promise<Taken | undefined> {
    const event = await this.#ask(camera, { ...body, timeMs: causeMs });
    if (event === undefined) return undefined;
    const taken = { camera, event, causeMs, untilMs, answeredMs: Date.now() };
    this.taken.push(taken);
    return taken;
  }

  /** The event of the answer; undefined when none came, because the service is dead. */
  async #ask(camera: number, body: object): Promise<string | undefined> {
    const path = `/api/cameras/${camera}/trigger`;
    const answer = await this.#service.ask<TriggerReply>('POST', path, body).catch(() => undefined);
    if (!answer) return undefined;
    const isStop = 'action' in body && body.action === 'stop';
    if (answer.status !== 202 || (!isStop && answer.body.event === undefined)) {
      this.faults.push(`${JSON.stringify(body)}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body?.event;
  }
}
