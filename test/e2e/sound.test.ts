// Sound that browsers do not play, or that is not AAC: what cameras of another make send, and where it lies in the files.
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera, Segment } from '../../src/api/contract.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { decodeSound, decodeWhole, type ProbedFile, probe } from '../support/ffprobe.ts';
import { listSegments, segmentPath } from '../support/footage.ts';
import { GstCameras, gstProblem } from '../support/gst-camera.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const SEGMENT_MS = 5000;
/** Half of a beep: its energy has its centre there. */
const HALF_BEEP_MS = 5;

const test = suite('sound other than AAC', { timeoutMs: 60_000 });
const problem = gstProblem();
test.after(stopChildren);

/** Milliseconds by which the beeps of a file lie behind the keyframes, which are as far apart. */
async function beepOffsetsMs(path: string, file: ProbedFile): Promise<number[]> {
  const [stream] = file.streams.filter(one => one.kind === 'audio');
  const rate = stream?.sampleRate ?? 0;
  const samples = await decodeSound(path);
  // Counted from the end: the first packet of a stream may overlap with the second.
  const frame = stream?.codec === 'opus' ? 960 : 1024;
  const originS = (file.audio.at(-1)?.ptsS ?? 0) + (frame - samples.length) / rate;
  const offsets: number[] = [];
  for (const { ptsS } of file.video.filter(packet => packet.key)) {
    const from = Math.round((ptsS - 0.1 - originS) * rate);
    const to = Math.round((ptsS + 0.1 - originS) * rate);
    if (from < 0 || to > samples.length) continue;
    let energy = 0;
    let moment = 0;
    for (let i = from; i < to; i++) {
      const power = (samples[i] ?? 0) ** 2;
      energy += power;
      moment += power * i;
    }
    assert.ok(energy > 1, `no beep at ${ptsS} s`);
    offsets.push((moment / energy / rate + originS - ptsS) * 1000 - HALF_BEEP_MS);
  }
  return offsets;
}

async function check(service: Service, segment: Segment, codec: 'aac' | 'opus', rate: number): Promise<number> {
  const path = `${service.dataDir}/segments/${segmentPath(segment)}`;
  const file = await probe(path);
  assert.equal(
    file.streams.map(one => [one.kind, one.codec, one.kind === 'audio' ? one.sampleRate : 0]),
    [
      ['video', 'h264', 0],
      ['audio', codec, rate],
    ],
  );
  assert.match(segment.codecs, codec === 'aac' ? /,mp4a\.40\.2$/ : /,opus$/);
  await decodeWhole(path);
  const offsets = await beepOffsetsMs(path, file);
  for (const offset of offsets) assert.ok(Math.abs(offset) <= 1, `the beep is ${offset} ms late`);
  return offsets.length;
}

test.needs(
  problem === undefined,
  problem ?? '',
  'G.711 and L16 become AAC, Opus is copied; each at its place',
  async () => {
    const clip = await clipFile(CLIPS.small);
    const kinds = ['pcma', 'l16', 'opus'] as const;
    const cameras = await GstCameras.start({
      mounts: Object.fromEntries(kinds.map(ticks => [ticks, { clip, ticks }])),
    });
    const service = await Service.start();
    const ids = await Promise.all(
      kinds.map(async name => {
        const main = { url: cameras.url(name) };
        return (await service.post<{ id: number }>('/api/cameras', { name, main, record: { segmentMs: SEGMENT_MS } }))
          .id;
      }),
    );
    const facts: unknown[] = [];
    for (const id of ids) {
      const live = await service.until<ApiCamera>(`/api/cameras/${id}`, one => one.state.main?.audio !== undefined);
      facts.push([live.state.main?.audio, live.state.main?.audioSource, live.state.main?.audioLeftOut]);
    }
    assert.equal(facts, [
      ['aac', 'PCMA', undefined],
      ['aac', 'L16', undefined],
      ['opus', undefined, undefined],
    ]);
    await new Promise(resolve => setTimeout(resolve, 2.4 * SEGMENT_MS));
    for (const id of ids) await service.patch(`/api/cameras/${id}`, { record: { mode: 'off' } });
    for (const [index, id] of ids.entries()) {
      const segments = await listSegments(service, id);
      assert.ok(segments.length >= 2, `${segments.length} segments`);
      let beeps = 0;
      const rate = { pcma: 8000, l16: 16_000, opus: 48_000 }[kinds[index] ?? 'pcma'];
      for (const segment of segments) {
        beeps += await check(service, segment, kinds[index] === 'opus' ? 'opus' : 'aac', rate);
      }
      assert.ok(beeps >= 8, `${beeps} beeps`);
    }
    assert.is((await service.stop()).code, 0);
    await cameras.stop();
  },
);

test.run();
