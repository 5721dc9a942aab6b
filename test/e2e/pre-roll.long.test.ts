// A hundred triggers at random moments on eight kinds of cameras at once: each event's footage judged by what its camera sent.
import * as assert from 'uvu/assert';
import type { Camera, SegmentList } from '../../src/api/contract.ts';
import { CameraChild } from '../support/camera-child.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, type ClipSpec, clipFile } from '../support/clips.ts';
import { footageFaults } from '../support/footage.ts';
import { type EventAnswer, eventFaults } from '../support/pre-roll.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const TRIGGERS = 104;
const POST_ROLL_MS = 2000;
const SLOW: ClipSpec = { ...CLIPS.small, fps: 15, seconds: 16, gop: 60 };

/** Each with the pre-roll that is asked of it. */
const KINDS: [clip: ClipSpec, preRollMs: number][] = [
  [CLIPS.small, 5000],
  [CLIPS.smallBFrames, 5000],
  [CLIPS.smallHevc, 7500],
  [CLIPS.smallHevcBFrames, 10_000],
  [{ ...CLIPS.smallSilent, fps: 30, gop: 120 }, 5000],
  [SLOW, 12_000],
  [{ ...SLOW, seconds: 32, gop: 160 }, 20_000],
  [CLIPS.smallLongGop, 30_000],
];

const test = suite('pre-roll, long', { timeoutMs: 1_500_000 });
test.after(stopChildren);

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

test(`${TRIGGERS} triggers at random moments: what was promised is delivered, each time`, async () => {
  const seed = Date.now() % 2_147_483_647;
  let state = seed;
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const service = await Service.start({ dataDir: tempDir('pre-roll') });
  const cameras: { id: number; camera: CameraChild; preRollMs: number; gopMs: number }[] = [];
  for (const [clip, preRollMs] of KINDS) {
    const camera = await CameraChild.start({ clips: [await clipFile(clip)] });
    const events = { preRollMs, postRollMs: POST_ROLL_MS, mergeMs: 0 };
    const body = { name: `${preRollMs}`, main: { url: camera.url }, record: { mode: 'events' }, events };
    const { id } = await service.post<Camera>('/api/cameras', body);
    cameras.push({ id, camera, preRollMs, gopMs: (clip.gop / clip.fps) * 1000 });
  }
  const faults: string[] = [];
  let left = TRIGGERS;
  const play = async ({ id, camera, preRollMs, gopMs }: (typeof cameras)[number]) => {
    while (left-- > 0) {
      // The ring has filled up, and nothing of the event before is left in it.
      await pause(preRollMs + 2000 + gopMs + 1000 + random(3000));
      const triggerMs = Date.now() - random(1500);
      const body = { action: 'pulse', label: 'person', timeMs: triggerMs };
      const { event } = await service.post<{ event: string }>(`/api/cameras/${id}/trigger`, body);
      await service.until<EventAnswer>(`/api/events/${event}`, one => one.endMs !== undefined, 30_000);
      await service.until<SegmentList>(
        `/api/segments?camera=${id}&limit=500`,
        list => list.segments.length > 0 && list.segments.every(one => !one.open),
        40_000,
      );
      const seen = await service.get<EventAnswer>(`/api/events/${event}`);
      const found = await eventFaults(service, camera, seen, { triggerMs, preRollMs, postRollMs: POST_ROLL_MS });
      faults.push(...found.map(fault => `camera ${id} (${preRollMs} ms), ${event}: ${fault}`));
    }
  };
  await Promise.all(cameras.map(play));
  assert.equal(faults, [], `seed ${seed}`);
  assert.equal(await footageFaults(service), []);
  await service.stop();
});

test.run();
