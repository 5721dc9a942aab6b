// How a child process does, by the kernel's account: processor time, memory, open files, whether it is stopped.
import { readdir, readFile } from 'node:fs/promises';

/** Of /proc/<pid>/stat; the unit of its times is the same on all machines that we know (USER_HZ). */
const TICKS_PER_S = 100;

export interface Pulse {
  /** Since its start. */
  cpuMs: number;
  /** Stopped by a signal (SIGSTOP) or a debugger. */
  isStopped: boolean;
}

export interface Size {
  rssBytes: number;
  fds: number;
}

/** Undefined where the kernel does not tell. Never reject. */
export interface Vitals {
  pulse(pid: number): Promise<Pulse | undefined>;
  size(pid: number): Promise<Size | undefined>;
}

export const procVitals: Vitals = {
  async pulse(pid) {
    const text = await read(`/proc/${pid}/stat`);
    // The name of the program stands in brackets, and may have any character in it.
    const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state] = fields ?? [];
    const ticks = Number(fields?.[11]) + Number(fields?.[12]);
    if (state === undefined || !Number.isFinite(ticks)) return undefined;
    return { cpuMs: (ticks / TICKS_PER_S) * 1000, isStopped: state === 'T' || state === 't' };
  },
  async size(pid) {
    const kib = /^VmRSS:\s+(\d{1,12}) kB/m.exec((await read(`/proc/${pid}/status`)) ?? '')?.[1];
    const files = await readdir(`/proc/${pid}/fd`).catch(() => undefined);
    return kib === undefined || files === undefined ? undefined : { rssBytes: Number(kib) * 1024, fds: files.length };
  },
};

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** What it may take: beyond `quiet` it is started anew when nobody takes anything from it, beyond `hard` at once. */
export interface Limits {
  quiet: Size;
  hard: Size;
  /** For Go's own housekeeping (GOMEMLIMIT). */
  goBytes: number;
  /** The kernel refuses more. */
  openFiles: number;
}

const MIB = 1024 * 1024;

/** By the memory of the machine; measured are 22 MB with 8 cameras, and 42 MB after an hour of many viewers. */
export function limitsFor(memoryBytes: number): Limits {
  const quietBytes = between(64 * MIB, memoryBytes / 8, 128 * MIB);
  const hardBytes = between(96 * MIB, memoryBytes / 4, 384 * MIB);
  return {
    quiet: { rssBytes: quietBytes, fds: 300 },
    hard: { rssBytes: hardBytes, fds: 900 },
    goBytes: Math.round(quietBytes / 2),
    openFiles: 1024,
  };
}

function between(least: number, value: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
