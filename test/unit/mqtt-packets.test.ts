// The bytes between us and a broker: what we send is what the standards say, and whatever comes is bounded.
import * as assert from 'uvu/assert';
import { Outbox } from '../../src/mqtt/outbox.ts';
import { type BrokerPacket, MAX_PACKET_BYTES, PacketReader, ProtocolError } from '../../src/mqtt/packet-reader.ts';
import {
  connectPacket,
  type Publication,
  publicationBytes,
  publishPacket,
  subscribePacket,
} from '../../src/mqtt/wire.ts';
import { suite } from '../support/suite.ts';

const test = suite('mqtt packets');
const hex = (bytes: Buffer) => bytes.toString('hex');
const bytes = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('sends what MQTT 3.1.1 and 5 describe', () => {
  const will = { topic: 'a', payload: Buffer.from('off'), qos: 1 as const, retain: true };
  const request = { clientId: 'me', username: 'u', password: 'p', keepAliveS: 30, will, maxPacketBytes: 65_536 };
  assert.is(
    hex(connectPacket({ level: 4, ...request })),
    hex(bytes('10 1c 0004 4d515454 04 ee 001e 0002 6d65 0001 61 0003 6f6666 0001 75 0001 70')),
  );
  assert.is(
    hex(connectPacket({ level: 5, ...request })),
    hex(bytes('10 23 0004 4d515454 05 ee 001e 05 27 00010000 0002 6d65 00 0001 61 0003 6f6666 0001 75 0001 70')),
  );
  const news = { topic: 'a/b', payload: Buffer.from('x'), qos: 1 as const, retain: false };
  assert.is(hex(publishPacket(4, news, 258)), hex(bytes('32 08 0003 612f62 0102 78')));
  assert.is(hex(publishPacket(5, { ...news, qos: 0, retain: true }, 0)), hex(bytes('31 07 0003 612f62 00 78')));
  const topics = [
    { filter: 'a', retained: true },
    { filter: 'b', retained: false },
  ];
  assert.is(hex(subscribePacket(4, 1, topics)), hex(bytes('82 0a 0001 0001 61 00 0001 62 00')));
  assert.is(hex(subscribePacket(5, 1, topics)), hex(bytes('82 0b 0001 00 0001 61 00 0001 62 20')));
  const long = publishPacket(4, { ...news, qos: 0, payload: Buffer.alloc(200_000) }, 0);
  assert.equal([hex(long.subarray(0, 1)), hex(long.subarray(1, 4))], ['30', hex(varint(200_005))]);
  assert.is(long.length, 4 + 200_005);
});

test('takes packets apart however they are cut', () => {
  const stream = bytes(
    '20 0e 00 00 0b 21 0014 27 00000400 13 000a 30 06 0001 61 00 7878 40 02 0007 90 05 0003 00 00 80 d0 00 e0 01 87',
  );
  const whole = [...new PacketReader(5).feed(stream)];
  assert.equal(whole, [
    { type: 'connack', code: 0, limits: { receiveMaximum: 20, maxPacketBytes: 1024, keepAliveS: 10 } },
    { type: 'publish', topic: 'a', payload: Buffer.from('xx'), retain: false },
    { type: 'puback', id: 7, code: 0 },
    { type: 'suback', id: 3, codes: [0, 128] },
    { type: 'pingresp' },
    { type: 'disconnect', code: 0x87 },
  ] satisfies BrokerPacket[]);
  const reader = new PacketReader(5);
  const single: BrokerPacket[] = [];
  for (const byte of stream) single.push(...reader.feed(Buffer.from([byte])));
  assert.equal(single, whole);
});

test('what is too long is left out, and what follows is heard', () => {
  const head = Buffer.concat([bytes('30'), varint(5_000_000)]);
  const stream = Buffer.concat([head, Buffer.alloc(5_000_000, 'y'), bytes('d0 00')]);
  for (const step of [stream.length, 65_536, 4093]) {
    const reader = new PacketReader(4);
    const heard: BrokerPacket[] = [];
    for (let at = 0; at < stream.length; at += step) heard.push(...reader.feed(stream.subarray(at, at + step)));
    assert.equal(heard, [{ type: 'oversized', sizeBytes: 5_000_000 }, { type: 'pingresp' }], `steps of ${step}`);
  }
  assert.throws(() => [...new PacketReader(4).feed(Buffer.concat([bytes('90'), varint(MAX_PACKET_BYTES + 1)]))]);
});

