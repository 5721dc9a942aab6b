// What this process takes of the machine's memory, by kind.
import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';

export interface ProcessMemory {
  /** Pages in memory, those of files and libraries included. */
  rssBytes: number;
  /** Pages that only swap could take back; absent where the kernel does not tell. */
  anonymousBytes?: number;
  /** In use on V8's heap. */
  heapBytes: number;
  /** Held by JavaScript objects outside that heap. */
  externalBytes: number;
}

export async function processMemory(): Promise<ProcessMemory> {
  const { rss, heapUsed, external } = process.memoryUsage();
  const anonymousBytes = await readAnonymous();
  return {
    rssBytes: rss,
    ...(anonymousBytes === undefined ? {} : { anonymousBytes }),
    heapBytes: heapUsed,
    externalBytes: external,
  };
}

/** What this process may use: the memory of the machine, or of the control group that it runs in. */
export function memoryLimitBytes(): number {
  const constrained = process.constrainedMemory();
  const machine = totalmem();
  // Without a limit it is 0 or a number beyond all memory.
  return constrained > 0 && constrained < machine ? constrained : machine;
}

async function readAnonymous(): Promise<number | undefined> {
  try {
    const kib = /^RssAnon:\s+(\d{1,12}) kB/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}
