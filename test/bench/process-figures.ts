// What the kernel knows of a process: memory, processor time, and what it wrote.
import { readFileSync } from 'node:fs';

export interface ProcessFigures {
  rssMiB: number;
  pssMiB: number;
  /** Memory that only swap could take back. */
  anonMiB: number;
  /** User and system time since its start. */
  cpuSeconds: number;
  threads: number;
}

/** Clock ticks of /proc/<pid>/stat; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Figures of a running process. Throws when it is gone. */
export function processFigures(pid: number): ProcessFigures {
  const memory = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mib = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(memory)?.[1] ?? Number.NaN) / 1024;
  // The name of the program may hold blanks and brackets: fields are counted behind its last bracket.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return {
    rssMiB: mib('Rss'),
    pssMiB: mib('Pss'),
    anonMiB: mib('Anonymous'),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    threads: Number(fields[17]),
  };
}

/** Bytes that a process, whose user is ours, has sent on their way to block devices since its start. */
export function writtenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? Number.NaN);
}