test('what is no MQTT is an error, never a crash', () => {
  for (const text of [
    ...['20 ff ff ff ff 7f', '32 05 0001 61 0001', '30 02 00ff', '10 00', '00 00', 'f0 00', '40 01 00', '90 00'],
    // Properties that say more than there is.
    ...['20 04 00 00 05 21', '20 05 00 00 02 1f ff', '30 05 0001 61 7f 00'],
  ]) {
    assert.throws(
      () => [...new PacketReader(5).feed(bytes(text))],
      (error: unknown) => error instanceof ProtocolError,
      text,
    );
  }
  const seed = 7;
  let state = seed;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state;
  };
  for (let round = 0; round < 20_000; round++) {
    const noise = Buffer.from(Array.from({ length: (random() >> 8) % 40 }, () => (random() >> 8) & 255));
    try {
      for (const packet of new PacketReader(round % 2 === 0 ? 4 : 5).feed(noise)) assert.ok(packet.type);
    } catch (error) {
      assert.ok(error instanceof ProtocolError, `seed ${seed}, round ${round}: ${error}`);
    }
  }
});

test('news that waits is bounded in bytes, and the oldest goes', () => {
  const outbox = new Outbox(10_000);
  const news = (n: number) => ({
    topic: 'events',
    payload: Buffer.alloc(78, String(n % 10)),
    qos: 1 as const,
    retain: false,
  });
  assert.is(publicationBytes(news(0)), 100);
  for (let n = 0; n < 5000; n++) outbox.add(news(n));
  assert.equal([outbox.length, outbox.sizeBytes, outbox.dropped], [100, 10_000, 4900]);
  assert.is(outbox.take()?.payload.toString()[0], '0', 'number 4900 is the oldest');
  outbox.putBack([news(8), news(9)]);
  assert.equal([outbox.length, outbox.sizeBytes, outbox.dropped], [100, 10_000, 4901]);
  assert.is(outbox.take()?.payload.toString()[0], '9', 'the oldest of those had to go');
  outbox.add({ ...news(0), payload: Buffer.alloc(20_000) });
  assert.equal([outbox.length, outbox.dropped], [99, 4902], 'too long for all of it');
  while (outbox.take());
  assert.equal([outbox.length, outbox.sizeBytes], [0, 0]);
});

test('what waits comes out as it went in, in its order, whatever is put back in between', () => {
  const seed = Date.now() % 2_147_483_647;
  let state = seed;
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const outbox = new Outbox(300_000);
  const sizeOf = ({ topic, payload }: Publication) => Buffer.byteLength(topic) + payload.length + 16;
  let model: Publication[] = [];
  let dropped = 0;
  const bound = () => {
    for (let size = model.reduce((sum, one) => sum + sizeOf(one), 0); size > 300_000; dropped++)
      size -= sizeOf(model.shift() as Publication);
  };
  const made = (n: number): Publication => ({
    topic: ['events', 'häuser/🚪', ''][random(3)] ?? '',
    payload: Buffer.alloc(random(random(20) === 0 ? 100_000 : 3000), String(n % 10)),
    qos: random(2) === 0 ? 0 : 1,
    retain: random(2) === 0,
  });
  for (let n = 0; n < 5000; n++) {
    const what = random(10);
    if (what < 6) {
      const one = made(n);
      outbox.add(one);
      model.push(one);
    } else if (what < 9) {
      for (let count = random(4); count > 0; count--) assert.equal(outbox.take(), model.shift(), `seed ${seed}`);
    } else {
      const back = Array.from({ length: random(4) }, () => made(n));
      outbox.putBack(back);
      model = [...back, ...model];
    }
    bound();
    const size = model.reduce((sum, one) => sum + sizeOf(one), 0);
    assert.equal([outbox.length, outbox.sizeBytes, outbox.dropped], [model.length, size, dropped], `seed ${seed}`);
  }
  while (model.length > 0) assert.equal(outbox.take(), model.shift(), `seed ${seed}`);
  assert.is(outbox.take(), undefined);
});

test.run();

function varint(value: number): Buffer {
  const digits: number[] = [];
  for (let rest = value; ; ) {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    digits.push(rest > 0 ? digit | 128 : digit);
    if (rest === 0) return Buffer.from(digits);
  }
}
