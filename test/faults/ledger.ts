// What became of each picture that a camera sent: keeps all segment files in sight, deleted ones too, and finds out which pictures are in none.
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { SentUnit } from '../support/camera.ts';
import { probe } from '../support/ffprobe.ts';
import { segmentFiles } from '../support/footage.ts';

const LOOK_MS = 100;
/** How far the time of a picture in a file may be from that of its sending; the same bytes are sent again only much later. */
const SAME_MS = 4000;

export interface Loss {
  units: number;
  bytes: number;
  /** Of those that are excused: a loss and a time in which nothing is missing may overlap. */
  excusedBytes: number;
  /** When they were sent. */
  sentAtMs: number[];
  /** What is wrong with the files, one sentence each. */
  faults: string[];
}

/** Holds a hard link to every segment file that ever exists in a data directory. */
export class SegmentWatch {
  readonly #dataDir: string;
  readonly #links: string;
  readonly #known = new Set<number>();
  #timer: NodeJS.Timeout | undefined;

  /** `links`: a folder on the same volume, outside the data directory. */
  constructor(dataDir: string, links: string) {
    this.#dataDir = dataDir;
    this.#links = links;
    mkdirSync(links, { recursive: true });
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Paths of the links to a camera's files that were begun at `fromMs` or later, oldest first. */
  files(camera: number, fromMs: number): string[] {
    return readdirSync(this.#links)
      .filter(name => name.startsWith(`${camera} `) && startOf(name) >= fromMs)
      .sort()
      .map(name => join(this.#links, name));
  }

  #look(): void {
    for (const path of listed(this.#dataDir)) {
      try {
        const file = join(this.#dataDir, 'segments', path);
        const { ino } = statSync(file);
        if (this.#known.has(ino)) continue;
        const [camera = '', day = '', name = ''] = path.split('/');
        linkSync(file, join(this.#links, `${camera} ${day} ${name} ${ino}`));
        this.#known.add(ino);
      } catch {
        // It was deleted just now.
      }
    }
  }
}

function listed(dataDir: string): string[] {
  try {
    return segmentFiles(dataDir);
  } catch {
    return [];
  }
}

/** From "1 2026-01-31 12-00-00.000Z-main.mp4 <inode>". */
function startOf(name: string): number {
  const [, day = '', time = ''] = basename(name).split(' ');
  return Date.parse(`${day}T${time.replace(/-main\.mp4$/, '').replaceAll('-', ':')}`);
}

/** A time in which nothing is missing. */
export interface Excused {
  startMs: number;
  endMs: number;
}

/**
 * What is missing between the first and the last picture that the files hold. Pictures that are missing in a row are excused together,
 * when one of them was sent in such a time. */
export async function lossOf(
  sent: readonly SentUnit[],
  files: readonly string[],
  excused: readonly Excused[],
  sizes: ReadonlyMap<string, number>,
): Promise<Loss> {
  const loss: Loss = { units: 0, bytes: 0, excusedBytes: 0, sentAtMs: [], faults: [] };
  const recorded: Places = new Map();
  for (const file of files) {
    if (!readFileSync(file).includes('moof')) continue;
    try {
      for (const { sha256, ptsS } of (await probe(file)).video) {
        const places = recorded.get(sha256) ?? [];
        places.push({ atMs: startOf(file) + ptsS * 1000 });
        recorded.set(sha256, places);
      }
    } catch (error) {
      loss.faults.push(`unplayable: ${String(error).slice(0, 300)}`);
    }
  }
  const pictures = sent.filter(unit => unit.kind === 'video');
  const found = pictures.map(unit => take(recorded, unit));
  for (const row of missingRows(pictures, found)) {
    const bytes = row.reduce((sum, unit) => sum + (sizes.get(unit.sha256) ?? Number.NaN), 0);
    if (row.some(({ sentAtMs: at }) => excused.some(({ startMs, endMs }) => startMs <= at && at <= endMs))) {
      loss.excusedBytes += bytes;
      continue;
    }
    loss.units += row.length;
    loss.bytes += bytes;
    loss.sentAtMs.push(...row.map(unit => unit.sentAtMs));
  }
  const left = [...recorded.values()].flat().filter(place => !place.taken);
  if (left.length > 0) {
    const times = left.map(({ atMs }) => Math.round(atMs)).sort((a, b) => a - b);
    loss.faults.push(`${left.length} pictures are recorded twice or were never sent: ${times[0]} to ${times.at(-1)}`);
  }
  return loss;
}

/** Those between the first and the last one that was found, by rows. */
function missingRows(pictures: readonly SentUnit[], found: readonly boolean[]): SentUnit[][] {
  const rows: SentUnit[][] = [];
  const last = found.lastIndexOf(true);
  for (let place = Math.max(0, found.indexOf(true)); place < last; place++) {
    const unit = pictures[place];
    if (!unit || found[place]) continue;
    if (found[place - 1]) rows.push([]);
    rows.at(-1)?.push(unit);
  }
  return rows;
}

type Places = Map<string, { atMs: number; taken?: boolean }[]>;

function take(recorded: Places, unit: SentUnit): boolean {
  const place = recorded
    .get(unit.sha256)
    ?.find(({ atMs, taken }) => !taken && Math.abs(atMs - unit.sentAtMs) <= SAME_MS);
  if (place) place.taken = true;
  return place !== undefined;
}
