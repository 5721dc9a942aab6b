// RTP payloads and packets, byte by byte.
import * as assert from 'uvu/assert';
import { interleaved, rtpPacket, senderReport } from '../../src/demo/rtp-packet.ts';
import { aacPayloads, h264Payloads, hevcPayloads, type RtpPayload } from '../../src/demo/rtp-payload.ts';
import { suite } from '../support/suite.ts';

const test = suite('demo: RTP');
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const shown = (payloads: RtpPayload[]) => payloads.map(one => one.bytes.toString('hex') + (one.marker ? ' M' : ''));

test('H.264: a NAL unit that fits goes out as it is', () => {
  assert.equal(shown(h264Payloads([bytes('41 01 02')], 100)), ['410102 M']);
});

test('H.264: SPS and PPS share a STAP-A with the highest importance, the slice follows', () => {
  const units = [bytes('67 42 c0'), bytes('28 ce'), bytes('65 88 84')];
  assert.equal(shown(h264Payloads(units, 100)), ['780003' + '6742c0' + '0002' + '28ce', '658884 M']);
});

test('H.264: a lone parameter set is no aggregate, and one that does not fit starts anew', () => {
  assert.equal(shown(h264Payloads([bytes('67 42'), bytes('65 88')], 100)), ['6742', '6588 M']);
  const long = Buffer.concat([bytes('68'), Buffer.alloc(10, 1)]);
  const result = h264Payloads([bytes('67 42 c0 1e 01'), long, bytes('65 88')], 18);
  assert.equal(shown(result), ['6742c01e01', `68${'01'.repeat(10)}`, '6588 M']);
});

test('H.264: FU-A keeps importance and type, marks start and end', () => {
  const unit = bytes('65 01 02 03 04 05 06 07');
  assert.equal(shown(h264Payloads([unit], 5)), ['7c85010203', '7c05040506', '7c4507 M']);
});

test('H.264: fragments put together are the NAL unit, whatever the limit', () => {
  const unit = Buffer.from(Array.from({ length: 300 }, (_, i) => (i === 0 ? 0x41 : i & 0xff)));
  for (let limit = 8; limit < 320; limit++) {
    const result = h264Payloads([unit], limit);
    assert.ok(result.every(one => one.bytes.length <= limit));
    assert.equal(result.map(one => one.marker).indexOf(true), result.length - 1);
    const [first] = result;
    if (result.length === 1) assert.equal(first?.bytes, unit);
    else assert.equal(Buffer.concat([bytes('41'), ...result.map(one => one.bytes.subarray(2))]), unit);
  }
});

test('HEVC: VPS, SPS and PPS share an AP; FU keeps layer and temporal id', () => {
  const sets = [bytes('40 01 0c'), bytes('42 01 01'), bytes('44 01 c1')];
  const slice = bytes('26 01 aa bb cc dd ee');
  assert.equal(shown(hevcPayloads([...sets, slice], 100)), [
    '6001' + '000340010c' + '0003420101' + '00034401c1',
    '2601aabbccddee M',
  ]);
  assert.equal(shown(hevcPayloads([slice], 5)), ['620193aabb', '620113ccdd', '620153ee M']);
  assert.equal(shown(hevcPayloads([bytes('27 0a aa bb cc dd')], 5)), ['630a93aabb', '630a53ccdd M']);
});

test('AAC: one AU header with the frame size in 13 bits', () => {
  assert.equal(shown(aacPayloads(bytes('01 02 03'), 100)), ['0010' + '0018' + '010203 M']);
});

test('AAC: fragments repeat the whole size, the last one has the marker', () => {
  assert.equal(shown(aacPayloads(Buffer.alloc(10, 7), 8)), [
    '00100050' + '07070707',
    '00100050' + '07070707',
    '00100050' + '0707 M',
  ]);
  assert.equal(aacPayloads(Buffer.alloc(8192), 1400), []);
  assert.equal(aacPayloads(Buffer.alloc(0), 1400), []);
});

test('the RTP header wraps its counters', () => {
  const header = { payloadType: 96, marker: true, sequence: 0x1ffff, timestamp: 2 ** 32 + 5, ssrc: 0xdeadbeef };
  assert.is(rtpPacket(header, bytes('aa')).toString('hex'), '80e0ffff00000005deadbeefaa');
});

test('a sender report carries NTP time and a CNAME', () => {
  const report = senderReport({ ssrc: 0x01020304, nowMs: 1500, timestamp: 7, packets: 2, payloadBytes: 300 });
  assert.is(
    report.toString('hex', 0, 28),
    '80c8000601020304' + '83aa7e81' + '80000000' + '00000007' + '00000002' + '0000012c',
  );
  assert.is(report.readUInt16BE(28), 0x81ca);
  assert.is(report.length, 28 + 4 + report.readUInt16BE(30) * 4);
  assert.is(report.toString('latin1', 38, 38 + (report[37] ?? 0)), 'thimble');
});

test('interleaved framing', () => {
  assert.is(interleaved(3, bytes('aabb')).toString('hex'), '24030002aabb');
});

test.run();
