// What others' hands and bad media do to a data directory: whatever it is, the footage stays and is listed again, or words say why not.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { NvrError, systemClock } from '../../src/core/index.ts';
import { openStore, type Store } from '../../src/storage/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { CODECS, examineFake, writeSegment } from './storage-segment-file.ts';

const test = suite('storage: bad input', { timeoutMs: 60_000 });
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
const SEGMENTS = 60;
const seed = Math.floor(Math.random() * 2 ** 31);
let state = seed;

/** xorshift32: a number from 0 to `below` - 1. */
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

function noise(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => random(256)));
}

async function started(dir: string): Promise<Store> {
  const store = await openStore(dir, {
    examine: examineFake,
    lock: () => ({ unlock: () => undefined }),
    clock: { ...systemClock, nowMs: () => T0 + 86_400_000 },
    log: fakeLog('storage').logger,
    boot: { bootId: 'boot', oomKills: 0 },
  });
  try {
    await store.start(new AbortController().signal);
    await store.recovered();
    return store;
  } catch (error) {
    await store.stop().catch(() => undefined);
    throw error;
  }
}

function write(
  store: Pick<Store, 'segmentsFolder' | 'uuid'>,
  startMs: number,
  clockGen = 0,
  uuid = store.uuid,
): string {
  return writeSegment(store.segmentsFolder, { camera: 1, stream: 'main', startMs, clockGen, store: uuid }, 10, true);
}

function record(store: Store, startMs: number): void {
  const path = write(store, startMs);
  const { size: sizeBytes } = statSync(store.pathOf({ path }));
  const key = { camera: 1, stream: 'main' as const, startMs, clockGen: 0 };
  store.segments.record({ ...key, endMs: startMs + 10_000, sizeBytes, codecs: CODECS, endReason: 'length', path });
}

function listed(store: Store): string[] {
  const query = { camera: 1, startMs: 0, endMs: Date.UTC(3000, 0, 1), limit: 10_000 };
  return store.segments.list(query).segments.map(segment => segment.path);
}

function files(dir: string): string[] {
  const names = readdirSync(join(dir, 'segments'), { recursive: true }) as string[];
  return names.filter(name => name.endsWith('.mp4')).sort();
}

const template = join(tempDir('template'), 'data');

test.before(async () => {
  const store = await started(template);
  await store.cameras.put({ id: 1 });
  for (let n = 0; n < SEGMENTS; n++) record(store, T0 + n * 300_000);
  await store.stop();
});

function copy(): string {
  const dir = join(tempDir('bad'), 'data');
  cpSync(template, dir, { recursive: true, preserveTimestamps: true });
  return dir;
}

/** Everything is there again, on the volume and in the index; the camera, too. */
async function recovers(dir: string, what: string): Promise<void> {
  const before = files(dir);
  const store = await started(dir);
  assert.equal(listed(store).sort(), before, `${what}, seed ${seed}`);
  assert.equal(store.cameras.list(), [{ id: 1 }], `${what}, seed ${seed}`);
  await store.stop();
  assert.equal(files(dir), before, `${what}, seed ${seed}`);
}

test('an index that is cut at any place', async () => {
  const { size } = statSync(join(template, 'index', 'data.mdb'));
  for (const at of [0, 1, 4096, 8192, size - 4096, random(size)]) {
    const dir = copy();
    truncateSync(join(dir, 'index', 'data.mdb'), at);
    await recovers(dir, `cut at ${at}`);
  }
});

test('an index with noise in any of its pages', async () => {
  const { size } = statSync(join(template, 'index', 'data.mdb'));
  for (let round = 0; round < 4; round++) {
    const dir = copy();
    const path = join(dir, 'index', 'data.mdb');
    const bytes = readFileSync(path);
    const from = random(size - 4096);
    noise(1 + random(4096)).copy(bytes, from);
    writeFileSync(path, bytes);
    await recovers(dir, `noise at ${from}`);
  }
});

test('things in place of the index that are no index', async () => {
  const cases: [string, (path: string) => void][] = [
    ['noise', path => writeFileSync(path, noise(100_000))],
    ['zeros', path => writeFileSync(path, Buffer.alloc(1 << 20))],
    ['a text', path => writeFileSync(path, 'hello')],
    [
      'its own pages in another order',
      path => {
        const bytes = readFileSync(path);
        writeFileSync(path, Buffer.concat([bytes.subarray(8192), bytes.subarray(0, 8192)]));
      },
    ],
  ];
  for (const [what, plant] of cases) {
    const dir = copy();
    plant(join(dir, 'index', 'data.mdb'));
    await recovers(dir, what);
  }
});

