// From notifications to changes that count: what was so before we came sets nothing off, and what a camera forgets to end is ended.
import type { Clock } from '../core/index.ts';
import type { OnvifEventKind } from './event-kind.ts';
import type { OnvifNotification } from './notification.ts';

/** Something began, ended, or happened at a moment. */
export interface OnvifEvent {
  kind: Exclude<OnvifEventKind, 'other'>;
  change: 'begin' | 'end' | 'moment';
  topic: string;
  source: string;
  /** With kind and topic it names what began: all that the camera says of where it was. */
  property: string;
  /** UTC by our clock, when the message was there. */
  arrivalMs: number;
  /** By the camera's clock, which may be years off. */
  cameraTimeMs?: number;
  /** We ended it: the camera said nothing any more. */
  isAssumed?: true;
}

export interface EventStatesOptions {
  clock: Clock;
  onEvent: (event: OnvifEvent) => void;
  /** Asks the camera how things are; the answer is heard as notifications. */
  askAnew: () => void;
}

interface State {
  kind: OnvifEvent['kind'];
  topic: string;
  source: string;
  property: string;
  /** As the camera said it last. */
  saidOn: boolean;
  /** The same, except that it ends when the camera forgets to say so. */
  isOn: boolean;
  /** Its begin was told, its end not yet. */
  isTold: boolean;
  cancelEnd: () => void;
}

/** A hostile camera invents topics. */
const MAX_STATES = 512;
const MAX_PROVEN = 512;
/** How long the first answers after a subscription are taken for the state at its start. */
const INITIAL_MS = 5000;
/** Of topics that were never seen to end. */
const UNPROVEN_MS = 30_000;
/** Of topics that end by themselves, but whose end may have been lost. */
const PROVEN_MS = 300_000;
const ANSWER_MS = 15_000;

export class EventStates {
  readonly #options: EventStatesOptions;
  readonly #states = new Map<string, State>();
  /** Topics that the camera itself has ended once. */
  readonly #proven = new Set<string>();
  #initialUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: EventStatesOptions) {
    this.#options = options;
  }

  /** What goes on, by kind. */
  get active(): OnvifEvent['kind'][] {
    return [...new Set([...this.#states.values()].filter(one => one.isTold).map(one => one.kind))];
  }

  /** A subscription begins: what now comes first is how things are. */
  subscribed(): void {
    this.#initialUntilMs = this.#options.clock.monotonicMs() + INITIAL_MS;
  }

  /** All notifications of one answer. */
  hear(notifications: readonly OnvifNotification[]): void {
    const { clock } = this.#options;
    const isStart = clock.monotonicMs() < this.#initialUntilMs && notifications.some(one => one.isInitial);
    if (!isStart) this.#initialUntilMs = Number.NEGATIVE_INFINITY;
    for (const notification of notifications) this.#hearOne(notification, isStart && notification.isInitial);
  }

  /** Nothing was heard for long: what went on is taken for over, and what goes on when the camera is back is news. */
  lost(): void {
    for (const state of this.#states.values()) this.#assumeEnd(state);
  }

  /** Ends what goes on and hears nothing more. */
  close(): void {
    this.lost();
  }

  #hearOne(notification: OnvifNotification, isStart: boolean): void {
    if (notification.isWhole) this.#endOthers(notification);
    for (const { kind, active } of notification.meanings) {
      if (kind === 'other') continue;
      if (active === null) {
        if (!isStart && !notification.isDeleted)
          this.#tell({ ...notification, kind }, 'moment', notification.cameraTimeMs);
      } else this.#set(notification, kind, active && !notification.isDeleted, isStart);
    }
  }

  #endOthers({ topic, property, meanings, cameraTimeMs }: OnvifNotification): void {
    for (const state of this.#states.values()) {
      const isSame = state.topic === topic && state.property === property;
      if (isSame && !meanings.some(one => one.kind === state.kind)) this.#off(state, cameraTimeMs);
    }
  }

  #set(notification: OnvifNotification, kind: OnvifEvent['kind'], isOn: boolean, isStart: boolean): void {
    const { topic, source, property, cameraTimeMs, isInitial } = notification;
    const key = `${kind} ${topic} ${property}`;
    const known = this.#states.get(key);
    if (!known && this.#states.size >= MAX_STATES) return;
    const state = known ?? {
      kind,
      topic,
      source,
      property,
      saidOn: false,
      isOn: false,
      isTold: false,
      cancelEnd: () => undefined,
    };
    this.#states.set(key, state);
    if (!isOn) {
      this.#off(state, cameraTimeMs);
      return;
    }
    // On from the start, it is told of only when the camera says that it changed.
    const isNews = !state.isOn ? known !== undefined || !isStart : !state.isTold && !isInitial;
    state.saidOn = true;
    state.isOn = true;
    if (isNews) {
      state.isTold = true;
      this.#tell(state, 'begin', cameraTimeMs);
    }
    if (state.isTold) this.#awaitEnd(state);
  }

  #off(state: State, cameraTimeMs: number | undefined): void {
    if (state.saidOn && this.#proven.size < MAX_PROVEN) this.#proven.add(state.topic);
    state.saidOn = false;
    state.isOn = false;
    state.cancelEnd();
    if (!state.isTold) return;
    state.isTold = false;
    this.#tell(state, 'end', cameraTimeMs);
  }

  #awaitEnd(state: State): void {
    const { clock, askAnew } = this.#options;
    state.cancelEnd();
    const isProven = this.#proven.has(state.topic);
    state.cancelEnd = clock.after(isProven ? PROVEN_MS : UNPROVEN_MS, () => {
      const end = () => this.#assumeEnd(state);
      if (!isProven) end();
      else {
        state.cancelEnd = clock.after(ANSWER_MS, end);
        askAnew();
      }
    });
  }

  #assumeEnd(state: State): void {
    state.cancelEnd();
    state.isOn = false;
    if (!state.isTold) return;
    state.isTold = false;
    this.#tell(state, 'end', undefined, true);
  }

  #tell(
    { kind, topic, source, property }: Pick<OnvifEvent, 'kind' | 'topic' | 'source' | 'property'>,
    change: OnvifEvent['change'],
    cameraTimeMs: number | undefined,
    isAssumed = false,
  ): void {
    this.#options.onEvent({
      ...{ kind, change, topic, source, property, arrivalMs: this.#options.clock.nowMs() },
      ...(cameraTimeMs === undefined ? {} : { cameraTimeMs }),
      ...(isAssumed ? { isAssumed } : {}),
    });
  }
}
