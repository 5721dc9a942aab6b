// A session that ended in the middle of something: the dialog over the page is asked for here, and answered there.
import { signal } from '@preact/signals';

/** True while the reader is to log in over the page that is open. */
export const signInWanted = signal(false);

let waiting: ((signedIn: boolean) => void)[] = [];

/** Resolves when the reader has logged in (true) or left for the login page (false). All who ask at once wait for one dialog. */
export function signInAgain(): Promise<boolean> {
  signInWanted.value = true;
  return new Promise(resolve => waiting.push(resolve));
}

/** Ends the dialog. */
export function signInDone(signedIn: boolean): void {
  signInWanted.value = false;
  const resolved = waiting;
  waiting = [];
  for (const resolve of resolved) resolve(signedIn);
}
