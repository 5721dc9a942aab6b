// Cuts access units into RTP payloads: H.264 (RFC 6184), HEVC (RFC 7798), AAC (RFC 3640 mode AAC-hbr).
import { isParameterSet, nalType } from './clip.ts';

export interface RtpPayload {
  bytes: Buffer;
  /** Last payload of the access unit. */
  marker: boolean;
}

/** Largest frame that the 13 bits of an AU-size can tell. */
export const MAX_AAC_FRAME_BYTES = 8191;

const STAP_A = 24;
const FU_A = 28;
const HEVC_AP = 48;
const HEVC_FU = 49;

/** NAL units of one access unit; SPS and PPS that stand together share a STAP-A, what is too long becomes FU-As. */
export function h264Payloads(units: Buffer[], maxBytes: number): RtpPayload[] {
  return payloads(units, {
    codec: 'h264',
    maxBytes,
    aggregate: group => {
      const importance = Math.max(...group.map(unit => (unit[0] ?? 0) & 0x60));
      return aggregation(Buffer.from([importance | STAP_A]), group);
    },
    fragment: unit => {
      const header = unit[0] ?? 0;
      return {
        header: Buffer.from([(header & 0xe0) | FU_A]),
        type: header & 0x1f,
        body: unit.subarray(1),
      };
    },
  });
}

/** Like `h264Payloads` with aggregation packets and fragmentation units of RFC 7798 (no DONL fields). */
export function hevcPayloads(units: Buffer[], maxBytes: number): RtpPayload[] {
  return payloads(units, {
    codec: 'hevc',
    maxBytes,
    aggregate: group => aggregation(hevcHeader(group[0], HEVC_AP), group),
    fragment: unit => ({
      header: hevcHeader(unit, HEVC_FU),
      type: nalType('hevc', unit),
      body: unit.subarray(2),
    }),
  });
}

/** One AAC frame: one payload, or fragments that each tell the size of the whole frame. Empty for an impossible frame. */
export function aacPayloads(frame: Buffer, maxBytes: number): RtpPayload[] {
  if (frame.length === 0 || frame.length > MAX_AAC_FRAME_BYTES) return [];
  const header = Buffer.from([0, 16, frame.length >> 5, (frame.length << 3) & 0xff]);
  const room = maxBytes - header.length;
  const result: RtpPayload[] = [];
  for (let at = 0; at < frame.length; at += room) {
    const piece = frame.subarray(at, at + room);
    result.push({ bytes: Buffer.concat([header, piece]), marker: at + room >= frame.length });
  }
  return result;
}

interface Rules {
  codec: 'h264' | 'hevc';
  maxBytes: number;
  aggregate(group: Buffer[]): Buffer;
  fragment(unit: Buffer): { header: Buffer; type: number; body: Buffer };
}

function payloads(units: Buffer[], rules: Rules): RtpPayload[] {
  const result: Buffer[] = [];
  let group: Buffer[] = [];
  const flush = () => {
    if (group.length > 1) result.push(rules.aggregate(group));
    else if (group[0]) result.push(group[0]);
    group = [];
  };
  for (const unit of units) {
    if (isParameterSet(rules.codec, unit) && unit.length + 5 <= rules.maxBytes) {
      if (groupBytes(group) + unit.length + 2 > rules.maxBytes) flush();
      group.push(unit);
      continue;
    }
    flush();
    if (unit.length <= rules.maxBytes) result.push(unit);
    else result.push(...fragments(rules.fragment(unit), rules.maxBytes));
  }
  flush();
  return result.map((bytes, i) => ({ bytes, marker: i === result.length - 1 }));
}

/** Bytes of the aggregation packet that the group would make, with the longer header. */
function groupBytes(group: Buffer[]): number {
  return group.reduce((sum, unit) => sum + unit.length + 2, 2);
}

function aggregation(header: Buffer, group: Buffer[]): Buffer {
  const parts = [header];
  for (const unit of group) {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(unit.length);
    parts.push(length, unit);
  }
  return Buffer.concat(parts);
}

function fragments(unit: ReturnType<Rules['fragment']>, maxBytes: number): Buffer[] {
  const room = maxBytes - unit.header.length - 1;
  const result: Buffer[] = [];
  for (let at = 0; at < unit.body.length; at += room) {
    const start = at === 0 ? 0x80 : 0;
    const end = at + room >= unit.body.length ? 0x40 : 0;
    result.push(
      Buffer.concat([unit.header, Buffer.from([start | end | unit.type]), unit.body.subarray(at, at + room)]),
    );
  }
  return result;
}

/** The two header bytes of a NAL unit with another type; layer and temporal id stay. */
function hevcHeader(unit: Buffer | undefined, type: number): Buffer {
  const [first, second] = [unit?.[0] ?? 0, unit?.[1] ?? 1];
  return Buffer.from([(first & 0x81) | (type << 1), second]);
}
