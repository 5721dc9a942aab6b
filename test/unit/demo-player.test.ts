// The order and times in which clips are played, and what a slow or late client gets.
import * as assert from 'uvu/assert';
import type { Clip } from '../../src/demo/clip.ts';
import { Pacer } from '../../src/demo/pacer.ts';
import { type PlayedUnit, Player } from '../../src/demo/player.ts';
import { type Outgoing, RtpSender, type SenderOptions } from '../../src/demo/rtp-sender.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { suite } from '../support/suite.ts';
import { syntheticClip } from '../support/synthetic-clip.ts';

const test = suite('demo: player');
const clip = syntheticClip({ fps: 10, seconds: 8, gop: 20, unitBytes: 3000, audio: true });

test('rounds follow each other without a hole on either track', () => {
  const player = new Player(() => clip, [0, 1]);
  const units = take(player, 3 * (80 + 125));
  for (const [track, step] of [
    [0, 9000],
    [1, 1024],
  ] as const) {
    const own = units.filter(unit => unit.trackIndex === track);
    assert.ok(own.length > 200);
    assert.ok(own.every((unit, i) => unit.index === i && unit.dtsTicks === i * step));
  }
  const times = units.map(unit => unit.dtsTicks / unit.track.timescale);
  assert.ok(times.every((time, i) => i === 0 || time >= (times[i - 1] ?? 0)));
});

test('only the wanted tracks are played, and none is due for ever', () => {
  assert.ok(take(new Player(() => clip, [1]), 300).every(unit => unit.track.kind === 'audio'));
  const nothing = new Player(() => clip, []);
  assert.is(nothing.nextDueS(), Number.POSITIVE_INFINITY);
  assert.is(nothing.next(), undefined);
});

test('each round can be another clip', () => {
  const other = syntheticClip({ fps: 10, seconds: 4, gop: 20, unitBytes: 100, audio: true, width: 640 });
  const player = new Player(round => (round === 1 ? other : clip), [0]);
  const widths = take(player, 80 + 40 + 1).map(unit => unit.track.kind === 'video' && unit.track.width);
  assert.equal([widths[79], widths[80], widths[119], widths[120]], [320, 640, 640, 320]);
});

test('the sender keeps to the clock and begins keyframes with parameter sets', () => {
  const { sender, packets } = senderOf({});
  assert.is(sender.tick(1000), 1064);
  assert.equal([packets.video.length, packets.audio.length, packets.rtcp.length], [4, 1, 2]);
  assert.is((packets.video[0]?.[12] ?? 0) & 0x1f, 24);
  assert.is(sender.tick(1064), 1100);
  sender.tick(1100);
  const [first, later] = [packets.video[0], packets.video[4]];
  assert.is(later?.readUInt32BE(4), ((first?.readUInt32BE(4) ?? 0) + 9000) >>> 0);
  assert.is(later?.readUInt16BE(2), ((first?.readUInt16BE(2) ?? 0) + 4) & 0xffff);
  assert.is(first?.readUInt32BE(4), sender.info(0)?.timestamp);
});

test('a full queue costs units up to the next keyframe, and their numbers', () => {
  let room = true;
  const { sender, packets } = senderOf({ hasRoom: () => room, channels: new Map([[0, 0]]) });
  sender.tick(1000);
  const before = packets.video.at(-1)?.readUInt16BE(2) ?? 0;
  const sent = packets.video.length;
  room = false;
  sender.tick(1150);
  assert.is(packets.video.length, sent);
  assert.is(sender.droppedUnits, 1);
  room = true;
  sender.tick(2950);
  assert.is(packets.video.length, sent);
  sender.tick(3000);
  const first = packets.video[sent];
  assert.is((first?.[12] ?? 0) & 0x1f, 24);
  assert.is(first?.readUInt16BE(2), (before + 1 + 3) & 0xffff);
});

test('after a standstill the past is not sent', () => {
  const { sender, packets } = senderOf({ channels: new Map([[0, 0]]) });
  sender.tick(1000);
  const sent = packets.video.length;
  // At 11.5 s of play: units older than 9.5 s are gone, the next keyframe is that of 10 s.
  for (let now = sender.tick(12500); now <= 12500; now = sender.tick(12500));
  const expected = ((packets.video[0]?.readUInt32BE(4) ?? 0) + 10 * 90_000) >>> 0;
  assert.is(packets.video[sent]?.readUInt32BE(4), expected);
});

test('sender reports tell both tracks the same moment, each 5 s', () => {
  const { sender, packets } = senderOf({});
  for (let now = 1000; now <= 11100; now += 100) sender.tick(now);
  assert.is(packets.rtcp.length, 6);
  const [video, audio] = packets.rtcp.slice(2, 4);
  assert.equal(video?.subarray(8, 16), audio?.subarray(8, 16));
  const origin = [sender.info(0)?.timestamp ?? 0, sender.info(1)?.timestamp ?? 0];
  assert.is(video?.readUInt32BE(16), ((origin[0] ?? 0) + 5 * 90_000) >>> 0);
  assert.is(audio?.readUInt32BE(16), ((origin[1] ?? 0) + 5 * 16_000) >>> 0);
});

test('the pacer has one timer for all and none for nobody', async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(clock);
  assert.is(clock.pending, 0);
  const ticks = [0, 0];
  const players = [100, 250].map((everyMs, i) => ({
    tick(nowMs: number) {
      ticks[i] = (ticks[i] ?? 0) + 1;
      return nowMs + everyMs;
    },
  }));
  for (const player of players) pacer.add(player);
  assert.equal(ticks, [0, 0]);
  assert.is(clock.pending, 1);
  await clock.advance(1000);
  assert.is(clock.pending, 1);
  assert.equal(ticks, [10, 4]);
  for (const player of players) pacer.remove(player);
  assert.is(clock.pending, 0);
});

function take(player: Player, count: number): PlayedUnit[] {
  return Array.from({ length: count }, () => player.next()).filter(unit => unit !== undefined);
}

function senderOf(options: Partial<SenderOptions>) {
  const packets: Record<'video' | 'audio' | 'rtcp', Buffer[]> = { video: [], audio: [], rtcp: [] };
  const content: Clip = clip;
  const sender = new RtpSender({
    clipOf: () => content,
    channels: new Map([
      [0, 0],
      [1, 2],
    ]),
    maxPayloadBytes: 1400,
    startMs: 1000,
    startUtcMs: 1_700_000_000_000,
    hasRoom: () => true,
    send: (all: Outgoing[], trackIndex, unit) => {
      const list = unit ? packets[trackIndex === 0 ? 'video' : 'audio'] : packets.rtcp;
      for (const one of all) if ('packet' in one) list.push(one.packet);
    },
    ...options,
  });
  return { sender, packets };
}

test.run();
