// WebRTC in the pages, as far as it needs no browser: figures of the delay, holding or tapping a button, loudness, what is said of it.
import * as assert from 'uvu/assert';
import type { Camera } from '../../src/api/contract.ts';
import { HoldOrTap } from '../../web/src/live/hold-or-tap.ts';
import { detourOf, isWorthRetrying } from '../../web/src/live/tile-state.ts';
import type { WayInfo } from '../../web/src/player/play-state.ts';
import { delayMsOf, figuresOf } from '../../web/src/player/rtc-figures.ts';
import { loudness } from '../../web/src/player/talk.ts';
import { suite } from '../support/suite.ts';

const test = suite('web: webrtc');

const video = (frames: number, bufferedS: number, decodedS: number) => ({
  ...{ type: 'inbound-rtp', kind: 'video', codecId: 'c1', bytesReceived: frames * 1000, framesDecoded: frames },
  ...{ jitterBufferDelay: bufferedS, jitterBufferEmittedCount: frames, totalDecodeTime: decodedS },
});
const PAIR = { type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.02 };

test('counts the pictures of one connection, whatever else stands in the report', () => {
  assert.is(figuresOf([]), undefined);
  assert.is(figuresOf([{ type: 'inbound-rtp', kind: 'audio', bytesReceived: 9 }]), undefined);
  const others = [
    { type: 'candidate-pair', nominated: false, state: 'failed', currentRoundTripTime: 9 },
    { type: 'codec', id: 'c2', mimeType: 'audio/opus' },
    { type: 'codec', id: 'c1', mimeType: 'video/H264' },
  ];
  assert.equal(figuresOf([...others, video(10, 1, 0.1), PAIR]), {
    ...{ bytes: 10_000, frames: 10, bufferedS: 1, emitted: 10, decodedS: 0.1, roundTripS: 0.02, codec: 'H264' },
  });
  const bare = { ...{ bytes: 0, frames: 0, bufferedS: 0, emitted: 0, decodedS: 0 } };
  assert.equal(
    figuresOf([{ type: 'inbound-rtp', kind: 'video', bytesReceived: 'many' }]),
    bare,
    'a browser that tells less',
  );
});

test('the delay is that of the frames since the last look', () => {
  const first = figuresOf([video(10, 5, 1), PAIR]);
  const now = figuresOf([video(30, 7, 1.2), PAIR]);
  assert.ok(first && now);
  assert.is(delayMsOf(first, now), 120, '100 ms waiting, 10 decoding, 10 on the way');
  assert.is(delayMsOf(undefined, first), 610);
  assert.is(delayMsOf(now, now), undefined, 'no frame came');
});

test('a held button ends with the hand, a tapped one with the next press', () => {
  const hold = new HoldOrTap();
  assert.equal([hold.down(0), hold.up(1000), hold.isOn], ['start', 'stop', false]);
  assert.equal([hold.down(2000), hold.up(2100), hold.isOn], ['start', undefined, true]);
  assert.is(hold.slip(), undefined, 'what stays on needs no hand');
  assert.equal([hold.down(9000), hold.up(9900), hold.isOn], ['stop', undefined, false]);
  assert.equal([hold.down(10_000), hold.down(10_050)], ['start', undefined], 'a key and a finger at once');
  assert.equal([hold.slip(), hold.up(20_000), hold.isOn], ['stop', undefined, false]);
  assert.is(hold.end(), undefined);
  hold.down(30_000);
  assert.equal([hold.end(), hold.up(30_100), hold.isOn], ['stop', undefined, false]);
});

test('loudness goes from silence to full scale as ears hear it', () => {
  assert.equal([loudness(new Float32Array()), loudness(new Float32Array(8))], [0, 0]);
  assert.is(loudness(new Float32Array(8).fill(1)), 1);
  assert.is(loudness(new Float32Array(8).fill(0.0001)), 0);
  assert.ok(Math.abs(loudness(new Float32Array(8).fill(0.0316228)) - 0.5) < 1e-4, 'half way: -30 dB');
});

test('says why the low delay is not there, in the words of the board', () => {
  const camera = { state: {} } as Camera;
  const info = (more: Partial<WayInfo>): WayInfo => ({ way: 'mse', stream: 'main', ...more });
  assert.is(detourOf('main', info({ way: 'rtc', why: 'asked' }), camera), undefined);
  const refused = info({ why: 'no-rtc', note: 'too many watch' });
  assert.is(detourOf('main', refused, camera), 'The low delay cannot be had here. Too many watch.');
  assert.is(detourOf('main', info({ why: 'no-rtc' }), camera), 'The low delay cannot be had here.');
  assert.ok(isWorthRetrying(refused));
  assert.match(detourOf('main', info({ way: 'rtc', why: 'asked', isMute: true }), camera) ?? '', /sound/);
});

test.run();
