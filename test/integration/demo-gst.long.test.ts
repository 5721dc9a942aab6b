// GStreamer's RTSP server as the tests use it: its loops have no hole, and each client begins at the beginning.
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { clipSha256s, differenceFromLoop } from '../support/access-units.ts';
import { run, stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { decodeWhole, type ProbedPacket, probe } from '../support/ffprobe.ts';
import { GstCameras, gstProblem } from '../support/gst-camera.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('GStreamer cameras', { timeoutMs: 60_000 });
const problem = gstProblem();
/** Rounds of 2 s: 64 kHz is the lowest rate at which they hold whole AAC frames. */
const SHORT = { seconds: 2, audioHz: 64_000 };

test.after(stopChildren);

test.needs(problem === undefined, problem ?? '', 'loop without a hole, for each client anew', async () => {
  const clips = {
    plain: await clipFile({ ...CLIPS.small, ...SHORT }),
    reordered: await clipFile({ ...CLIPS.smallBFrames, ...SHORT }),
    hevc: await clipFile({ ...CLIPS.smallHevcBFrames, ...SHORT }),
  };
  const mounts = Object.fromEntries(Object.entries(clips).map(([name, clip]) => [name, { clip }]));
  const cameras = await GstCameras.start({ mounts });
  for (let client = 1; client <= 2; client++) {
    await Promise.all(
      Object.entries(clips).map(([name, clip]) => checkLoop(cameras.url(name), clip, `${name} ${client}`)),
    );
  }
  await cameras.stop();
});

async function checkLoop(url: string, clip: string, name: string): Promise<void> {
  const path = join(tempDir('gst'), 'recorded.mp4');
  const input = ['-rtsp_transport', 'tcp', '-i', url];
  await run('ffmpeg', ['-v', 'fatal', '-nostdin', ...input, '-t', '5', '-c', 'copy', path]);
  const recorded = await probe(path);
  for (const kind of ['video', 'audio'] as const) {
    const packets = recorded[kind];
    assert.is(
      differenceFromLoop(
        packets.map(one => one.sha256),
        await clipSha256s(clip, kind),
      ),
      undefined,
      `${name} ${kind}`,
    );
    const expectedMs = kind === 'video' ? 40 : 16;
    assert.ok(packets.length * expectedMs > 4700, `${name}: ${packets.length} ${kind} packets`);
    assert.equal(steps(packets), [expectedMs], `${name} ${kind}`);
  }
  await decodeWhole(path);
}

/** Distances of neighbours in ms by dts, without the first ones, where ffmpeg guesses. */
function steps(packets: ProbedPacket[]): number[] {
  const known = packets.slice(4);
  return [...new Set(known.slice(1).map((one, i) => Math.round((one.dtsS - (known[i]?.dtsS ?? 0)) * 1000)))];
}

test.run();
