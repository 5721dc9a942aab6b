// Live pictures in Chromium: they move, stay close to now, survive what networks and cameras do, and fall back in words.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { Browser, browserProblem } from '../support/browser.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { inPage, openPlayer, playerBundle } from '../support/web-player.ts';

const test = suite('web player: live in Chromium', { timeoutMs: 30_000 });
const problem = serviceProblem() ?? browserProblem();

let browser: Browser;
let service: Service;
let bundle = '';
test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  bundle = await playerBundle();
  service = await Service.start({ args: ['--demo'] });
  await service.until<{ state: { name: string } }>('/api/cameras/1', ({ state }) => state.name === 'live');
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

/** Runs in the page, as text. `between` may change what comes over the socket. */
const START = `
window.start = (change = {}, between = (data, pass) => pass(data)) => {
  const sockets = [];
  const board = {
    ...web.httpBoard,
    socket(path) {
      const real = web.httpBoard.socket(path);
      const fake = { path, binaryType: '', onmessage: null, onclose: null, open: true, close() { fake.open = false; real.close(); } };
      sockets.push(fake);
      real.binaryType = 'arraybuffer';
      real.onmessage = ({ data }) => between(data, passed => fake.open && fake.onmessage?.({ data: passed }), fake);
      real.onclose = event => { fake.open = false; fake.onclose?.(event); };
      return fake;
    },
  };
  const element = web.place(640, 360);
  const player = new web.LivePlayer(board, element);
  const wish = { camera: 1, stream: 'main', mode: 'live', stillMs: 1000, state: undefined, hasSub: true, sound: false, ...change };
  player.wish(wish);
  return { player, element, video: element.video, sockets, wish };
};
window.picture = video => {
  const canvas = new OffscreenCanvas(64, 36);
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 64, 36);
  return context.getImageData(0, 0, 64, 36).data.join();
};
window.pause = ms => new Promise(resolve => setTimeout(resolve, ms));
// A fragment of pictures: behind the texts and the init segment.
window.isMedia = data => typeof data !== 'string' && new TextDecoder().decode(new Uint8Array(data, 4, 4)) === 'moof';
`;

async function open(): Promise<Page> {
  const { page } = await openPlayer(browser, service, bundle);
  await page.evaluate(START);
  return page;
}

/** In a page of its own, which is gone afterwards. */
function live(title: string, expression: string, judge: (seen: never) => void): void {
  test.needs(problem === undefined, problem ?? '', title, async () => {
    const page = await open();
    try {
      judge((await inPage(page, `(async () => { ${expression} })()`, 28_000)) as never);
    } finally {
      await page.context().close();
    }
  });
}

live(
  'a picture comes, moves, and is not long ago',
  `
  const { player, video } = start();
  await web.is(player, 'playing');
  const first = picture(video);
  await web.until(() => picture(video) !== first);
  await web.until(() => player.info.peek().delayMs < 1200);
  const lateMs = Date.now() - player.wallMs();
  player.close();
  return { lateMs, width: video.videoWidth, src: video.src, info: player.info.peek(), canvas: document.querySelector('canvas').width };
  `,
  (seen: { lateMs: number; src: string; canvas: number; info: { way: string; stream: string; width: number } }) => {
    assert.ok(seen.lateMs > 0 && seen.lateMs < 3000, `${seen.lateMs}`);
    assert.equal([seen.info.way, seen.info.stream, seen.info.width], ['mse', 'main', 1280]);
    // Decoders are let go.
    assert.equal([seen.src, seen.canvas], ['', 0]);
  },
);

live(
  'check 11: between the small and the large stream there is never nothing to see',
  `
  const { player, video, wish, sockets } = start({ stream: 'sub' });
  const canvas = document.querySelector('canvas');
  await web.until(() => player.info.peek()?.stream === 'sub' && player.info.peek().width === 320 && video.dataset.shown === '');
  let black = 0;
  let looks = 0;
  const timer = setInterval(() => {
    looks++;
    if (video.dataset.shown === undefined && canvas.dataset.drawn === undefined) black++;
  }, 5);
  player.wish({ ...wish, stream: 'main' });
  await web.until(() => video.videoWidth === 1280 && video.dataset.shown === '');
  clearInterval(timer);
  return { black, looks, open: sockets.filter(socket => socket.open).length };
  `,
  (seen: { black: number; looks: number; open: number }) => {
    assert.ok(seen.looks > 0);
    assert.equal([seen.black, seen.open], [0, 1]);
  },
);

/** Shorter and longer than what is taken for a broken connection. */
for (const stallMs of [2800, 5000])
  live(
    `check 17: after ${stallMs} ms without network the picture is fresh again, and was never gone`,
    `
    let held;
    const { player, video } = start({}, (data, pass) => (held ? held.push(() => pass(data)) : pass(data)));
    const canvas = document.querySelector('canvas');
    const states = new Set();
    let black = 0;
    await web.is(player, 'playing');
    player.state.subscribe(({ is }) => states.add(is));
    held = [];
    const timer = setInterval(() => {
      if (video.dataset.shown === undefined && canvas.dataset.drawn === undefined) black++;
    }, 20);
    await pause(${stallMs});
    const all = held;
    held = undefined;
    // Of a socket that was given up meanwhile nothing is taken any more.
    for (const one of all) one();
    await web.until(() => video.dataset.shown === '' && player.info.peek().delayMs < 1200 && Date.now() - player.wallMs() < 1500, 15000);
    clearInterval(timer);
    return { states: [...states], black, is: player.state.peek().is };
    `,
    (seen: { states: string[]; black: number; is: string }) => {
      assert.ok(seen.states.includes('waiting'), `${seen.states}`);
      assert.equal([seen.black, seen.is], [0, 'playing']);
    },
  );

