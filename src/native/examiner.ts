// Examines segment files in batches: files that are mended together wait for the disk together.
import type { Examination, SegmentReport } from './messages.ts';

/** Examines the file at an absolute path, which may have been left unfinished. */
export type Examine = (path: string, storeUuid: string, how: Examination) => Promise<SegmentReport>;

type ExamineAll = (paths: string[], storeUuid: string, how: Examination) => Promise<SegmentReport[]>;

interface Waiting {
  path: string;
  storeUuid: string;
  thorough: boolean;
  resolve: (report: SegmentReport) => void;
  reject: (error: unknown) => void;
}

/** While one batch waits for the disk another is read; one of libuv's four threads stays free for what HTTP reads. */
const BATCHES = 3;
/** Each file is open until its batch is done. */
const FILES_PER_BATCH = 16;

/** What is asked for while batches are under way becomes the next one. What only reads does not wait for others. */
export function makeExaminer(examineAll: ExamineAll): Examine {
  let waiting: Waiting[] = [];
  let running = 0;

  const next = async () => {
    running++;
    while (waiting[0]) {
      const { storeUuid, thorough } = waiting[0];
      const alike = waiting.filter(one => one.storeUuid === storeUuid && one.thorough === thorough);
      const batch = alike.slice(0, FILES_PER_BATCH);
      waiting = waiting.filter(one => !batch.includes(one));
      const paths = batch.map(one => one.path);
      try {
        const reports = await examineAll(paths, storeUuid, { write: true, thorough });
        for (const [index, one] of batch.entries()) one.resolve(reports[index] as SegmentReport);
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    running--;
  };

  return async (path, storeUuid, { write, thorough }) => {
    if (!write) return (await examineAll([path], storeUuid, { write, thorough }))[0] as SegmentReport;
    return new Promise((resolve, reject) => {
      waiting.push({ path, storeUuid, thorough, resolve, reject });
      if (running < BATCHES) void next();
    });
  };
}
