// What the kernel says about this run, to tell a crash from a power cut and from a process killed for want of memory.
import { readFileSync } from 'node:fs';

export interface BootFacts {
  /** New at each start of the kernel; empty when it is not known. */
  bootId: string;
  /** Processes that the kernel killed for want of memory since it started. */
  oomKills: number;
}

/** Never fails: what cannot be read is not known. */
export function readBootFacts(): BootFacts {
  const kills = /^oom_kill (\d+)$/m.exec(read('/proc/vmstat'));
  return { bootId: read('/proc/sys/kernel/random/boot_id').trim(), oomKills: Number(kills?.[1] ?? 0) };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
