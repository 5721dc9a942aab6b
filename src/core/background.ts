// The one place for work that nobody waits for: its failure is logged instead of lost.
import type { Logger } from './log.ts';

/** Lets `task` run on its own. A rejection is logged with `name`, except when it only says that the work was cancelled. */
export function background(task: Promise<unknown>, name: string, log: Logger): void {
  task.catch((error: unknown) => {
    if (isAbort(error)) return;
    log.error('background task failed', { task: name, error });
  });
}

/** True for the rejection that an aborted signal causes. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
