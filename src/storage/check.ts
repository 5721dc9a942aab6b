// Checks a data directory that no service uses, without changing anything of it.
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Logger, NvrError } from '../core/index.ts';
import { Database } from './database.ts';
import { type Environment, openLmdb } from './environment.ts';
import { claimExisting, type Lock } from './identity.ts';
import { type Inspection, inspect, type StoreFault } from './inspection.ts';
import { isGarbage } from './keys.ts';
import { INDEX_FOLDER, SEGMENTS_FOLDER } from './layout.ts';
import { looksSound } from './meta-pages.ts';
import { probeIndex } from './probe.ts';
import type { ExamineSegment } from './segment.ts';
import { SegmentTable } from './segments.ts';

export interface CheckOptions {
  examine: ExamineSegment;
  lock: (path: string) => Lock | undefined;
  log: Logger;
  onFault: (fault: StoreFault) => void;
}

/** Rejects, with a cure, when the directory holds no store, is locked or cannot be used. */
export async function checkStore(path: string, options: CheckOptions): Promise<Inspection> {
  const dir = resolve(path);
  const { identity, lock } = await claimExisting(dir, options.lock);
  try {
    const folder = join(dir, INDEX_FOLDER);
    let damages = 0;
    const damaged = (message: string) => {
      damages++;
      options.onFault({ kind: 'index-damaged', path: '', message });
    };
    const environment = await openForReading(folder, identity.pointerBits, damaged);
    const nothing = () => undefined;
    // Nothing is ever written: the changes that reading damaged rows makes stay in memory.
    const clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: () => Promise.resolve(), after: () => nothing };
    const database = new Database({
      open: () => environment,
      clock,
      log: options.log,
      maxBytes: 0,
      onStep: nothing,
      onHealth: nothing,
    });
    database.start();
    try {
      const segments = new SegmentTable(database, options.log, () => damaged('a row of the segments is damaged'));
      await segments.load();
      const result = await inspect({
        segments,
        folder: join(dir, SEGMENTS_FOLDER),
        storeUuid: identity.store,
        examine: options.examine,
        isGarbage: name => isGarbage(database, name),
        onFault: options.onFault,
      });
      return { ...result, faults: result.faults + damages };
    } finally {
      await environment.close();
    }
  } finally {
    lock.unlock();
  }
}

/** An index that cannot be read is an empty one: then the files alone are looked at. */
async function openForReading(
  folder: string,
  pointerBits: 32 | 64,
  damaged: (message: string) => void,
): Promise<Environment> {
  const file = join(folder, 'data.mdb');
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (!exists) {
    damaged('there is no index');
    return NO_INDEX;
  }
  if (!(await looksSound(file, pointerBits)) || !(await probeIndex(folder))) {
    damaged('the index cannot be read');
    return NO_INDEX;
  }
  const environment = openLmdb(folder);
  return {
    get: (table, key) => environment.get(table, key),
    range: (table, range) => environment.range(table, range),
    usedBytes: () => environment.usedBytes(),
    close: () => environment.close(),
    write: refuse,
    copyTo: refuse,
  };
}

const NO_INDEX: Environment = {
  get: () => undefined,
  range: () => [],
  usedBytes: () => 0,
  close: () => Promise.resolve(),
  write: refuse,
  copyTo: refuse,
};

function refuse(): Promise<void> {
  return Promise.reject(new NvrError('internal', 'a check writes nothing'));
}
