// kill -9 twenty times at random moments, and once at every call by which the service changes a file.
import { cpSync, rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Camera, CameraList, SegmentList } from '../../src/api/contract.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras, gstProblem } from '../support/gst-camera.ts';
import { judgeRestart, type KillRound, killRound } from '../support/kill-rounds.ts';
import { buildKiller, type Death, dieAtStep, killStepsProblem } from '../support/kill-steps.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const RANDOM_ROUNDS = 20;
/** Limits: what a killed service may lose, and how soon the next one records. */
const LOST_MS = 1500;
const RECORDING_AGAIN_MS = 5000;
/** From `live` to the first keyframe and its fragment on the disk. */
const FIRST_FRAGMENT_MS = 3000;

const test = suite('kill -9, long', { timeoutMs: 3_600_000 });
test.after(stopChildren);

test.needs(!gstProblem(), gstProblem() ?? '', `survives ${RANDOM_ROUNDS} kills at random moments`, async () => {
  const seed = Date.now() % 100_000;
  const clip = await clipFile(CLIPS.small);
  const names = ['one', 'two'];
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const dataDir = tempDir('kill');
  let random = seed;
  for (let round = 1; round <= RANDOM_ROUNDS; round++) {
    random = (random * 48_271) % 2_147_483_647;
    const recordMs = random % 8000;
    const result = await killRound({ dataDir, urls: names.map(name => server.url(name)), recordMs });
    const where = `seed ${seed}, round ${round}, killed after ${recordMs} ms`;
    process.stdout.write(`${where}: ${JSON.stringify(result)}\n`);
    check(result, recordMs >= FIRST_FRAGMENT_MS, where);
  }
  await server.stop();
});

const stepsProblem = killStepsProblem();

test.needs(!stepsProblem, stepsProblem ?? '', 'survives a kill at every call of a first start', async () => {
  await killAtEveryStep('first start', 6000, undefined, async () => {});
});

test.needs(!stepsProblem, stepsProblem ?? '', 'survives a kill at every call of a start after a kill', async () => {
  const template = await makeTemplate();
  await killAtEveryStep('later start', 9000, template, changeThings);
});

/** `template`: what the data directory holds before each round. */
async function killAtEveryStep(
  title: string,
  limitMs: number,
  template: string | undefined,
  during: (service: Service) => Promise<void>,
): Promise<void> {
  const library = await buildKiller();
  const calls = new Map<string, number>();
  for (let at = 1; ; at++) {
    const dataDir = tempDir('step');
    if (template) cpSync(template, dataDir, { recursive: true, preserveTimestamps: true });
    const death = await dieAtStep(library, { dataDir, at, limitMs, during });
    const where = `${title}, call ${at}: ${death.call ?? 'not reached'}`;
    const result = await judgeRestart({ dataDir, args: ['--demo'] }, death.killedAtMs, [1]).catch(error => {
      throw new Error(`${where}: ${String(error)} (${dataDir})`);
    });
    process.stdout.write(`${where}: ${JSON.stringify(result)}\n`);
    check(result, recordedLong(death), `${where} (${dataDir})`);
    rmSync(dataDir, { recursive: true });
    if (death.call === undefined) break;
    const kind = death.call.split(' ')[0] ?? '';
    calls.set(kind, (calls.get(kind) ?? 0) + 1);
  }
  process.stdout.write(`${title}: ${JSON.stringify(Object.fromEntries(calls))}\n`);
  const kinds = [...calls.keys()].join(' ');
  for (const kind of ['open', 'mkdir', 'fallocate', 'pwritev', 'fdatasync', 'fsync', 'sync_file_range']) {
    assert.match(kinds, kind, `${title} never came to ${kind}`);
  }
}

function recordedLong({ killedAtMs, liveAtMs }: Death): boolean {
  return liveAtMs !== undefined && killedAtMs - liveAtMs >= FIRST_FRAGMENT_MS;
}

function check(result: KillRound, recorded: boolean, where: string): void {
  assert.equal(result.faults, [], where);
  if (recorded) assert.ok(result.lostMs <= LOST_MS, `${where}: ${result.lostMs} ms are lost`);
  assert.ok(
    result.recordingAgainMs <= RECORDING_AGAIN_MS,
    `${where}: recording again after ${result.recordingAgainMs} ms`,
  );
}

/** A data directory with short segments of two cameras, left by a kill, so that the next start has something to adopt. */
async function makeTemplate(): Promise<string> {
  const service = await Service.start({ args: ['--demo'] });
  for (const id of [1, 2]) await service.patch(`/api/cameras/${id}`, { record: { segmentMs: 5000 } });
  await service.until<SegmentList>('/api/segments?camera=1', list => list.segments.length >= 3, 20_000);
  service.kill('SIGKILL');
  await service.child.exited;
  return service.dataDir;
}

/** Owners change things while it records: a name, recording, a segment, a camera with its footage. */
async function changeThings(service: Service): Promise<void> {
  await service.patch<Camera>('/api/cameras/2', { name: 'Renamed' });
  const { segments } = await service.until<SegmentList>('/api/segments?camera=1', list =>
    list.segments.some(segment => !segment.open),
  );
  await service.delete(`/api/segments/${segments[0]?.id}`);
  await service.until<CameraList>('/api/cameras', list => list.cameras.every(one => one.state.name === 'live'));
  await new Promise(resolve => setTimeout(resolve, 1500));
  await service.patch('/api/cameras/1', { record: { mode: 'off' } });
  await service.patch('/api/cameras/1', { record: { mode: 'continuous' } });
  await service.delete('/api/cameras/2?footage=delete');
}

test.run();
