// How long it takes to take in files that the index does not know: whole ones, and ones that a power cut has torn.
import { DAY_MS } from '../../src/storage/layout.ts';
import { CLIPS } from '../support/clips.ts';
import type { ServiceOptions } from '../support/service.ts';
import type { Measured } from './budgets.ts';
import { type Footage, forgetFootage, forgetIndex, makeFootage, startAndAdopt } from './footage.ts';

/** A thousand would be 2 GB to write; the figures are for that many. */
const FILES = 250;
const PER_FILES = 1000;
const CAMERAS = 8;
/** What a crash leaves of 32 cameras. */
const CUT_FILES = 32;
/** The usual length of a segment. */
const SECONDS = 300;
const DISK_MIB = 1024;

export async function measureAdoption(options: Pick<ServiceOptions, 'command'>): Promise<Measured[]> {
  const footage = await makeFootage(options, CLIPS.small, DISK_MIB);
  try {
    writeFiles(footage, CUT_FILES);
    const repair = await timed(footage, options);
    if (repair.repaired !== CUT_FILES) throw new Error(`${repair.repaired} of ${CUT_FILES} files were repaired`);
    writeFiles(footage, FILES);
    await timed(footage, options);
    const adoption = await timed(footage, options);
    if (adoption.adopted !== FILES || adoption.repaired > 0) throw new Error(`${adoption.adopted} of ${FILES} adopted`);
    return [
      { id: 'repair', value: repair.seconds },
      { id: 'adoption', value: (adoption.seconds * PER_FILES) / FILES },
    ];
  } finally {
    footage.remove();
  }
}

/** What cameras recorded one after the other; each file is cut in the middle of a fragment. */
function writeFiles({ segmentsFolder, template }: Footage, files: number): void {
  forgetFootage(segmentsFolder);
  const beginMs = Date.now() - 10 * DAY_MS;
  for (let number = 0; number < files; number++) {
    const startMs = beginMs + Math.floor(number / CAMERAS) * SECONDS * 1000;
    const camera = 1 + (number % CAMERAS);
    template.write({ folder: segmentsFolder, camera, startMs, seconds: SECONDS, sparse: true, tornBytes: 700 });
  }
}

async function timed({ dataDir, disk }: Footage, options: Pick<ServiceOptions, 'command'>) {
  forgetIndex(dataDir);
  disk?.remount();
  const { service, adopted } = await startAndAdopt({ ...options, dataDir });
  await service.stop();
  return adopted;
}
