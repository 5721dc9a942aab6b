// How many files and sockets this process may have open.
import { readFileSync } from 'node:fs';

/** Undefined where the kernel does not tell. */
export function openFileLimit(): number | undefined {
  try {
    const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]);
    return limit > 0 ? limit : undefined;
  } catch {
    return undefined;
  }
}
