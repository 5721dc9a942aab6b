// Data directories that cannot be used, and a volume that is full: clear words, the promised exit code, nothing lost or changed.
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Camera, ErrorBody, Health, Problem, SegmentList, Status } from '../../src/api/contract.ts';
import { readChecked, writeChecked } from '../../src/storage/checked-file.ts';
import { stopChildren } from '../support/child.ts';
import { footageFaults, timelineOf } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { mountProblem, Volume } from '../support/volume.ts';

const test = suite('data that cannot be used', { timeoutMs: 60_000 });
test.after(stopChildren);

/** Everything below a folder: names, sizes, times, contents. */
function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map(entry => {
      const path = join(entry.parentPath, entry.name);
      const content = entry.isFile() ? readFileSync(path, 'base64') : '';
      return `${path} ${statSync(path).mtimeMs} ${content}`;
    })
    .sort();
}

/** Starts it; it must end by itself with this code, one message for people on stderr, and one record of it in the log. */
async function refused(dataDir: string, code: number, words: RegExp, args: string[] = [], port = 0): Promise<void> {
  const { child } = Service.spawn({ dataDir, args, port });
  const exit = await child.exited;
  const said = child.stderr.join('\n');
  assert.equal([exit.code, exit.signal], [code, null], said);
  assert.is(child.stderr.length, 2, `a message and a cure: ${said}`);
  assert.match(child.stderr[0] ?? '', words);
  assert.match(child.stderr[0] ?? '', /^thimble: .*\.$/);
  assert.match(child.stderr[1] ?? '', /^[A-Z].{8,}\.$/);
  assert.not.match(said, /\n\s+at |internal|undefined/);
  const errors = child.stdout.filter(line => line.includes('"level":"error"'));
  assert.is(errors.length, args.length > 0 ? 0 : 1, child.stdout.join('\n'));
  assert.not.match(errors.join('\n'), '"stack"');
}

test('a directory of somebody else is refused and stays as it is, whatever is in it', async () => {
  for (const plant of [
    (dir: string) => writeFileSync(join(dir, 'thesis.txt'), 'mine'),
    (dir: string) => {
      mkdirSync(join(dir, 'segments'));
      writeFileSync(join(dir, 'segments', 'holiday.mp4'), 'mine');
    },
    (dir: string) => writeFileSync(join(dir, 'secret.key'), 'mine'),
    (dir: string) => mkdirSync(join(dir, 'photos')),
  ]) {
    const dir = tempDir('foreign');
    plant(dir);
    const before = snapshot(dir);
    await refused(dir, 3, /is not empty and holds no identity\.json \(".*" is in it\)/);
    assert.equal(snapshot(dir), before);
  }
});

test('an identity that is damaged, newer or of another machine is refused, and nothing is changed', async () => {
  const first = await Service.start();
  assert.is((await first.stop()).code, 0);
  const path = join(first.dataDir, 'identity.json');
  const file = await readChecked(path);
  const identity = file.state === 'good' ? (file.body as Record<string, unknown>) : {};
  const cases: [change: () => unknown, words: RegExp][] = [
    [() => writeChecked(path, { ...identity, format: 2 }), /has format 2, this version knows 1/],
    [() => writeChecked(path, { ...identity, pointerBits: 32, endianness: 'BE' }), /32-bit BE machine/],
    [() => writeChecked(path, { ...identity, store: '../../etc' }), /identity\.json is damaged/],
    [() => writeFileSync(path, '{"crc32":"00000000","body":{}}'), /identity\.json is damaged/],
    [() => writeFileSync(path, Buffer.alloc(9_000_000, 0x20)), /identity\.json is damaged/],
    [() => writeFileSync(path, ''), /identity\.json is damaged/],
  ];
  for (const [change, words] of cases) {
    await change();
    rmSync(`${path}.previous`, { force: true });
    const before = snapshot(first.dataDir);
    await refused(first.dataDir, 3, words);
    assert.equal(snapshot(first.dataDir), before);
  }
  await writeChecked(path, identity);
  const again = await Service.start({ dataDir: first.dataDir });
  assert.is((await again.stop()).code, 0);
});

