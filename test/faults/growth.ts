// Whether a process grows: its memory, descriptors and threads over a long time.
import { readdirSync, readFileSync } from 'node:fs';

interface Look {
  atMs: number;
  rssMiB: number;
  anonMiB: number;
  fds: number;
  threads: number;
}

/** The first part of the time is not judged: pools fill, and code is compiled. */
const WARM_UP = 0.25;
/** Fewer looks tell nothing. */
const LEAST_LOOKS = 20;
const MOST_ANON_MIB = 4;
/** With the pages of the index, which grows with the footage. */
const MOST_RSS_MIB = 6;

export class Growth {
  readonly #pid: number;
  readonly #looks: Look[] = [];

  constructor(pid: number) {
    this.#pid = pid;
  }

  look(): void {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
    this.#looks.push({
      atMs: performance.now(),
      rssMiB: field('VmRSS') / 1024,
      anonMiB: field('RssAnon') / 1024,
      fds: readdirSync(`/proc/${this.#pid}/fd`).length,
      threads: field('Threads'),
    });
  }

  /** What grew. */
  faults(): string[] {
    if (this.#looks.length < LEAST_LOOKS) return [];
    const { rssGrowthMiB, anonGrowthMiB, fdsGrowth, threadsGrowth } = this.#judged();
    const faults: string[] = [];
    if (rssGrowthMiB > MOST_RSS_MIB) faults.push(`RSS grew by ${rssGrowthMiB.toFixed(1)} MiB`);
    if (anonGrowthMiB > MOST_ANON_MIB) faults.push(`anonymous memory grew by ${anonGrowthMiB.toFixed(1)} MiB`);
    if (fdsGrowth >= 1) faults.push(`open files grew by ${fdsGrowth}`);
    if (threadsGrowth >= 1) faults.push(`threads grew by ${threadsGrowth}`);
    return faults;
  }

  figures(): Record<string, number> {
    const last = this.#looks.at(-1);
    if (!last) return {};
    const round = (value: number) => Math.round(value * 10) / 10;
    const { rssMiB, anonMiB, fds, threads } = last;
    const figures = { rssMiB: round(rssMiB), anonMiB: round(anonMiB), fds, threads };
    if (this.#looks.length < LEAST_LOOKS) return figures;
    const { rssGrowthMiB, anonGrowthMiB } = this.#judged();
    return { ...figures, rssGrowthMiB: round(rssGrowthMiB), anonGrowthMiB: round(anonGrowthMiB) };
  }

  /** By the medians of the first and the last third after the warm-up, stretched to the whole time after it. */
  #judged(): Record<'rssGrowthMiB' | 'anonGrowthMiB' | 'fdsGrowth' | 'threadsGrowth', number> {
    const looks = this.#looks.slice(Math.floor(this.#looks.length * WARM_UP));
    const third = Math.floor(looks.length / 3);
    const growth = (pick: (look: Look) => number) =>
      median(looks.slice(-third).map(pick)) - median(looks.slice(0, third).map(pick));
    return {
      rssGrowthMiB: growth(look => look.rssMiB) * 1.5,
      anonGrowthMiB: growth(look => look.anonMiB) * 1.5,
      fdsGrowth: growth(look => look.fds),
      threadsGrowth: growth(look => look.threads),
    };
  }
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
