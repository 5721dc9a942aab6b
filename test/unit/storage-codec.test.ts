// The packed rows of the index, names of segment files, sealed passwords and checked files: round trips and hostile input.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { END_REASONS, GAP_REASONS, NvrError } from '../../src/core/index.ts';
import { readChecked, writeChecked } from '../../src/storage/checked-file.ts';
import { crc32, crc32InSteps } from '../../src/storage/crc32.ts';
import { GAP_REASON_CODES } from '../../src/storage/gap-reasons.ts';
import { parseDayFolder, parseSegmentPath, segmentPath } from '../../src/storage/layout.ts';
import { decodeRow, encodeRow } from '../../src/storage/rows.ts';
import { openSealer } from '../../src/storage/secret.ts';
import { decodeHour, encodeHour, type SegmentRecord, summariseHour } from '../../src/storage/segment-codec.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('storage: rows, names and secrets');
const HOUR = 490_000;
const HOUR_MS = 3_600_000;

function record(offsetMs: number, more: Partial<SegmentRecord> = {}): SegmentRecord {
  return {
    startMs: HOUR * HOUR_MS + offsetMs,
    durationMs: 300_000,
    sizeBytes: 75_000_000,
    clockGen: 0,
    codecId: 1,
    endReason: 'length',
    withGeneration: false,
    locked: false,
    ...more,
  };
}

function thrown(action: () => unknown): NvrError {
  try {
    action();
  } catch (error) {
    assert.instance(error, NvrError);
    return error as NvrError;
  }
  throw new Error('nothing was thrown');
}

test('checksum is the one of zip', () => {
  for (const checksum of [crc32, crc32InSteps]) {
    assert.is(checksum(Buffer.from('123456789')), 0xcbf43926);
    assert.is(checksum(Buffer.from('6789'), checksum(Buffer.from('12345'))), 0xcbf43926);
  }
});

test('records come back as they were, at their limits and with every end reason', () => {
  const records = END_REASONS.map((endReason, n) =>
    record(n * 1000, { endReason, withGeneration: n % 2 === 1, locked: n % 3 === 1 }),
  );
  records.push(
    record(HOUR_MS - 1, {
      durationMs: 8_388_607_000,
      sizeBytes: 2 ** 40 - 1,
      clockGen: 2 ** 24 - 1,
      codecId: 4095,
    }),
  );
  const row = encodeHour(HOUR, records);
  assert.is(row.length, 7 + 16 * records.length);
  assert.equal(decodeHour(HOUR, row), records);
  assert.equal(decodeHour(HOUR, encodeHour(HOUR, [])), []);
  assert.equal(summariseHour(HOUR, row), {
    segments: records.length,
    sizeBytes: 75_000_000 * END_REASONS.length + 2 ** 40 - 1,
    lockedBytes: 75_000_000 * END_REASONS.filter((_, n) => n % 3 === 1).length,
    longestMs: 8_388_607_000,
    newestEndMs: (HOUR + 1) * HOUR_MS - 1 + 8_388_607_000,
    clockGens: new Set(records.map(one => one.clockGen)),
  });
});

test('durations are exact up to 2.3 hours, then in seconds, then at their bound', () => {
  const back = (durationMs: number) => decodeHour(HOUR, encodeHour(HOUR, [record(0, { durationMs })]))?.[0]?.durationMs;
  assert.is(back(0), 0);
  assert.is(back(8_388_607), 8_388_607);
  assert.is(back(8_388_608), 8_389_000);
  assert.is(back(1e13), 8_388_607_000);
});

test('every single damaged byte, cut and foreign key of a row is noticed', () => {
  const row = encodeHour(HOUR, [record(0), record(300_000)]);
  for (let at = 0; at < row.length; at++) {
    for (const flip of [1, 0x80, 0xff]) {
      const damaged = Buffer.from(row);
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      assert.is(decodeHour(HOUR, damaged), undefined, `byte ${at}`);
    }
    assert.is(decodeHour(HOUR, row.subarray(0, at)), undefined, `cut at ${at}`);
    assert.is(summariseHour(HOUR, row.subarray(0, at)), undefined);
  }
  assert.is(decodeHour(HOUR, Buffer.concat([row, Buffer.alloc(16)])), undefined);
  assert.is(decodeHour(HOUR + 1, row), undefined);
  assert.is(decodeHour(HOUR, Buffer.alloc(0)), undefined);
});

test('small rows notice damage and hold any JSON', () => {
  const row = encodeRow({ a: [1, 'ü'] });
  assert.equal(decodeRow(row), { a: [1, 'ü'] });
  for (let at = 0; at < row.length; at++) {
    const damaged = Buffer.from(row);
    damaged[at] = (damaged[at] ?? 0) ^ 0x20;
    assert.is(decodeRow(damaged), undefined, `byte ${at}`);
    assert.is(decodeRow(row.subarray(0, at)), undefined);
  }
});