test('places where no directory can be: exit code 3', async () => {
  const dir = tempDir('place');
  writeFileSync(join(dir, 'file'), 'mine');
  const { child } = Service.spawn({ dataDir: dir, args: ['--data', join(dir, 'file')] });
  assert.is((await child.exited).code, 2, 'a flag given twice');
  for (const place of [join(dir, 'file'), join(dir, 'file', 'below')]) {
    const env = { THIMBLE_DATA: place };
    const run = Service.spawn({ dataByEnvironment: true, env });
    assert.is((await run.child.exited).code, 3, place);
    assert.match(run.child.stderr[0] ?? '', join(dir, 'file'));
    assert.match(run.child.stderr[1] ?? '', /^[A-Z].{8,}\.$/);
  }
  assert.is(readFileSync(join(dir, 'file'), 'utf8'), 'mine');
  assert.equal(readdirSync(dir), ['file']);
});

test('two instances on one directory, and two on one port: the first goes on', async () => {
  const first = await Service.start({ args: ['--demo'] });
  await refused(first.dataDir, 3, /is in use by another Thimble/);
  const port = Number(new URL(first.ready.url).port);
  const other = tempDir('other');
  await refused(other, 2, new RegExp(`127\\.0\\.0\\.1:${port} is in use`), [], port);
  await first.until<Camera>('/api/cameras/1', one => one.state.name === 'live');
  assert.is((await first.stop()).code, 0);
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => taken.once('listening', resolve));
  await refused(other, 2, /is in use/, [], (taken.address() as { port: number }).port);
  taken.close();
  const second = await Service.start({ dataDir: other });
  assert.is((await second.stop()).code, 0, 'the directory was not kept');
});

test('flags that cannot be understood: exit code 2 and nothing is made', async () => {
  const cases: [string[], RegExp][] = [
    [['--listen', '127.0.0.1:99999'], /--listen is given twice|not an address/],
    [['--log', 'loud'], /--log/],
    [['--hub', 'none'], /--hub/],
    [['--frobnicate'], /--frobnicate is not a known flag/],
    [['--log'], /--log needs a value/],
    [['extra'], /extra/],
  ];
  for (const [args, words] of cases) {
    const dir = tempDir('flags');
    await refused(dir, 2, words, args);
    assert.equal(readdirSync(dir), []);
  }
});

const problem = mountProblem();
const withVolume = (name: string, body: () => Promise<void>) => test.needs(!problem, problem ?? '', name, body);

withVolume('a read-only volume is refused: empty, or with a store on it', async () => {
  const empty = new Volume(8);
  empty.makeReadOnly();
  await refused(empty.folder, 3, /read-only/);
  const used = new Volume(32);
  const service = await Service.start({ dataDir: used.folder });
  assert.is((await service.stop()).code, 0);
  const before = snapshot(used.folder);
  used.makeReadOnly();
  await refused(used.folder, 3, /read-only/);
  assert.equal(snapshot(used.folder), before);
});

test.needs(
  process.getuid?.() !== 0,
  'root may write everywhere',
  'a directory without permission is refused',
  async () => {
    const dir = tempDir('closed');
    chmodSync(dir, 0o500);
    await refused(dir, 3, /this user has no permission/);
  },
);

withVolume('a full volume stops recording with a reason and nothing else; with room it records again', async () => {
  const volume = new Volume(48);
  const service = await Service.start({ dataDir: volume.folder, args: ['--demo'] });
  // Short segments: what is reserved for a long one would do for minutes.
  for (const id of [1, 2]) await service.patch(`/api/cameras/${id}`, { record: { segmentMs: 5000 } });
  await service.until<SegmentList>('/api/segments?camera=1', list => list.segments.length >= 2);
  volume.fill();
  const fullMs = Date.now();
  const status = await service.until<Status>('/api/status', ({ problems }) => {
    // Segments that close give back what was reserved for them.
    volume.fill();
    return recordingOnes(problems) === 2;
  });
  const first = status.problems.find(one => one.kind === 'recording');
  assert.match(first?.message ?? '', /is not being recorded: the storage volume is full\.$/);
  assert.match(first?.cure ?? '', /^Delete footage/);
  assert.equal(await service.get('/api/health'), { status: 'degraded' });
  const gap = (await timelineOf(service, 1)).gaps.at(-1);
  assert.equal([gap?.reason, gap?.endMs], ['disk-full', undefined]);
  assert.ok(Math.abs((gap?.startMs ?? 0) - fullMs) <= 8000, `the gap begins ${(gap?.startMs ?? 0) - fullMs} ms after`);
  for (const id of [1, 2]) assert.is((await service.get<Camera>(`/api/cameras/${id}`)).state.name, 'live');
  // What a file that could not be begun gave back.
  volume.fill();
  await renamed(service, 'Demo 1', 'Renamed');
  assert.equal(await footageFaults(service), []);

  volume.makeRoom();
  await recordsAgain(service, fullMs);
  await service.until<Health>('/api/health', health => health.status === 'ok');
  assert.ok((await timelineOf(service, 1)).gaps.at(-1)?.endMs, 'the gap has ended');
  await service.patch('/api/cameras/1', { name: 'With room' });
  assert.equal(await footageFaults(service), []);
  assert.is((await service.stop()).code, 0);
  assert.not.match(service.child.stdout.join('\n'), 'unexpected failure');
});

