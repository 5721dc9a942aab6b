// Examines segment files in batches: files that are mended together wait for the disk together.
import type { SegmentReport } from './messages.ts';

/** Examines the file at an absolute path that may have been left unfinished and, with `write`, mends it and makes it durable. */
export type Examine = (path: string, storeUuid: string, write: boolean) => Promise<SegmentReport>;

type ExamineAll = (paths: string[], storeUuid: string, write: boolean) => Promise<SegmentReport[]>;

interface Waiting {
  path: string;
  storeUuid: string;
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
      const { storeUuid } = waiting[0];
      const batch = waiting.filter(one => one.storeUuid === storeUuid).slice(0, FILES_PER_BATCH);
      waiting = waiting.filter(one => !batch.includes(one));
      const paths = batch.map(one => one.path);
      try {
        const reports = await examineAll(paths, storeUuid, true);
        for (const [index, one] of batch.entries()) one.resolve(reports[index] as SegmentReport);
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    running--;
  };

  return async (path, storeUuid, write) => {
    if (!write) return (await examineAll([path], storeUuid, false))[0] as SegmentReport;
    return new Promise((resolve, reject) => {
      waiting.push({ path, storeUuid, resolve, reject });
      if (running < BATCHES) void next();
    });
  };
}
