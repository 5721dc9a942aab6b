// The board's clock is set while the service records: by libfaketime, which leaves the monotonic clock alone.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Segment, Status } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { probe } from '../support/ffprobe.ts';
import { clockGenOf, footageFaults, listSegments, timelineOf } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import { chanceOf, type FaultPlan, type FaultResult, type FaultTest, pause } from './fault.ts';

const HOUR_S = 3600;
const DAY_MS = 86_400_000;
/** Smaller steps are slewed. */
const STEP_MS = 2000;
const SEEN_MS = 5000;

interface Walk {
  title: string;
  /** How far the clock is off true time, in seconds: at the start, and after each step. */
  offsetsS: number[];
}

export const clockSteps: FaultTest = {
  name: 'clock',
  title: 'steps of the clock: +1 h, -1 h, 1970 to now, and random ones',
  rounds: 20,
  fewRounds: 1,
  problem: () => (library() ? undefined : 'libfaketime is not installed (faketime)'),
  run,
};

function library(): string | undefined {
  const places = existsSync('/usr/lib') ? readdirSync('/usr/lib').map(name => join('/usr/lib', name)) : [];
  return places.map(place => join(place, 'faketime', 'libfaketimeMT.so.1')).find(path => existsSync(path));
}

/** One round is one random walk of steps; the three named ones come before. */
async function run({ rounds, seed, say }: FaultPlan): Promise<FaultResult> {
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  const chance = chanceOf(seed);
  const walks: Walk[] = [
    { title: '+1 h', offsetsS: [0, HOUR_S] },
    { title: '-1 h', offsetsS: [0, -HOUR_S] },
    { title: '1970 to now', offsetsS: [-Math.floor(Date.now() / 1000), 0] },
  ];
  for (let round = 1; round <= rounds; round++) {
    const far = () => (chance(2) === 0 ? 1 : -1) * (chance(2) === 0 ? 3 + chance(60) : chance(40 * 86_400));
    walks.push({ title: `random ${round}`, offsetsS: [0, far(), far(), 0] });
  }
  const faults: string[] = [];
  let steps = 0;
  for (const walk of walks) {
    const found = await walkOn(walk, camera.url);
    camera.sent.length = 0;
    steps += walk.offsetsS.length - 1;
    say(`${walk.title} (${walk.offsetsS.join(', ')} s): ${found.length === 0 ? 'good' : found.join('; ')}`);
    faults.push(...found.map(words => `${walk.title} (${walk.offsetsS.join(', ')} s): ${words}`));
  }
  await camera.stop();
  return { faults, figures: { walks: walks.length, steps } };
}

/** A clock for the service, set by a file. */
class FakeClock {
  readonly env: Record<string, string>;
  readonly #file = join(tempDir('clock'), 'time');