withVolume('a start on a full volume works, says so, and records as soon as there is room', async () => {
  const volume = new Volume(48);
  const before = await Service.start({ dataDir: volume.folder, args: ['--demo'] });
  await before.until<SegmentList>('/api/segments?camera=1', list => (list.segments[0]?.sizeBytes ?? 0) > 0);
  assert.is((await before.stop()).code, 0);
  volume.fill();
  const startedMs = Date.now();
  // It does not wait for room: there is none before it answers.
  const service = await Service.start({ dataDir: volume.folder, args: ['--demo'] });
  await service.until<Status>('/api/status', ({ problems }) => recordingOnes(problems) === 2);
  volume.makeRoom();
  await recordsAgain(service, startedMs);
  await service.until<Health>('/api/health', health => health.status === 'ok');
  assert.equal(await footageFaults(service), []);
  assert.is((await service.stop()).code, 0);
});

withVolume(
  'on a full volume a change that is answered with 200 outlives a kill, one with 507 has not happened',
  async () => {
    // Changes with room behind them leave pages to spare in the index.
    for (const changesBefore of [0, 3]) {
      const volume = new Volume(48);
      const service = await Service.start({ dataDir: volume.folder, args: ['--demo'] });
      await service.until<SegmentList>('/api/segments?camera=1', list => (list.segments[0]?.sizeBytes ?? 0) > 0);
      for (let n = 1; n <= changesBefore; n++)
        await service.patch('/api/cameras/1', { record: { segmentMs: n * 10_000 } });
      let name = 'Demo 1';
      for (let n = 1; n <= 8; n++) {
        volume.fill();
        name = await renamed(service, name, `${n}`.repeat(n * 8));
      }
      service.kill('SIGKILL');
      await service.child.exited;
      volume.fill();
      const again = await Service.start({ dataDir: volume.folder, args: ['--demo'] });
      assert.is((await again.get<Camera>('/api/cameras/1')).name, name);
      volume.makeRoom();
      await again.patch('/api/cameras/2', { name: 'With room' });
      assert.is((await again.get<Camera>('/api/cameras/1')).name, name, 'what was refused does not come later');
      assert.is((await again.stop()).code, 0);
    }
  },
);

/**
 * Renames camera 1 on a full volume, and gives its name behind it. The index has pages of its own to use again, and what was changed
 * before decides whether they are enough: then the answer is 200, else 507, and everything is as it was.
 */
async function renamed(service: Service, before: string, name: string): Promise<string> {
  const { status, body } = await service.ask<ErrorBody>('PATCH', '/api/cameras/1', { name });
  assert.ok(status === 200 || status === 507, `${status}: ${JSON.stringify(body)}`);
  if (status === 507) assert.match(body.error.cure ?? '', /space/);
  const after = status === 200 ? name : before;
  assert.is((await service.get<Camera>('/api/cameras/1')).name, after, `behind an answer of ${status}`);
  return after;
}

function recordingOnes(problems: Problem[]): number {
  return problems.filter(one => one.kind === 'recording').length;
}

/** Both cameras have new footage at most 7 s from now: the disk is tried again each 5 s, and there is a keyframe each 2 s. */
async function recordsAgain(service: Service, sinceMs: number): Promise<void> {
  const fromMs = Date.now();
  for (const id of [1, 2]) {
    await service.until<SegmentList>(`/api/segments?camera=${id}`, list =>
      list.segments.some(one => one.startMs > Math.max(sinceMs, fromMs - 500) && one.sizeBytes > 0),
    );
  }
  assert.ok(Date.now() - fromMs <= 8500, `recording again after ${Date.now() - fromMs} ms`);
}

test.run();
