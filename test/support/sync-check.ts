// Records a camera over several segments and judges borders and the distance of picture and sound.
import * as assert from 'uvu/assert';
import { differenceFromRun } from './access-units.ts';
import { Camera, type CameraOptions } from './camera.ts';
import { decodeWhole } from './ffprobe.ts';
import { listSegments, segmentPath } from './footage.ts';
import { hashes, probeSegments, worstOffsetMs } from './recorded.ts';
import { Service } from './service.ts';

/** Fails unless every unit is recorded once and sound and picture are within 1 ms of what was sent, in at least 3 files. */
export async function checkSync(options: CameraOptions, segmentMs: number, recordMs: number): Promise<void> {
  const camera = await Camera.start(options);
  const service = await Service.start();
  try {
    const made = await service.post<{ id: number }>('/api/cameras', {
      name: 'Sync',
      main: { url: camera.url },
      record: { segmentMs },
    });
    await new Promise(resolve => setTimeout(resolve, recordMs));
    await service.patch(`/api/cameras/${made.id}`, { record: { mode: 'off' } });
    const segments = await listSegments(service, made.id);
    assert.ok(segments.length >= 3, `${segments.length} segments`);
    const files = await probeSegments(service.dataDir, segments);
    for (const [index, segment] of segments.entries()) {
      if (index > 0) assert.is(segment.startMs, segments[index - 1]?.endMs, 'segments touch');
    }
    const video = camera.sentUnits('video', 1);
    const audio = camera.sentUnits('audio', 1);
    assert.is(differenceFromRun(hashes(files, 'video'), sha256s(video)), undefined, 'pictures');
    assert.is(differenceFromRun(hashes(files, 'audio'), sha256s(audio)), undefined, 'sound');
    const offsetMs = worstOffsetMs(files, video, audio);
    assert.ok(offsetMs <= 1, `sound and picture are ${offsetMs} ms apart from what was sent`);
    for (const file of files) {
      for (const packets of [file.video, file.audio]) assertRising(packets.map(packet => packet.dtsTicks));
    }
    // Files of an open GOP would fail here: each begins with a keyframe that needs nothing before it.
    const last = files.at(-1);
    if (last) await decodeWhole(`${service.dataDir}/segments/${segmentPath(last.segment)}`);
  } finally {
    await service.stop();
    await camera.stop();
  }
}

function sha256s(units: { sha256: string }[]): string[] {
  return units.map(unit => unit.sha256);
}

function assertRising(times: number[]): void {
  const at = times.findIndex((time, index) => index > 0 && time <= (times[index - 1] ?? 0));
  assert.is(at, -1, `decode time ${at} does not rise`);
}
