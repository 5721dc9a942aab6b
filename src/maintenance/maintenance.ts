// The commands check, repair and reindex: work on a data directory that no service uses, and tell what they find line by line.
import type { Clock, Logger } from '../core/index.ts';
import { type CheckOptions, checkStore, openStore, type StoreFault } from '../storage/index.ts';

export interface MaintenanceOptions {
  command: 'check' | 'repair' | 'reindex';
  dataDir: string;
  /** The native addon's functions. */
  examine: CheckOptions['examine'];
  lock: CheckOptions['lock'];
  clock: Clock;
  log: Logger;
  /** Takes one line without its end. */
  print: (line: string) => void;
  /** Lines for people in place of JSON. */
  human: boolean;
}

/**
 * True when all is well: nothing was found, or everything that was found is mended. Rejects with an NvrError that has a cure when the
 * directory holds no store, is in use or cannot be used.
 */
export async function maintain(options: MaintenanceOptions): Promise<boolean> {
  if (options.command === 'check') return (await check(options)) === 0;
  const { command, dataDir, examine, lock, clock, log } = options;
  const rebuild = command === 'reindex' ? 'index' : 'files';
  const store = await openStore(dataDir, { examine, lock, clock, log, rebuild, existing: true });
  try {
    await store.start(new AbortController().signal);
    await store.recovered();
    const { adopted, repaired, removed, foreign, failed } = store.adopted;
    const mended = command === 'repair' ? await store.mend() : { dropped: 0, corrected: 0, failed: 0 };
    say(options, `${adopted} files taken into the index, ${repaired} of them mended`, { adopted, repaired });
    say(options, `${removed} empty files removed, ${foreign} foreign ones set aside in quarantine`, {
      removed,
      foreign,
    });
    if (command === 'repair') {
      say(options, `${mended.corrected} records corrected, ${mended.dropped} without a file dropped`, {
        corrected: mended.corrected,
        dropped: mended.dropped,
      });
    }
    const unmended = failed + mended.failed;
    if (unmended > 0) say(options, `${unmended} files could not be read or mended`, { failed: unmended });
  } finally {
    await store.stop();
  }
  return (await check(options)) === 0;
}

/** Says what is wrong; gives back how much. */
async function check(options: MaintenanceOptions): Promise<number> {
  const { dataDir, examine, lock, log } = options;
  const onFault = (fault: StoreFault) => say(options, `${fault.path || 'index'}: ${fault.message}`, { ...fault });
  const { files, segments, sizeBytes, faults } = await checkStore(dataDir, { examine, lock, log, onFault });
  const words = faults === 0 ? 'all is well' : `${faults} ${faults === 1 ? 'thing is' : 'things are'} wrong`;
  say(options, `${files} files, ${segments} segments in the index, ${Math.round(sizeBytes / 1e6)} MB: ${words}`, {
    files,
    segments,
    sizeBytes,
    faults,
  });
  if (faults > 0 && options.command === 'check' && options.human)
    options.print('"thimble repair" mends what can be mended.');
  return faults;
}

function say({ print, human }: MaintenanceOptions, words: string, fields: Record<string, unknown>): void {
  print(human ? words : JSON.stringify(fields));
}
