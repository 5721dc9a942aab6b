// Speaking to a camera in the pages, without a browser: what is said of it while it goes on and when it ends, and that the microphone is let go.
import * as assert from 'uvu/assert';
import type { Update } from '../../src/api/contract.ts';
import type { Board } from '../../web/src/player/board.ts';
import { Talk, type TalkState } from '../../web/src/player/talk.ts';
import { forgetAll, takeIn, talkers } from '../../web/src/state.ts';
import { suite } from '../support/suite.ts';

const test = suite('web: talk');

/** What of a browser is needed. */
const page = new EventTarget();
const microphone = { open: 0, stop: () => void microphone.open-- };
class Connection {
  static last: Connection | undefined;
  connectionState = 'new';
  onconnectionstatechange: (() => void) | undefined;
  constructor() {
    Connection.last = this;
  }
  become(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
  addTransceiver(): void {}
  async createOffer() {
    return { sdp: 'offer' };
  }
  async setLocalDescription(): Promise<void> {}
  async setRemoteDescription(): Promise<void> {}
  close(): void {}
}
class Sound {
  resume(): void {}
  createAnalyser() {
    return { fftSize: 0 };
  }
  createMediaStreamSource() {
    return { connect: () => undefined };
  }
  close(): void {}
}
const track = { stop: microphone.stop };
const media = { getTracks: () => [track], getAudioTracks: () => [track] };
const navigator = {
  mediaDevices: {
    async getUserMedia() {
      microphone.open++;
      return media;
    },
  },
};
function browser(more: object = {}): void {
  const all = { navigator, RTCPeerConnection: Connection, AudioContext: Sound, ...more };
  const listen = page.addEventListener.bind(page);
  for (const [name, value] of Object.entries({ ...all, addEventListener: listen }))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

function talkWith(answer: () => Promise<unknown>) {
  const asked: string[] = [];
  const states: TalkState[] = [];
  const call = async (route: string) => {
    asked.push(route);
    return route.startsWith('POST') ? await answer() : { is: 'ok' };
  };
  const board = { call, onUpdate: () => () => undefined } as unknown as Board;
  const talk = new Talk(board, 1, state => void states.push(state));
  return { talk, asked, states };
}
const ANSWER = { is: 'ok', value: { session: 's1', sdp: 'answer', keepMs: 60_000 } };
const turn = () => new Promise(resolve => setImmediate(resolve));
const LEAVE = 'DELETE /api/cameras/{id}/talk/{session}';

test('what is shown is what goes on: cut off, connected again, ended', async () => {
  browser();
  const { talk, states, asked } = talkWith(async () => ANSWER);
  await talk.start();
  Connection.last?.become('connected');
  Connection.last?.become('disconnected');
  Connection.last?.become('connected');
  Connection.last?.become('failed');
  assert.equal(
    states.map(({ is }) => is),
    ['asking', 'connecting', 'talking', 'connecting', 'talking', 'ended'],
  );
  assert.equal(states.at(-1), { is: 'ended', wasHeard: true, message: undefined, cure: undefined });
  assert.equal([microphone.open, asked.at(-1)], [0, LEAVE]);
});

test('what never came about was not heard, and why is said', async () => {
  browser();
  const error = { kind: 'failed-precondition', message: 'bob talks to this camera', cure: 'Wait until it is over.' };
  const { talk, states } = talkWith(async () => ({ is: 'error', status: 409, error }));
  await talk.start();
  const { message, cure } = error;
  assert.equal(states.at(-1), { is: 'ended', wasHeard: false, message, cure });
  assert.is(microphone.open, 0);
});

test('a browser that fails in between keeps no microphone', async () => {
  for (const name of ['AudioContext', 'RTCPeerConnection']) {
    browser({
      [name]: class {
        constructor() {
          throw new TypeError('no');
        }
      },
    });
    const { talk, states } = talkWith(async () => ANSWER);
    await talk.start();
    assert.equal([states.at(-1)?.is, microphone.open], ['ended', 0], name);
  }
});

test('a page that goes takes its session with it, though nobody is there to wait for the answer', async () => {
  browser();
  const { talk, asked } = talkWith(async () => ANSWER);
  await talk.start();
  page.dispatchEvent(new Event('pagehide'));
  assert.equal(asked.at(-1), LEAVE);
  talk.stop();
  page.dispatchEvent(new Event('pagehide'));
  assert.is(asked.filter(route => route.startsWith('DELETE')).length, 1);
});

test('let go of before the answer came, the session is left', async () => {
  browser();
  let arrive: (answer: unknown) => void = () => undefined;
  const { talk, asked, states } = talkWith(() => new Promise(resolve => (arrive = resolve)));
  const started = talk.start();
  await turn();
  talk.stop();
  arrive(ANSWER);
  await started;
  assert.equal([asked.at(-1), microphone.open, states.at(-1)?.is], [LEAVE, 0, 'connecting']);
});

test('who talks is known from the first message on, and forgotten with the connection that was lost', () => {
  const hello = (talks: { camera: number; by: string }[]) =>
    takeIn({
      type: 'hello',
      ...{ cameras: [], events: [], gaps: [], problems: [], talks },
      system: { version: '', startedMs: 0, timeMs: 0, clockTrusted: true, rssBytes: 0, cameras: [] },
    } as Update);
  hello([{ camera: 2, by: 'bob' }]);
  takeIn({ type: 'talk', camera: 1, by: 'anna' });
  assert.equal(
    [...talkers.value],
    [
      [2, 'bob'],
      [1, 'anna'],
    ],
  );
  takeIn({ type: 'talk', camera: 1, by: null });
  assert.equal([...talkers.value], [[2, 'bob']]);
  takeIn({ type: 'talk', camera: 1, by: 'anna' });
  hello([]);
  assert.is(talkers.value.size, 0, 'its end was not heard');
  hello([{ camera: 2, by: 'bob' }]);
  forgetAll();
  assert.is(talkers.value.size, 0);
});

test.run();
