// Recorded pictures in Chromium: seeks that hit, borders without a step, gaps with their reason, single pictures, two cameras by one clock.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Segment, Timeline } from '../../src/api/contract.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { inPage, openPlayer, playerBundle } from '../support/web-player.ts';

const test = suite('web player: recorded in Chromium', { timeoutMs: 45_000 });
const problem = serviceProblem() ?? browserProblem();
/** Of the demo's clips. */
const PICTURE_MS = 1000 / 12;

let browser: Browser;
let service: Service;
let bundle = '';
let segments: Segment[] = [];
let gap = { startMs: 0, endMs: 0, reason: '' };

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  bundle = await playerBundle();
  service = await Service.start({ args: ['--demo'] });
  for (const id of [1, 2]) await service.patch(`/api/cameras/${id}`, { record: { segmentMs: 5000 } });
  await closed(2);
  await service.patch('/api/cameras/1', { record: { mode: 'off' } });
  await new Promise(resolve => setTimeout(resolve, 1500));
  await service.patch('/api/cameras/1', { record: { mode: 'continuous' } });
  await closed(4);
  const { cameras } = await service.get<Timeline>(
    `/api/timeline?camera=1&startMs=${Date.now() - 86_400_000}&endMs=${Date.now()}`,
  );
  const found = cameras[0]?.gaps[0];
  if (found?.endMs === undefined) throw new Error('there is no gap');
  gap = { ...found, endMs: found.endMs };
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

/** Waits for so many whole segments of the first camera. */
async function closed(count: number): Promise<void> {
  const answer = await service.until<{ segments: Segment[] }>(
    '/api/segments?camera=1&stream=main',
    ({ segments: all }) => all.filter(({ open }) => !open).length >= count,
    40_000,
  );
  segments = answer.segments.filter(({ open }) => !open);
}

/** Runs in the page, as text. */
const START = `
window.start = (startMs, { cameras = [1], board = web.httpBoard, ...options } = {}) => {
  const group = new web.PlaybackGroup(board, startMs, options);
  const players = cameras.map(camera => {
    const element = web.place(480, 270);
    const player = web.watchSeeks(new web.RecordedPlayer(board, element, camera, 'main'));
    player.video = element.video;
    group.add(player);
    return player;
  });
  return { group, players, player: players[0], video: players[0].video };
};
window.pause = ms => new Promise(resolve => setTimeout(resolve, ms));
/** When the picture was taken that is on the screen now. */
window.shownMs = player => player.wallMs();
`;

function recorded(
  title: string,
  expression: (times: { first: Segment; last: Segment }) => string,
  judge: (seen: never) => void,
) {
  test.needs(problem === undefined, problem ?? '', title, async () => {
    const page = await open();
    try {
      const [first, last] = [segments[0], segments.at(-1)];
      if (!first || !last) throw new Error('nothing was recorded');
      judge((await inPage(page, `(async () => { ${expression({ first, last })} })()`, 40_000)) as never);
    } finally {
      await page.context().close();
    }
  });
}

async function open(): Promise<Page> {
  const { page } = await openPlayer(browser, service, bundle);
  await page.evaluate(START);
  return page;
}

recorded(
  'check 19: a seek shows the picture of that moment and changes nothing about playing',
  ({ first, last }) => `
  const { group, player } = start(${first.startMs});
  await web.is(player, 'paused');
  const seen = [];
  let state = 7;
  const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  for (let round = 0; round < 24; round++) {
    const ms = ${first.startMs} + random() * ${last.endMs - first.startMs};
    if (ms >= ${gap.startMs} - 200 && ms < ${gap.endMs} + 200) continue;
    if (round === 12) group.play();
    group.seek(ms);
    await player.sought;
    seen.push({ offMs: player.wallMs() - ms, playing: group.isPlaying.peek(), is: player.state.peek().is });
  }
  group.pause();
  return seen;
  `,
  (seen: { offMs: number; playing: boolean; is: string }[]) => {
    assert.ok(seen.length > 15);
    for (const [index, { offMs, playing, is }] of seen.entries()) {
      assert.is(is, playing ? 'playing' : 'paused');
      // Playing goes on until it is looked at.
      assert.ok(offMs > -PICTURE_MS && offMs < (playing ? 1000 : PICTURE_MS), `${index}: ${offMs} ms`);
    }
    assert.equal([...new Set(seen.map(({ playing }) => playing))], [false, true]);
  },
);