test('numbers of gap reasons on disk are all different', () => {
  assert.is(new Set(GAP_REASONS.map(reason => GAP_REASON_CODES[reason])).size, GAP_REASONS.length);
});

test('names of segment files are those of the design, and are read back', () => {
  const key = { camera: 12, stream: 'main' as const, startMs: Date.UTC(2026, 10, 3, 7, 8, 9, 45), clockGen: 4 };
  assert.is(segmentPath(key, false), '12/2026-11-03/07-08-09.045Z-main.mp4');
  assert.is(segmentPath(key, true), '12/2026-11-03/07-08-09.045Z-main-4.mp4');
  assert.equal(parseSegmentPath(segmentPath(key, true)), key);
  assert.equal(parseSegmentPath(segmentPath(key, false)), { camera: 12, stream: 'main', startMs: key.startMs });
});

test('names that are nearly ones of segment files are none', () => {
  for (const path of [
    '',
    '1/2026-01-02/03-04-05.006Z-main.mp4.tmp',
    '01/2026-01-02/03-04-05.006Z-main.mp4',
    '0/2026-01-02/03-04-05.006Z-main.mp4',
    '1/2026-04-31/03-04-05.006Z-main.mp4',
    '1/2026-13-02/03-04-05.006Z-main.mp4',
    '1/2026-01-02/24-00-00.000Z-main.mp4',
    '1/2026-01-02/03-60-05.006Z-main.mp4',
    '1/2026-01-02/03-04-05.006Z-third.mp4',
    '1/2026-01-02/03-04-05.006Z-main-01.mp4',
    '../1/2026-01-02/03-04-05.006Z-main.mp4',
    '1/2026-01-02/../03-04-05.006Z-main.mp4',
  ]) {
    assert.is(parseSegmentPath(path), undefined, path);
  }
  assert.is(parseDayFolder('2026-02-30'), undefined);
  assert.is(parseDayFolder('2026-02-28'), Date.UTC(2026, 1, 28));
});

test('sealed passwords open with their key only, and never twice the same', async () => {
  const dir = tempDir('secret');
  const log = fakeLog('storage');
  const sealer = await openSealer(join(dir, 'secret.key'), log.logger);
  const sealed = sealer.seal('hunter2 – ü');
  assert.not.match(sealed, 'hunter2');
  assert.is.not(sealed, sealer.seal('hunter2 – ü'));
  const again = await openSealer(join(dir, 'secret.key'), log.logger);
  assert.is(again.unseal(sealed), 'hunter2 – ü');
  assert.is(again.unseal(sealer.seal('')), '');
  const other = await openSealer(join(dir, 'other.key'), log.logger);
  const wrong = thrown(() => other.unseal(sealed));
  assert.is(wrong.kind, 'data-loss');
  assert.match(wrong.message, 'another key');
  for (const damaged of [
    '',
    'v1',
    'v1.a.b.c',
    sealed.slice(0, -2),
    `${sealed.slice(0, -1)}!`,
    sealed.replace('v1', 'v2'),
  ]) {
    assert.is(thrown(() => again.unseal(damaged)).kind, 'data-loss', damaged);
  }
  assert.is(thrown(() => again.unseal(`v1.${'x'.repeat(100_000)}`)).kind, 'data-loss');
  assert.equal(again.derive('links'), sealer.derive('links'));
  assert.is(sealer.derive('links').length, 32);
  assert.is.not(sealer.derive('links').toString('hex'), sealer.derive('other').toString('hex'));
  assert.is.not(sealer.derive('links').toString('hex'), other.derive('links').toString('hex'));
});

test('a damaged key file is put aside and said so', async () => {
  const path = join(tempDir('secret'), 'secret.key');
  writeFileSync(path, 'not a key');
  const log = fakeLog('storage');
  const sealer = await openSealer(path, log.logger);
  assert.is(sealer.unseal(sealer.seal('a')), 'a');
  assert.is(readFileSync(`${path}.damaged`, 'utf8'), 'not a key');
  assert.is(log.messages('error').length, 1);
});

test('a checked file keeps the generation before and falls back on it', async () => {
  const path = join(tempDir('checked'), 'file.json');
  assert.equal(await readChecked(path), { state: 'absent' });
  await writeChecked(path, { n: 1 });
  await writeChecked(path, { n: 2 });
  assert.equal(await readChecked(path), { state: 'good', body: { n: 2 } });
  assert.is(statSync(path).mode & 0o777, 0o600);
  for (const content of ['', '{', '{"crc32":"00000000","body":{"n":3}}', 'null', '[]']) {
    writeFileSync(path, content);
    assert.equal(await readChecked(path), { state: 'previous', body: { n: 1 } }, content);
  }
  writeFileSync(`${path}.previous`, '{}');
  assert.equal(await readChecked(path), { state: 'damaged' });
  const folder = join(tempDir('checked'), 'folder');
  mkdirSync(folder);
  assert.equal(await readChecked(folder), { state: 'damaged' });
});

test.run();
