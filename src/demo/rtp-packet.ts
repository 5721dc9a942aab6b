// RTP and RTCP packets (RFC 3550) and their framing inside an RTSP connection (RFC 2326 clause 10.12).
export interface RtpHeader {
  payloadType: number;
  marker: boolean;
  /** Taken modulo 2^16. */
  sequence: number;
  /** Taken modulo 2^32. */
  timestamp: number;
  ssrc: number;
}

export function rtpPacket(header: RtpHeader, payload: Buffer): Buffer {
  const packet = Buffer.allocUnsafe(12 + payload.length);
  packet[0] = 0x80;
  packet[1] = (header.marker ? 0x80 : 0) | header.payloadType;
  packet.writeUInt16BE(header.sequence & 0xffff, 2);
  packet.writeUInt32BE(header.timestamp >>> 0, 4);
  packet.writeUInt32BE(header.ssrc >>> 0, 8);
  payload.copy(packet, 12);
  return packet;
}

export interface SenderReport {
  ssrc: number;
  /** The same moment on the wall clock (UTC milliseconds) and as RTP time. */
  nowMs: number;
  timestamp: number;
  packets: number;
  payloadBytes: number;
}

/** Seconds from 1900 (NTP) to 1970. */
const NTP_OFFSET_S = 2_208_988_800;

/** A sender report with the SDES item that must follow it (clause 6.1). */
export function senderReport(report: SenderReport): Buffer {
  const cname = Buffer.from('thimble', 'latin1');
  const chunkBytes = Math.ceil((4 + 2 + cname.length + 1) / 4) * 4;
  const packet = Buffer.alloc(28 + 4 + chunkBytes);
  packet.writeUInt16BE(0x80c8, 0);
  packet.writeUInt16BE(6, 2);
  packet.writeUInt32BE(report.ssrc >>> 0, 4);
  packet.writeUInt32BE((Math.floor(report.nowMs / 1000) + NTP_OFFSET_S) >>> 0, 8);
  packet.writeUInt32BE(Math.floor((report.nowMs % 1000) * (2 ** 32 / 1000)) >>> 0, 12);
  packet.writeUInt32BE(report.timestamp >>> 0, 16);
  packet.writeUInt32BE(report.packets >>> 0, 20);
  packet.writeUInt32BE(report.payloadBytes >>> 0, 24);
  packet.writeUInt16BE(0x81ca, 28);
  packet.writeUInt16BE(chunkBytes / 4, 30);
  packet.writeUInt32BE(report.ssrc >>> 0, 32);
  packet[36] = 1;
  packet[37] = cname.length;
  cname.copy(packet, 38);
  return packet;
}

/** `$`, channel, length, packet. */
export function interleaved(channel: number, packet: Buffer): Buffer {
  const header = Buffer.allocUnsafe(4);
  header[0] = 0x24;
  header[1] = channel;
  header.writeUInt16BE(packet.length, 2);
  return Buffer.concat([header, packet]);
}
