// Stops the service in order: each component has a priority and a deadline, acknowledges, and cannot keep the others from stopping.
import { isAbort } from './background.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';

export interface Component {
  name: string;
  /** Higher ones stop first; equal ones at the same time. */
  priority: number;
  /** After this the next ones are stopped all the same and the exit code becomes 1. */
  deadlineMs: number;
  /** True for what ends files: it is stopped and waited for even when somebody is in a hurry. */
  closesFiles?: boolean;
  /** Resolving acknowledges. Called once, also after a failed start. */
  stop(): Promise<void>;
}

export interface LifecycleOptions {
  log: Logger;
  clock: Clock;
}

/** One per service. Components are registered as they are built and stopped by falling priority. */
export class Lifecycle {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #components: Component[] = [];
  readonly #abort = new AbortController();
  readonly #hurry = new AbortController();
  #stopping: Promise<boolean> | undefined;

  constructor(options: LifecycleOptions) {
    this.#log = options.log;
    this.#clock = options.clock;
  }

  /** Aborted when the stop begins: what is still starting gives up. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get stopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** To be called before the component's start. Once the stop has begun, nothing may be started any more: throws the signal's reason. */
  register(component: Component): void {
    this.#abort.signal.throwIfAborted();
    this.#components.push(component);
  }

  /** Stops everything; true when all acknowledged in time. Calling it again gives the same answer. */
  stop(reason: string): Promise<boolean> {
    this.#stopping ??= this.#run(reason);
    return this.#stopping;
  }

  /** Somebody insists: from now on only files are closed. */
  hurry(): void {
    this.#hurry.abort();
  }

  async #run(reason: string): Promise<boolean> {
    const startMs = this.#clock.monotonicMs();
    this.#log.info('stopping', { reason });
    this.#abort.abort();
    const priorities = [...new Set(this.#components.map(component => component.priority))].sort((a, b) => b - a);
    let clean = true;
    for (const priority of priorities) {
      const group = this.#components.filter(component => component.priority === priority);
      const results = await Promise.all(group.map(component => this.#stopOne(component)));
      clean &&= results.every(Boolean);
    }
    this.#log.info('stopped', { clean, tookMs: Math.round(this.#clock.monotonicMs() - startMs) });
    return clean;
  }

  async #stopOne(component: Component): Promise<boolean> {
    const { name, closesFiles, deadlineMs } = component;
    if (this.#hurry.signal.aborted && !closesFiles) {
      this.#log.warn('not stopped, in a hurry', { component: name });
      return false;
    }
    const deadline = new AbortController();
    const signal = closesFiles ? deadline.signal : AbortSignal.any([deadline.signal, this.#hurry.signal]);
    const expired = this.#clock.sleep(deadlineMs, signal).then(
      () => 'did not stop in time',
      error => (isAbort(error) ? 'left behind, in a hurry' : 'its deadline failed'),
    );
    try {
      const problem = await Promise.race([component.stop().then(() => undefined), expired]);
      if (problem !== undefined) this.#log.error(problem, { component: name, deadlineMs });
      return problem === undefined;
    } catch (error) {
      this.#log.error('failed to stop', { component: name, error });
      return false;
    } finally {
      deadline.abort();
    }
  }
}