recorded(
  'checks 21 and 29: steps over a border of segments are one picture each, there and back, and the clock is right',
  ({ first }) => `
  const { player, video } = start(${first.endMs} - 500);
  await web.is(player, 'paused');
  const times = [];
  const note = () => times.push([video.currentTime, player.wallMs()]);
  note();
  for (let count = 0; count < 14; count++) { if (!(await player.step(1))) times.push('end'); note(); }
  for (let count = 0; count < 14; count++) { if (!(await player.step(-1))) times.push('start'); note(); }
  return times;
  `,
  (times: [number, number][]) => {
    assert.is(times.length, 29);
    const steps = times.slice(1).map(([mediaS], index) => mediaS - (times[index]?.[0] ?? 0));
    for (const [index, step] of steps.entries()) {
      // The first may begin in the middle of a picture.
      const limits = index === 0 ? [0, PICTURE_MS + 1] : [PICTURE_MS - 1, PICTURE_MS + 1];
      const size = Math.abs(step) * 1000;
      assert.ok(size >= (limits[0] ?? 0) && size <= (limits[1] ?? 0), `step ${index}: ${size} ms`);
      assert.is(step > 0, index < 14);
    }
    for (const [index, [, wallMs]] of times.slice(1, 15).entries()) {
      const before = times[index]?.[1] ?? 0;
      assert.ok(wallMs - before < 2 * PICTURE_MS, `clock ${index}: ${wallMs - before} ms`);
    }
  },
);

recorded(
  'playing goes over a border without a stop, at four times the speed too',
  ({ first }) => `
  const { group, player, video } = start(${first.endMs} - 1500);
  await web.is(player, 'paused');
  group.setRate(4);
  let waits = 0;
  const media = [];
  const frame = (_, { mediaTime }) => { media.push(mediaTime); video.requestVideoFrameCallback(frame); };
  video.requestVideoFrameCallback(frame);
  player.state.subscribe(({ is }) => { if (is === 'waiting' || is === 'gap') waits++; });
  group.play();
  await web.until(() => group.nowMs.peek() > ${first.endMs} + 1500);
  group.pause();
  return { waits, back: media.filter((time, index) => time < media[index - 1]).length, wide: Math.max(...media.slice(1).map((time, index) => time - media[index])) };
  `,
  (seen: { waits: number; back: number; wide: number }) => {
    assert.equal([seen.waits, seen.back], [0, 0]);
  },
);

recorded(
  'check 23: a gap says why; playing shows that for a second and goes on behind it',
  () => `
  const { group, player } = start(${gap.startMs} + 500);
  await web.is(player, 'gap');
  const card = player.state.peek();
  const requests = performance.getEntriesByType('resource').length;
  for (let ms = ${gap.startMs} + 100; ms < ${gap.endMs} - 100; ms += 100) { group.seek(ms, 'scrub'); await pause(5); }
  const asked = performance.getEntriesByType('resource').length - requests;
  group.seek(${gap.startMs} + 500);
  const startMs = performance.now();
  group.play();
  await web.until(() => group.nowMs.peek() > ${gap.endMs} && player.state.peek().is === 'playing');
  const tookMs = performance.now() - startMs;
  group.pause();
  group.seek(${gap.startMs} - 700);
  await web.is(player, 'paused');
  group.play();
  await web.is(player, 'gap');
  return { card, asked, tookMs, playing: group.isPlaying.peek() };
  `,
  (seen: { card: object; asked: number; tookMs: number; playing: boolean }) => {
    const { startMs, endMs, reason } = gap;
    assert.equal(seen.card, { is: 'gap', startMs, untilMs: endMs, reason });
    assert.is(seen.asked, 0, 'nothing is asked for over a gap');
    assert.ok(seen.tookMs > 900, `${seen.tookMs}`);
    assert.ok(seen.playing);
  },
);

recorded(
  'check 22: the segment that is being written plays up to what is written',
  () => `
  const written = async () => {
    const { segments } = await (await fetch('/api/segments?camera=1&stream=main')).json();
    return Math.max(...segments.map(({ endMs }) => endMs));
  };
  const states = new Set();
  const { group, player } = start(await written() - 6000);
  await player.sought;
  player.state.subscribe(({ is }) => states.add(is));
  group.setRate(4);
  group.play();
  const ends = [];
  // Each time all that was written then is shown, in the next file too.
  for (let count = 0; count < 4; count++) {
    const endMs = await written();
    await web.until(() => player.wallMs() > endMs - 200, 20000);
    ends.push(endMs);
  }
  await web.until(() => player.state.peek().reason === 'end', 20000);
  return { ends, states: [...states], wallMs: player.wallMs(), writtenMs: await written() };
  `,
  (seen: { ends: number[]; states: string[]; wallMs: number; writtenMs: number }) => {
    assert.ok(new Set(seen.ends).size > 1, `${seen.ends}`);
    // What is written is told in whole milliseconds.
    assert.ok(seen.wallMs < seen.writtenMs + 1, `${seen.wallMs} > ${seen.writtenMs}`);
    assert.not(seen.states.includes('gap'), `${seen.states}`);
  },
);

