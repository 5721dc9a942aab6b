// The command `user reset`: works on a data directory that no service uses, and prints the new password once.
import { resetUser } from '../accounts/index.ts';
import type { Clock, Logger } from '../core/index.ts';
import { openStore, type StoreOptions } from '../storage/index.ts';

export interface UserResetOptions {
  name: string;
  dataDir: string;
  /** The native addon's functions. */
  examine: StoreOptions['examine'];
  lock: StoreOptions['lock'];
  clock: Clock;
  log: Logger;
  /** Takes one line without its end. */
  print: (line: string) => void;
  /** Lines for people in place of JSON. */
  human: boolean;
}

/** Rejects with an NvrError that has a cure when there is no such user, or the directory holds no store, is in use or cannot be used. */
export async function resetUserPassword(options: UserResetOptions): Promise<void> {
  const { name, dataDir, print, human, ...rest } = options;
  const store = await openStore(dataDir, { ...rest, existing: true });
  try {
    await store.start(new AbortController().signal);
    const reset = await resetUser({ store, clock: rest.clock, log: rest.log }, name);
    if (!human) print(JSON.stringify(reset));
    else {
      print(`The password of ${reset.name} is now ${reset.password}`);
      print('All sessions of this user have ended; API tokens stay.');
      if (reset.provisioned)
        print('The user comes from a configuration file: with it, the password there is back at the next start.');
      if (reset.becameAdmin) print('There was no admin left: this user is one now.');
    }
  } finally {
    await store.stop();
  }
}
