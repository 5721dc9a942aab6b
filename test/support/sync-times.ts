// When the service made which file durable: the returns of its fsync and fdatasync, by a library that is preloaded (sync_times.c).
//
// Why that can be believed: a call is written down only after the kernel has come back from it, with the size that the file had before
// it began. The service and LMDB make these calls through the C library, where the preloaded ones stand first. A call that went another
// way could only make things look worse: without a line nothing counts as durable, and the storm's count of commits is checked against
// changes whose answers wait for a commit.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.ts';
import { tempDir } from './temp.ts';

const SOURCE = fileURLToPath(new URL('./sync_times.c', import.meta.url));

/** One call that succeeded. */
export interface Sync {
  /** When it returned, UTC by this machine's clock. */
  timeMs: number;
  path: string;
  /** The file is durable up to here; of a folder nothing. */
  sizeBytes: number;
}

/** Watches the runs of the service that get its `env`. */
export class SyncTimes {
  readonly env: Record<string, string>;
  readonly #log: string;

  private constructor(library: string, log: string) {
    this.#log = log;
    this.env = { LD_PRELOAD: library, SYNC_LOG: log };
  }

  static async build(): Promise<SyncTimes> {
    const dir = tempDir('syncs');
    const library = join(dir, 'sync_times.so');
    await run('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror', '-o', library, SOURCE, '-ldl']);
    const log = join(dir, 'log');
    writeFileSync(log, '');
    return new SyncTimes(library, log);
  }

  /** All until now, in the order of their returns. Throws when one failed: then nothing can be said about what is durable. */
  read(): Sync[] {
    return readFileSync(this.#log, 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => {
        const [, us, name, result, size, path = ''] = /^(\d+) (\w+) (-?\d+) (-?\d+) (.*)$/.exec(line) ?? [];
        if (result !== '0') throw new Error(`${name} of ${path} failed`);
        return { timeMs: Number(us) / 1000, path, sizeBytes: Number(size) };
      });
  }
}