  constructor(offsetS: number) {
    this.set(offsetS);
    this.env = {
      ...{ LD_PRELOAD: library() ?? '', FAKETIME_TIMESTAMP_FILE: this.#file, FAKETIME_NO_CACHE: '1' },
      ...{ FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1', FAKETIME_NO_FAKE_STAT: '1' },
    };
  }

  set(offsetS: number): void {
    writeFileSync(this.#file, `${offsetS < 0 ? '' : '+'}${offsetS}\n`);
  }
}

async function walkOn({ offsetsS }: Walk, url: string): Promise<string[]> {
  const faults: string[] = [];
  const [first = 0, ...others] = offsetsS;
  const clock = new FakeClock(first);
  const service = await Service.start({ env: clock.env }, 30_000);
  const retention = { days: 1, quotaBytes: null };
  const body = { name: 'Yard', main: { url }, record: { segmentMs: 5000 }, retention };
  const { id } = await service.post<{ id: number }>('/api/cameras', body);
  const status = () => service.get<Status>('/api/status');
  if (Math.abs((await status()).timeMs - (Date.now() + first * 1000)) > 2000) faults.push('the clock is not faked');
  await pause(7000);
  let before = first;
  for (const offsetS of others) {
    const { generation } = (await status()).clock;
    clock.set(offsetS);
    const wanted = Math.abs(offsetS - before) * 1000 > STEP_MS ? generation + 1 : generation;
    before = offsetS;
    await service
      .until<Status>('/api/status', ({ clock: { generation: now } }) => now === wanted, SEEN_MS)
      .catch(() => faults.push(`a step to ${offsetS} s is not seen within ${SEEN_MS} ms`));
    await pause(7000);
  }
  const { clock: now } = await status();
  if (now.trusted) faults.push('the clock is trusted right after it was set');
  faults.push(...(await judge(service, id, offsetsS)));
  const { code } = await service.stop();
  if (code !== 0) faults.push(`the stop ended with ${code}`);
  return faults;
}

async function judge(service: Service, camera: number, offsetsS: number[]): Promise<string[]> {
  const segments = await listSegments(service, camera);
  const faults = await footageFaults(service, () => false);
  const generations = [...new Set(segments.map(clockGenOf))].sort((a, b) => a - b);
  if (generations.length !== offsetsS.length) faults.push(`${generations.length} generations: ${generations}`);
  for (const [place, generation] of generations.entries()) {
    const own = segments.filter(segment => clockGenOf(segment) === generation);
    const last = own.reduce((a, b) => (b.startMs > a.startMs ? b : a));
    const isNewest = place === generations.length - 1;
    if (!isNewest && last.endReason !== 'clock-step')
      faults.push(`generation ${generation} ends with "${last.endReason}"`);
    faults.push(...misplaced(own, offsetsS[place] ?? 0));
  }
  if (service.log.some(line => line.msg === 'footage deleted')) faults.push('footage is deleted by its age');
  const { footage, gaps } = await timelineOf(service, camera, true);
  const until = Math.max(...segments.map(segment => segment.endMs));
  if (!footage.some(([startMs, endMs]) => startMs < until && endMs >= until - 2000)) faults.push('no newest footage');
  for (const gap of gaps) if (gap.reason !== 'clock') faults.push(`a gap "${gap.reason}" (${JSON.stringify(gap)})`);
  for (const [startMs, endMs] of bordersOf(segments)) {
    const words = await exportFault(service, camera, startMs, endMs);
    if (words !== undefined) faults.push(`export ${startMs} to ${endMs}: ${words}`);
  }
  return faults;
}

/** Footage lies where the clock of its generation said that it was recorded, within this walk. */
function misplaced(segments: Segment[], offsetS: number): string[] {
  return segments
    .filter(({ startMs, endMs }) => {
      const trueStartMs = startMs - offsetS * 1000;
      return trueStartMs < Date.now() - 180_000 || endMs - offsetS * 1000 > Date.now() + STEP_MS;
    })
    .map(({ id }) => `${id} lies elsewhere than the clock of its time said`);
}

/** Ranges of at most a day around the end of each generation that hold footage. */
function bordersOf(segments: Segment[]): [number, number][] {
  const ends = segments.filter(segment => segment.endReason === 'clock-step').map(segment => segment.endMs);
  return ends.map(endMs => [Math.max(0, endMs - 5000), endMs + Math.min(2 * HOUR_S * 1000, DAY_MS)]);
}

async function exportFault(
  service: Service,
  camera: number,
  startMs: number,
  endMs: number,
): Promise<string | undefined> {
  const path = `/api/export.mp4?camera=${camera}&startMs=${startMs}&endMs=${endMs}`;
  const { status, data } = await service.exchange('GET', path);
  if (status !== 200) return `${status} ${data.toString('utf8').slice(0, 300)}`;
  const file = join(tempDir('export'), 'export.mp4');
  writeFileSync(file, data);
  const { video, durationS } = await probe(file);
  return video.length < 10 || durationS < 1 ? `${video.length} pictures, ${durationS} s` : undefined;
}