recorded(
  'check 24: a drag shows key pictures one request at a time, and ends where it was let go',
  ({ first, last }) => `
  const { group, player } = start(${first.startMs});
  await web.is(player, 'paused');
  let busy = 0;
  const startMs = performance.now();
  for (let ms = ${first.startMs}; ms < ${last.endMs}; ms += 150) {
    group.seek(ms, 'scrub');
    busy = Math.max(busy, player.figures.busy);
    await pause(10);
  }
  const pictures = player.figures.keyPictures;
  const during = player.state.peek().is;
  group.seek(${first.startMs} + 3300);
  await web.until(() => player.state.peek().is === 'paused');
  return { busy, pictures, during, offMs: player.wallMs() - ${first.startMs} - 3300, playing: group.isPlaying.peek() };
  `,
  (seen: { busy: number; pictures: number; during: string; offMs: number; playing: boolean }) => {
    assert.ok(seen.busy <= 1, `${seen.busy} requests at once`);
    assert.ok(seen.pictures >= 4, `${seen.pictures} pictures`);
    assert.is(seen.during, 'scrubbing');
    assert.ok(Math.abs(seen.offMs) < PICTURE_MS, `${seen.offMs}`);
    assert.not(seen.playing);
  },
);

recorded(
  'check 30: two cameras keep together, and the one in a gap comes back',
  () => `
  const { group, players } = start(${gap.startMs} - 1200, { cameras: [2, 1] });
  await web.until(() => players.every(player => player.state.peek().is === 'paused'));
  group.play();
  await web.until(() => players[1].state.peek().is === 'gap');
  const during = [players[0].state.peek().is, group.gap.peek()];
  await web.until(() => group.nowMs.peek() > ${gap.endMs} + 2000 && players.every(player => player.moves), 20000);
  await web.until(() => Math.abs(players[0].wallMs() - players[1].wallMs()) < 100);
  const apartMs = Math.abs(players[0].wallMs() - players[1].wallMs());
  group.pause();
  return { during, apartMs };
  `,
  (seen: { during: unknown[]; apartMs: number }) => {
    assert.equal(seen.during[0], 'playing');
    assert.is(seen.during[1] ?? undefined, undefined, 'the group is in no gap');
    assert.ok(seen.apartMs < 100);
  },
);

recorded(
  'where only HLS plays, seeks hit, the clock is right and gaps are told of',
  ({ first }) => `
  const element = web.place(480, 270);
  if (!web.playsHls(element.video)) return undefined;
  const group = new web.PlaybackGroup(web.httpBoard, ${first.startMs} + 1200);
  const player = new web.RecordedHls(web.httpBoard, element.video, 1, 'main');
  group.add(player);
  await web.is(player, 'paused');
  const offMs = player.wallMs() - ${first.startMs} - 1200;
  group.play();
  await web.until(() => group.nowMs.peek() > ${first.startMs} + 2200);
  group.pause();
  group.seek(${gap.startMs} + 500);
  await web.is(player, 'gap');
  const card = player.state.peek();
  group.play();
  await web.until(() => group.nowMs.peek() > ${gap.endMs} && player.moves);
  player.close();
  return { offMs, width: element.video.videoWidth, card, untilMs: ${gap.endMs} };
  `,
  (seen: { offMs: number; card: { untilMs: number }; untilMs: number } | undefined) => {
    if (!seen) return;
    assert.ok(Math.abs(seen.offMs) < 5, `${seen.offMs}`);
    assert.is(seen.card.untilMs, seen.untilMs);
  },
);

recorded(
  'check 15: footage that the browser cannot show is called so, and is to be downloaded',
  ({ first }) => `
  const board = {
    ...web.httpBoard,
    async get(path, options) {
      const got = await web.httpBoard.get(path, options);
      if (!path.startsWith('/api/playback?') || got.is !== 'ok') return got;
      const text = new TextDecoder().decode(got.bytes).replace(/avc1\\.\\w+/g, 'hvc1.1.6.L93.B9');
      return { ...got, bytes: new TextEncoder().encode(text) };
    },
  };
  const { group, player } = start(${first.startMs} + 500, { board });
  await web.is(player, 'unsupported');
  group.play();
  await pause(300);
  return player.state.peek();
  `,
  (seen: object) => assert.equal(seen, { is: 'unsupported', codec: 'hvc1.1.6.L93.B9', offer: 'download' }),
);

recorded(
  'damaged footage is told of after one more try, never shown as nothing',
  ({ first }) => `
  const board = {
    ...web.httpBoard,
    async get(path, options) {
      const got = await web.httpBoard.get(path, options);
      if (path.includes('/video?') && !path.includes('offset=0&') && got.is === 'ok') got.bytes.fill(0xff, Math.floor(got.bytes.length / 2));
      return got;
    },
  };
  const { player } = start(${first.startMs} + 500, { board });
  await web.until(() => player.state.peek().is === 'failed', 15000);
  return player.state.peek();
  `,
  (seen: { is: string; reason: string }) => assert.ok(['decoder', 'gone'].includes(seen.reason), seen.reason),
);

test.run();
