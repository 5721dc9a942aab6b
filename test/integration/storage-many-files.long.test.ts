// A hundred thousand files in one folder, with an index that is lost: they are all taken in, and nothing stands still meanwhile.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/core/index.ts';
import { openStore, type SegmentFacts } from '../../src/storage/index.ts';
import { parseSegmentPath, segmentPath } from '../../src/storage/layout.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('storage: many files', { timeoutMs: 900_000 });
const T0 = Date.UTC(2026, 0, 2);
const FILES = 100_000;
/** Of others: nothing is done with them but to set them aside. */
const FOREIGN = 200;

/** What the addon would find, by the name alone: this is about their number. */
async function examine(path: string): Promise<SegmentFacts> {
  const named = parseSegmentPath(path.split('/').slice(-3).join('/'));
  if (!named) throw new Error(path);
  const { camera, stream, startMs } = named;
  return { state: 'whole', camera, stream, startMs, clockGen: 0, endMs: startMs + 500, sizeBytes: 1, codecs: 'avc1' };
}

test('are all adopted; the start, what records and what is asked wait for none of it', async () => {
  const dir = tempDir('many');
  const options = {
    examine,
    lock: () => ({ unlock: () => undefined }),
    clock: { ...systemClock, nowMs: () => T0 + 2 * 86_400_000 },
    log: fakeLog('storage').logger,
    boot: { bootId: 'boot', oomKills: 0 },
    rebuild: 'files' as const,
  };
  const first = await openStore(dir, options);
  await first.start(new AbortController().signal);
  await first.stop();
  const folder = join(first.segmentsFolder, '1', '2026-01-02');
  mkdirSync(folder, { recursive: true });
  const eachMs = Math.floor(86_400_000 / FILES);
  for (let n = 0; n < FILES; n++) {
    const path = segmentPath({ camera: 1, stream: 'main', startMs: T0 + n * eachMs, clockGen: 0 }, false);
    writeFileSync(join(first.segmentsFolder, path), '');
  }
  for (let n = 0; n < FOREIGN; n++) writeFileSync(join(folder, `holiday-${n}.mp4`), '');

  const store = await openStore(dir, options);
  const cpuMs = () => process.cpuUsage().user / 1000;
  const before = cpuMs();
  await store.start(new AbortController().signal);
  assert.ok(cpuMs() - before < 5000, `the start took ${cpuMs() - before} ms of the processor`);
  assert.equal((await store.openStream(1, 'main'))?.endMs, T0 + (FILES - 1) * eachMs + 500);
  await store.recovered();
  assert.is(store.segments.totals(1).segments, FILES);
  assert.equal([store.adopted.adopted, store.adopted.foreign], [FILES, FOREIGN]);
  await store.closeStream(1, 'main');
  await store.stop();
});

test.run();
