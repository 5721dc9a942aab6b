// check, repair and reindex on what the built service left behind: after a kill, after others' hands, and killed themselves.
import { cpSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { CameraList, Segment } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { Child, stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { footageFaults, listSegments, segmentFiles } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/thimble.js', import.meta.url));
const test = suite('check, repair, reindex', { timeoutMs: 90_000 });
test.after(stopChildren);

interface Said {
  code: number | null;
  lines: Record<string, unknown>[];
  /** Kinds of what is wrong, sorted. */
  kinds: string[];
  stderr: string;
}

async function run(command: string, dir: string): Promise<Said> {
  const child = new Child(process.execPath, [PROGRAM, command, '--data', dir]);
  const { code } = await child.exited;
  const lines = child.stdout.map(line => JSON.parse(line) as Record<string, unknown>);
  const kinds = lines.flatMap(line => (typeof line.kind === 'string' ? [line.kind] : [])).sort();
  return { code, lines, kinds, stderr: child.stderr.join('\n') };
}

/** A directory with some segments, the last of them cut by a kill. */
async function killedStore(): Promise<{ dir: string; camera: number }> {
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  const service = await Service.start();
  const { id } = await service.post<{ id: number }>('/api/cameras', {
    name: 'Yard',
    main: { url: camera.url },
    record: { segmentMs: 5000 },
  });
  await service.until<{ segments: Segment[] }>(`/api/segments?camera=${id}`, list => list.segments.length >= 3, 30_000);
  const [oldest] = await listSegments(service, id);
  await service.patch(`/api/segments/${oldest?.id}`, { locked: true });
  const refused = await run('check', service.dataDir);
  assert.is(refused.code, 3, 'not while a service runs on it');
  assert.match(refused.stderr, 'in use');
  await new Promise(resolve => setTimeout(resolve, 1500));
  service.kill('SIGKILL');
  await service.child.exited;
  await camera.stop();
  return { dir: service.dataDir, camera: id };
}

async function judge(dir: string, camera: number): Promise<Segment[]> {
  const service = await Service.start({ dataDir: dir });
  await service.patch(`/api/cameras/${camera}`, { enabled: false });
  assert.is((await service.get<CameraList>('/api/cameras')).cameras[0]?.name, 'Yard');
  assert.equal(await footageFaults(service), []);
  const segments = await listSegments(service, camera);
  assert.is((await service.stop()).code, 0);
  return segments;
}

test('after a kill and after other hands: found, mended, and all is well', async () => {
  const { dir, camera } = await killedStore();
  const spare = join(tempDir('spare'), 'copy');
  cpSync(dir, spare, { recursive: true });
  const found = await run('check', dir);
  assert.is(found.code, 1, JSON.stringify(found.lines));
  assert.ok(found.kinds.includes('unfinished-file'));
  assert.equal(segmentFiles(dir), segmentFiles(spare), 'a check changes nothing');
  assert.is((await run('repair', dir)).code, 0);
  assert.equal((await run('check', dir)).kinds, []);

  const [first = '', second = '', third = ''] = segmentFiles(dir);
  assert.ok(third, 'three segments');
  const path = (name: string) => join(dir, 'segments', name);
  rmSync(path(second));
  truncateSync(path(third), 20_000);
  writeFileSync(join(dirname(path(first)), 'holiday.mp4'), 'mine');
  const harm = await run('check', dir);
  assert.is(harm.code, 1);
  assert.ok(harm.kinds.includes('missing-file') && harm.kinds.includes('foreign-file'), harm.kinds.join());
  assert.ok(harm.kinds.length >= 3, harm.kinds.join());
  const repair = await run('repair', dir);
  assert.is(repair.code, 0, JSON.stringify(repair.lines));
  assert.ok(readdirSync(join(dir, 'quarantine')).some(name => name.includes('holiday')));
  const segments = await judge(dir, camera);
  assert.ok(segments[0]?.locked, 'what was locked still is');
});

test('a reindex that is killed again and again ends well, with every segment and lock', async () => {
  const { dir, camera } = await killedStore();
  assert.is((await run('repair', dir)).code, 0);
  const files = segmentFiles(dir);
  for (const delayMs of [150, 200, 250, 300, 350, 450]) {
    const child = new Child(process.execPath, [PROGRAM, 'reindex', '--data', dir]);
    setTimeout(() => child.kill('SIGKILL'), delayMs);
    await child.exited;
  }
  const last = await run('reindex', dir);
  assert.is(last.code, 0, last.stderr);
  assert.equal(segmentFiles(dir), files);
  const segments = await judge(dir, camera);
  assert.ok(segments[0]?.locked);
  assert.is(segments.filter(segment => segment.endReason !== undefined).length >= files.length, true);
});

test('a directory that holds no store is refused and stays as it is', async () => {
  const dir = tempDir('nothing');
  for (const command of ['check', 'repair', 'reindex']) {
    const { code, stderr } = await run(command, dir);
    assert.is(code, 3);
    assert.match(stderr, '--data');
    assert.equal(readdirSync(dir), []);
  }
  assert.is((await run('check', join(dir, 'absent'))).code, 3);
});

test.run();
