// Live pictures over WebRTC in the pages, without a browser: how long the first one is waited for, and what follows where it does not come.
import * as assert from 'uvu/assert';
import type { Board } from '../../web/src/player/board.ts';
import { LiveRtc } from '../../web/src/player/live-rtc.ts';
import type { SourceEnd, SourceEvents } from '../../web/src/player/live-source.ts';
import type { MediaElement } from '../../web/src/player/media-element.ts';
import { suite } from '../support/suite.ts';

const test = suite('web: live over webrtc');

/** What of a browser is needed; its time goes on only when a test says so. */
const document = { hidden: false };
let timers: (() => void)[] = [];
class Connection {
  connectionState = 'new';
  addTransceiver(): void {}
  async createOffer() {
    return { sdp: 'offer' };
  }
  async setLocalDescription(): Promise<void> {}
  async setRemoteDescription(): Promise<void> {}
  close(): void {}
}
const real = globalThis.setTimeout;
test.before(() => {
  const all = { document, RTCPeerConnection: Connection, MediaStream: class {}, addEventListener: () => undefined };
  for (const [name, value] of Object.entries(all))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
});
function timed(name: string, body: () => Promise<void>): void {
  test(name, async () => {
    timers = [];
    globalThis.setTimeout = ((act: () => void) => timers.push(act)) as never;
    await body().finally(() => {
      globalThis.setTimeout = real;
    });
  });
}

function source(answer: () => Promise<unknown>) {
  const ended: SourceEnd[] = [];
  const asked: string[] = [];
  const call = async (route: string) => {
    asked.push(route.split(' ')[0] ?? '');
    return route.startsWith('POST') ? await answer() : { is: 'ok' };
  };
  const board = { call, onUpdate: () => () => undefined, utcMs: () => 0 } as unknown as Board;
  const element = { video: { videoWidth: 0, videoHeight: 0 }, close: () => undefined } as unknown as MediaElement;
  const events = { info: () => undefined, ended: (end: SourceEnd) => ended.push(end) } as unknown as SourceEvents;
  const wish = { camera: 1, stream: 'main', sound: false, why: 'asked' } as const;
  return { live: new LiveRtc(board, element, events, wish), ended, asked };
}
const turn = () => new Promise(resolve => setImmediate(resolve));
const ANSWER = { is: 'ok', value: { session: 's1', sdp: 'answer', sound: false } };

timed('an answer that leads nowhere ends, and the session is left', async () => {
  document.hidden = false;
  const { live, ended, asked } = source(async () => ANSWER);
  live.start();
  await turn();
  assert.is(timers.length, 1);
  timers[0]?.();
  assert.equal(ended, [{ why: 'rtc', message: undefined }]);
  assert.equal(asked, ['POST', 'DELETE']);
});

timed('nothing is late on a page that nobody sees', async () => {
  document.hidden = true;
  const { live, ended } = source(async () => ANSWER);
  live.start();
  await turn();
  timers[0]?.();
  assert.equal([ended.length, timers.length], [0, 2], 'another four seconds');
  document.hidden = false;
  timers[1]?.();
  assert.equal(ended, [{ why: 'rtc', message: undefined }]);
});

timed('what the board says is handed on', async () => {
  const { live, ended } = source(async () => ({ is: 'error', status: 503, error: { message: 'too many watch' } }));
  live.start();
  await turn();
  assert.equal(ended, [{ why: 'rtc', message: 'too many watch' }]);
});

test.run();