test('an index, or a part of the directory, that is something else: recovered or refused with words, footage untouched', async () => {
  const cases: [string, (dir: string) => void][] = [
    [
      'the index is a file',
      dir => {
        rmSync(join(dir, 'index'), { recursive: true });
        writeFileSync(join(dir, 'index'), 'mine');
      },
    ],
    [
      'data.mdb is a folder',
      dir => {
        unlinkSync(join(dir, 'index', 'data.mdb'));
        mkdirSync(join(dir, 'index', 'data.mdb'));
      },
    ],
    [
      'data.mdb is a pipe',
      dir => {
        unlinkSync(join(dir, 'index', 'data.mdb'));
        assert.is(spawnSync('mkfifo', [join(dir, 'index', 'data.mdb')]).status, 0);
      },
    ],
    [
      'data.mdb leads nowhere',
      dir => {
        unlinkSync(join(dir, 'index', 'data.mdb'));
        symlinkSync('/nonexistent/data.mdb', join(dir, 'index', 'data.mdb'));
      },
    ],
    [
      'the quarantine is a file',
      dir => {
        rmSync(join(dir, 'quarantine'), { recursive: true });
        writeFileSync(join(dir, 'quarantine'), 'mine');
      },
    ],
    [
      'the identity is a pipe',
      dir => {
        rmSync(join(dir, 'identity.json'));
        rmSync(join(dir, 'identity.json.previous'), { force: true });
        assert.is(spawnSync('mkfifo', [join(dir, 'identity.json')]).status, 0);
      },
    ],
    [
      'the identity is a folder',
      dir => {
        rmSync(join(dir, 'identity.json'));
        rmSync(join(dir, 'identity.json.previous'), { force: true });
        mkdirSync(join(dir, 'identity.json'));
      },
    ],
  ];
  for (const [what, plant] of cases) {
    const dir = copy();
    const before = files(dir);
    plant(dir);
    try {
      await recovers(dir, what);
    } catch (error) {
      if (!(error instanceof NvrError)) throw error;
      assert.not.equal(error.kind, 'internal', `${what}: ${error.message}`);
      assert.match(error.cure ?? '', /^[A-Z].{8,}\.$/, what);
    }
    assert.equal(files(dir), before, what);
  }
});

test('the mirror of the cameras may hold anything', async () => {
  for (const content of [noise(5000), '{"crc32":"0"}', '[]', `{"crc32":"00000000","body":${'['.repeat(50_000)}`]) {
    const dir = copy();
    writeFileSync(join(dir, 'cameras.json'), content);
    await recovers(dir, 'mirror');
  }
});

test('files deleted, cut, replaced and added while nothing ran, with an index that is lost as well', async () => {
  for (const lost of [false, true]) {
    const dir = copy();
    const all = files(dir);
    const at = (n: number) => join(dir, 'segments', all[n] ?? '');
    const head = readFileSync(at(0), 'utf8').split('\n', 1)[0];
    unlinkSync(at(1));
    truncateSync(at(2), 60);
    writeFileSync(at(3), noise(500));
    renameSync(at(4), join(dir, 'segments', '1', '2026-01-02', '23-59-59.000Z-main.mp4'));
    writeFileSync(join(dir, 'segments', '1', 'readme.txt'), 'mine');
    writeFileSync(join(dir, 'segments', '1', '2026-01-02', 'holiday.mp4'), 'mine');
    writeFileSync(join(dir, 'segments', '1', '2026-01-02', '23-59-58.000Z-main.mp4'), `${head}\nfragment\nclosed\n`);
    if (lost) rmSync(join(dir, 'index'), { recursive: true });
    const store = await started(dir);
    if (lost) {
      // What cannot be believed lies in quarantine; nothing is deleted.
      const kept = readdirSync(join(dir, 'quarantine'));
      for (const name of ['holiday.mp4', '23-59-59.000Z-main.mp4', '23-59-58.000Z-main.mp4']) {
        assert.ok(
          kept.some(one => one.endsWith(name)),
          name,
        );
      }
      assert.is(listed(store).length, SEGMENTS - 4);
    } else {
      await store.mend();
      assert.ok(listed(store).length >= SEGMENTS - 4 && listed(store).length <= SEGMENTS - 2);
      assert.ok(!listed(store).includes(all[1] ?? ''), 'what is gone is not listed');
    }
    assert.is(readFileSync(join(dir, 'segments', '1', 'readme.txt'), 'utf8'), 'mine');
    await store.stop();
  }
});

test('files from the future, and of clock generations that no clock has', async () => {
  const dir = copy();
  const identity = JSON.parse(readFileSync(join(dir, 'identity.json'), 'utf8')) as { body: { store: string } };
  const there = { segmentsFolder: join(dir, 'segments'), uuid: identity.body.store };
  write(there, Date.UTC(2099, 0, 1));
  write(there, T0 + 90_000_000, 0xffff_fff0);
  rmSync(join(dir, 'index'), { recursive: true });
  for (let start = 0; start < 3; start++) {
    const store = await started(dir);
    assert.ok(store.clockGeneration <= 3, `${store.clockGeneration}`);
    assert.ok(listed(store).length >= SEGMENTS);
    // The clock of today counts: footage of a clock that ran ahead is not the newest that there can be.
    assert.is(await store.openStream(1, 'main'), undefined);
    await store.closeStream(1, 'main');
    await store.stop();
  }
});

test('an index that others changed while nothing ran is not believed blindly', async () => {
  const dir = copy();
  const older = join(tempDir('older'), 'index');
  cpSync(join(dir, 'index'), older, { recursive: true, preserveTimestamps: true });
  const store = await started(dir);
  for (let n = SEGMENTS; n < SEGMENTS + 20; n++) record(store, T0 + n * 300_000);
  await store.stop();
  rmSync(join(dir, 'index'), { recursive: true });
  cpSync(older, join(dir, 'index'), { recursive: true, preserveTimestamps: true });
  await recovers(dir, 'an older index');
});

test.run();