live(
  'a connection that ends is made again, and the last picture stays meanwhile',
  `
  const { player, sockets, video } = start();
  const canvas = document.querySelector('canvas');
  await web.is(player, 'playing');
  sockets[0].onclose({ code: 1006, reason: '' });
  const waiting = { ...player.state.peek(), drawn: canvas.dataset.drawn === '' };
  await web.is(player, 'playing');
  sockets[1].onclose({ code: 4000, reason: 'the camera was removed' });
  const gone = player.state.peek();
  await pause(1500);
  return { waiting, gone, sockets: sockets.length };
  `,
  (seen: { waiting: { is: string; reason: string; drawn: boolean }; gone: object; sockets: number }) => {
    assert.equal([seen.waiting.is, seen.waiting.reason, seen.waiting.drawn], ['waiting', 'board', true]);
    assert.equal(seen.gone, { is: 'failed', reason: 'gone', message: 'the camera was removed' });
    assert.is(seen.sockets, 2, 'a camera that is gone is not asked for again');
  },
);

live(
  'check 16: damaged pictures: a new decoder once, then the small stream, then stills',
  `
  const damaged = (data, pass) => {
    if (isMedia(data)) new Uint8Array(data).fill(0xff, Math.floor(data.byteLength / 2));
    pass(data);
  };
  const { player, sockets } = start({}, damaged);
  await web.until(() => player.info.peek()?.way === 'still', 20000);
  await web.is(player, 'playing');
  return { paths: sockets.map(({ path }) => new URLSearchParams(path.split('?')[1]).get('stream')), info: player.info.peek() };
  `,
  (seen: { paths: string[]; info: { why: string } }) => {
    assert.is(seen.paths.slice(0, 2).join(), 'main,main');
    assert.is(seen.paths.at(-1), 'sub');
    assert.is(seen.info.why, 'decoder');
  },
);

live(
  'check 15: a codec that the browser cannot show: the small stream instead; when that fails too, stills',
  `
  const foreign = streams => (data, pass, { path }) => {
    const stream = new URLSearchParams(path.split('?')[1]).get('stream');
    pass(typeof data === 'string' && streams.includes(stream) ? data.replace(/avc1\\.\\w+/, 'hvc1.1.6.L93.B9') : data);
  };
  const one = start({}, foreign(['main']));
  await web.until(() => one.video.videoWidth === 320 && one.video.dataset.shown === '');
  const instead = one.player.info.peek();
  one.player.close();
  const two = start({}, foreign(['main', 'sub']));
  await web.is(two.player, 'playing');
  const still = two.player.info.peek();
  const drawn = two.element.canvas.dataset.drawn;
  return { instead, still, drawn };
  `,
  (seen: { instead: { stream: string; why: string }; still: { way: string; why: string }; drawn: string }) => {
    assert.equal([seen.instead.stream, seen.instead.why], ['sub', 'codec']);
    assert.equal([seen.still.way, seen.still.why, seen.drawn], ['still', 'codec', '']);
  },
);

live(
  'check 18: a page that is left costs nothing, and shows the newest picture when it is back',
  `
  const { player, sockets, video } = start();
  await web.is(player, 'playing');
  const hidden = value => Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
  hidden(true);
  dispatchEvent(new Event('pagehide'));
  const left = { open: sockets.filter(socket => socket.open).length, drawn: document.querySelector('canvas').dataset.drawn };
  await pause(1500);
  hidden(false);
  document.dispatchEvent(new Event('visibilitychange'));
  await web.until(() => video.dataset.shown === '' && player.state.peek().is === 'playing');
  return { left, sockets: sockets.length, lateMs: Date.now() - player.wallMs() };
  `,
  (seen: { left: { open: number; drawn: string }; sockets: number; lateMs: number }) => {
    assert.equal(seen.left, { open: 0, drawn: '' });
    assert.is(seen.sockets, 2);
    assert.ok(seen.lateMs < 5000, `${seen.lateMs}`);
  },
);

live(
  'a camera that is not live is waited for; stills come at their pace without a socket',
  `
  const away = { name: 'reconnecting', sinceMs: 1, lastPacketMs: 0, problems: [], reconnects: 1, droppedBytes: 0 };
  const { player, sockets, wish } = start({ state: away });
  await pause(300);
  const before = { sockets: sockets.length, state: player.state.peek() };
  player.wish({ ...wish, state: { ...away, name: 'live' } });
  await web.is(player, 'playing');
  player.wish({ ...wish, state: { ...away, name: 'live' }, mode: 'still', stillMs: 200 });
  const asked = performance.getEntriesByType('resource').length;
  await web.until(() => performance.getEntriesByType('resource').length >= asked + 3);
  return { before, open: sockets.filter(socket => socket.open).length, info: player.info.peek() };
  `,
  (seen: {
    before: { sockets: number; state: { is: string; reason: string } };
    open: number;
    info: { way: string };
  }) => {
    assert.equal([seen.before.sockets, seen.before.state.is, seen.before.state.reason], [0, 'waiting', 'camera']);
    assert.equal([seen.open, seen.info.way], [0, 'still']);
  },
);

test.run();
