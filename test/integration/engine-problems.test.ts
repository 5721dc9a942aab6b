// The real engine tells what is wrong with cameras that it records all the same.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Engine, type EngineEvent, type StreamProblem } from '../../src/native/index.ts';
import { Camera, type CameraOptions } from '../support/camera.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('engine: problems');

type Problems = Extract<EngineEvent, { type: 'problems' }>;

/** Records the camera until the list of problems is another than the usual one; then stops, and gives it with the files' end reasons. */
async function firstProblems(options: CameraOptions, ringMaxBytes: number) {
  const camera = await Camera.start(options);
  const segmentsFolder = join(tempDir(), 'segments');
  mkdirSync(segmentsFolder);
  const errors: unknown[] = [];
  const engine = new Engine(
    { segmentsFolder, storeUuid: '00'.repeat(16), clockGeneration: 1, userAgent: 'test', allowLoopback: true },
    error => errors.push(error),
  );
  const heard: EngineEvent[] = [];
  const told = new Promise<Problems>(resolve => {
    engine.on(event => {
      heard.push(event);
      if (event.type === 'problems') resolve(event);
    });
  });
  engine.start();
  engine.setStream({
    ...{ camera: 1, stream: 'main', urls: [camera.url], username: '', password: '', audio: true },
    ...{
      allowLoopback: true,
      record: true,
      events: false,
      preRollMs: 0,
      segmentMs: 60_000,
      rotationOffsetMs: 0,
      ringMaxBytes,
    },
  });
  const { camera: id, stream, problems } = await told;
  const { ringBytes = 0 } = engine.stats().streams[0] ?? {};
  await engine.removeStream(1, 'main');
  assert.ok(await engine.stop(5000));
  await camera.stop();
  assert.equal(errors, []);
  const files = heard.filter(event => event.type === 'segment-closed');
  return { told: { id, stream, problems }, files, ringBytes };
}

const of = (...problems: StreamProblem[]) => ({ id: 1, stream: 'main', problems });

test('a GOP that is larger than the ring is a long GOP, and is recorded', async () => {
  const clip = { fps: 25, seconds: 8, gop: 200, unitBytes: 20_000, audio: false };
  const { told, files, ringBytes } = await firstProblems({ clips: [clip] }, 65_536);
  assert.equal(told, of('long-gop'));
  assert.is(files.length, 1);
  // The key picture, the newest picture and the fragment that grows.
  assert.ok(ringBytes < 1_500_000, `${ringBytes} bytes`);
});

test('parameters that change all the time are told at the second change, and make one new file', async () => {
  const clip = { fps: 25, seconds: 0.4, gop: 10, unitBytes: 2000, audio: false };
  const rounds = Array.from({ length: 100 }, (_, i) => i % 2);
  const { told, files } = await firstProblems({ clips: [clip, { ...clip, width: 336 }], rounds }, 8 << 20);
  assert.equal(told, of('flapping-parameters'));
  assert.equal(
    files.map(file => file.type === 'segment-closed' && file.endReason),
    ['parameters', 'removed'],
  );
});

test.run();
