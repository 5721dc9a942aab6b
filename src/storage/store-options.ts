// What a store needs from outside: the native parts, the clock, the log, and what tests put in place of the volume.
import type { Clock, Logger } from '../core/index.ts';
import type { BootFacts } from './boot.ts';
import type { Environment } from './environment.ts';
import type { Lock } from './identity.ts';
import type { ExamineSegment } from './segment.ts';

export interface StoreOptions {
  /** What the native part's `segmentExaminer` gives. */
  examine: ExamineSegment;
  /** The native addon's `lockDirectory`. */
  lock: (path: string) => Lock | undefined;
  clock: Clock;
  log: Logger;
  /** What the kernel says about this run. */
  boot?: BootFacts;
  /** Called between all steps, so that tests can end the process at each. */
  onStep?: (name: string) => void;
  /** Opens the index, given its folder. */
  openEnvironment?: (folder: string) => Environment;
  /** Tells whether an index can be read, and copies its rows to an index in `target`; a child process does in service. */
  probe?: (folder: string, target?: string) => Promise<boolean>;
  /** For repairs: look at all files that the index does not know, or set the index aside and look at all. */
  rebuild?: 'files' | 'index';
  /** Refuses a directory that holds no store yet, instead of making one. */
  existing?: boolean;
  /** Bound of the index. */
  maxIndexBytes?: number;
}
