// Keeps a camera's messages coming: subscribes, pulls, renews, begins anew after whatever goes wrong, and takes leave.
import type { Clock, Logger } from '../core/index.ts';
import type { EventStates } from './event-states.ts';
import { readNotifications } from './notification.ts';
import { OnvifError, type OnvifProblem, problemOf } from './problem.ts';
import {
  pull,
  renew,
  type Subscription,
  type SubscriptionCalls,
  subscribe,
  synchronise,
  type TimeForm,
  unsubscribe,
} from './subscription.ts';

export interface PullPointOptions {
  calls: SubscriptionCalls;
  states: EventStates;
  clock: Clock;
  log: Logger;
  /** A camera that has restarted may have another time. */
  syncClock: (signal: AbortSignal) => Promise<void>;
  /** Messages arrive, or no longer do. */
  onLive: (isLive: boolean, problem?: OnvifProblem) => void;
  /** 0 to 1; tests give their own. */
  random: () => number;
}

export interface PullPointFigures {
  subscriptions: number;
  renewals: number;
  /** Messages of all kinds. */
  messages: number;
}

/** Short: some cameras answer only at the end of it. */
const PULL_WAIT_MS = 2000;
/** Some answer at once with nothing. */
const EMPTY_PAUSE_MS = 1000;
/** Against a camera that never runs out of messages. */
const BUSY_PAUSE_MS = 50;
const BACK_OFF_MS = [1000, 2000, 5000, 10_000, 30_000];
/** A subscription that lived so long was a good one. */
const GOOD_LIFE_MS = 60_000;
const LOST_AFTER_MS = 30_000;
const LEAVE_MS = 2000;

export class PullPoint {
  readonly #options: PullPointOptions;
  readonly figures: PullPointFigures = { subscriptions: 0, renewals: 0, messages: 0 };
  #subscription: Subscription | undefined;
  #form: TimeForm = 'relative';
  #refusesRenew = false;
  #wantsAnew = false;
  #heardMs: number;

  constructor(options: PullPointOptions) {
    this.#options = options;
    this.#heardMs = options.clock.monotonicMs();
  }

  /** At the next pull the camera is asked to tell all states. */
  askAnew(): void {
    this.#wantsAnew = true;
  }

  /**
   * Runs until it has failed as often as there are pauses, one after the other: then more than the subscription is wrong, and the
   * failure is thrown. When the signal is aborted it unsubscribes and returns.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, onLive, states, random } = this.#options;
    this.#heardMs = clock.monotonicMs();
    for (let failures = 0; ; ) {
      const startMs = clock.monotonicMs();
      try {
        await this.#live(signal);
      } catch (error) {
        if (signal.aborted) break;
        if (clock.monotonicMs() - startMs >= GOOD_LIFE_MS) failures = 0;
        const pauseMs = BACK_OFF_MS[failures++];
        log.info('the events of a camera are interrupted', { problem: problemOf(error), failures });
        onLive(false, problemOf(error));
        const isLasting = error instanceof OnvifError && ['unauthorized', 'unsupported'].includes(error.problem);
        await this.#leave();
        if (this.#silentMs > LOST_AFTER_MS || isLasting) states.lost();
        if (pauseMs === undefined || isLasting) throw error;
        await clock.sleep(pauseMs * (0.8 + 0.4 * random()), signal).catch(() => undefined);
        await this.#options.syncClock(signal).catch(() => undefined);
      }
      if (signal.aborted) break;
    }
    await this.#leave();
  }

  get #silentMs(): number {
    return this.#options.clock.monotonicMs() - this.#heardMs;
  }

  /** One subscription, from its beginning until it has to be replaced. */
  async #live(signal: AbortSignal): Promise<void> {
    const { calls, clock, states, log } = this.#options;
    const subscription = await subscribe(calls, this.#form, signal);
    this.#subscription = subscription;
    this.#form = subscription.form;
    this.figures.subscriptions += 1;
    states.subscribed();
    let endMs = clock.monotonicMs() + subscription.lifeMs;
    let renewMs = clock.monotonicMs() + subscription.lifeMs / 2;
    while (!signal.aborted) {
      if (clock.monotonicMs() >= renewMs) {
        const lifeMs = await this.#renew(subscription, signal);
        if (lifeMs === undefined) break;
        endMs = clock.monotonicMs() + lifeMs;
        renewMs = clock.monotonicMs() + lifeMs / 2;
      }
      if (this.#wantsAnew) await this.#synchronise(subscription, signal);
      const lifeMs = await this.#pull(subscription, signal);
      // Some cameras give more time with each pull.
      if (lifeMs !== undefined && clock.monotonicMs() + lifeMs > endMs + 1000) {
        endMs = clock.monotonicMs() + lifeMs;
        renewMs = clock.monotonicMs() + lifeMs / 2;
      }
    }
    log.debug('the subscription to a camera is replaced');
    await this.#leave();
  }

  /** Undefined where only a new subscription helps. */
  async #renew(subscription: Subscription, signal: AbortSignal): Promise<number | undefined> {
    if (this.#refusesRenew) return undefined;
    try {
      const lifeMs = await renew(this.#options.calls, subscription, signal);
      this.figures.renewals += 1;
      return lifeMs;
    } catch (error) {
      const isRefused =
        error instanceof OnvifError && ['fault', 'unsupported', 'bad-answer', 'not-onvif'].includes(error.problem);
      if (!isRefused) throw error;
      // It may only have lost this one: told apart by the subscription that comes next.
      this.#refusesRenew = this.figures.renewals === 0;
      return undefined;
    }
  }

  async #synchronise(subscription: Subscription, signal: AbortSignal): Promise<void> {
    this.#wantsAnew = false;
    try {
      await synchronise(this.#options.calls, subscription, signal);
    } catch (error) {
      const isRefused = error instanceof OnvifError && error.problem !== 'unauthorized';
      if (!isRefused) throw error;
    }
  }

  async #pull(subscription: Subscription, signal: AbortSignal): Promise<number | undefined> {
    const { calls, clock, states, onLive } = this.#options;
    const startMs = clock.monotonicMs();
    const { answer, lifeMs } = await pull(calls, subscription, PULL_WAIT_MS, signal);
    this.#heardMs = clock.monotonicMs();
    onLive(true);
    const notifications = readNotifications(answer);
    this.figures.messages += notifications.length;
    states.hear(notifications);
    const pauseMs = notifications.length > 0 ? BUSY_PAUSE_MS : EMPTY_PAUSE_MS;
    const restMs = startMs + pauseMs - clock.monotonicMs();
    if (restMs > 0) await clock.sleep(restMs, signal);
    return lifeMs;
  }

  /** Frees the camera's memory of us; whether it works does not matter, since it forgets by itself. */
  async #leave(): Promise<void> {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    if (!subscription) return;
    const limit = new AbortController();
    const cancel = this.#options.clock.after(LEAVE_MS, () => limit.abort());
    await unsubscribe(this.#options.calls, subscription, limit.signal).catch(() => undefined);
    cancel();
  }
}
