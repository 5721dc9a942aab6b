// The RTP side of one playing session: packets, sender reports and the rule for late or slow clients.
import { randomBytes } from 'node:crypto';
import { type Clip, isParameterSet, nalUnits } from './clip.ts';
import { type PlayedUnit, Player } from './player.ts';
import { rtpPacket, senderReport } from './rtp-packet.ts';
import { aacPayloads, h264Payloads, hevcPayloads, type RtpPayload } from './rtp-payload.ts';
import { payloadType, rtpClockRate } from './sdp.ts';

/** What goes out on the connection next. */
export type Outgoing = { channel: number; packet: Buffer } | { raw: Buffer };

/** Where outgoing packets belong: to an access unit, or (without `unit`) to a sender report. */
export interface OutgoingContext {
  connectionId: number;
  trackIndex: number;
  unit?: PlayedUnit;
}

export interface SenderOptions {
  clipOf: (round: number) => Clip;
  /** Place in the clip -> RTP channel; its RTCP goes to the next one. */
  channels: ReadonlyMap<number, number>;
  maxPayloadBytes: number;
  /** The moment of the start of play: monotonic milliseconds, and the same as UTC milliseconds. */
  startMs: number;
  startUtcMs: number;
  /** False while the connection's queue is full: the unit is dropped and its sequence numbers are skipped. */
  hasRoom: () => boolean;
  send: (packets: Outgoing[], trackIndex: number, unit?: PlayedUnit) => void;
}

interface RtpTrack {
  channel: number;
  payloadType: number;
  clockRate: number;
  ssrc: number;
  sequence: number;
  /** RTP time of the start of play. */
  origin: number;
  packets: number;
  payloadBytes: number;
  /** After a drop nothing is sent until the next keyframe. */
  broken: boolean;
}

const REPORT_EVERY_MS = 5000;
/** A process that was stopped for longer does not send the past afterwards, as a camera would not. */
const LATE_MS = 2000;
/** Bound of the work in one tick. */
const MAX_UNITS_PER_TICK = 200;

export class RtpSender {
  readonly #options: SenderOptions;
  readonly #player: Player;
  readonly #tracks = new Map<number, RtpTrack>();
  #nextReportMs: number;
  #droppedUnits = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#player = new Player(options.clipOf, [...options.channels.keys()]);
    this.#nextReportMs = options.startMs;
    const clip = options.clipOf(0);
    for (const [trackIndex, channel] of options.channels) {
      const track = clip.tracks[trackIndex];
      if (!track) continue;
      this.#tracks.set(trackIndex, {
        channel,
        payloadType: payloadType(trackIndex),
        clockRate: rtpClockRate(track),
        ssrc: randomBytes(4).readUInt32BE(),
        sequence: randomBytes(2).readUInt16BE(),
        origin: randomBytes(4).readUInt32BE(),
        packets: 0,
        payloadBytes: 0,
        broken: false,
      });
    }
  }

  /** Units that were due and not sent. */
  get droppedUnits(): number {
    return this.#droppedUnits;
  }

  /** First sequence number and RTP time of the start of play, for RTP-Info. */
  info(trackIndex: number): { sequence: number; timestamp: number } | undefined {
    const track = this.#tracks.get(trackIndex);
    return track && { sequence: track.sequence & 0xffff, timestamp: track.origin };
  }

  /** Sends all that is due at the monotonic time `nowMs`; returns when the next unit is. */
  tick(nowMs: number): number {
    if (nowMs >= this.#nextReportMs) this.#report(nowMs);
    for (let units = 0; units < MAX_UNITS_PER_TICK; units++) {
      const dueMs = this.#dueMs();
      if (dueMs > nowMs) return dueMs;
      const unit = this.#player.next();
      if (unit) this.#sendUnit(unit, nowMs - dueMs > LATE_MS);
    }
    return nowMs;
  }

  #dueMs(): number {
    return this.#options.startMs + this.#player.nextDueS() * 1000;
  }

  #sendUnit(unit: PlayedUnit, late: boolean): void {
    const track = this.#tracks.get(unit.trackIndex);
    if (!track) return;
    if (late || (track.broken && !unit.frame.key)) {
      track.broken = true;
      this.#droppedUnits++;
      return;
    }
    const payloads = unitPayloads(unit, this.#options.maxPayloadBytes);
    if (!this.#options.hasRoom()) {
      track.sequence += payloads.length;
      track.broken = true;
      this.#droppedUnits++;
      return;
    }
    track.broken = false;
    const timestamp = track.origin + Math.round((unit.ptsTicks * track.clockRate) / unit.track.timescale);
    const packets = payloads.map(({ bytes, marker }): Outgoing => {
      track.packets++;
      track.payloadBytes += bytes.length;
      const header = {
        payloadType: track.payloadType,
        marker,
        sequence: track.sequence++,
        timestamp,
        ssrc: track.ssrc,
      };
      return { channel: track.channel, packet: rtpPacket(header, bytes) };
    });
    this.#options.send(packets, unit.trackIndex, unit);
  }

  #report(nowMs: number): void {
    this.#nextReportMs = nowMs + REPORT_EVERY_MS;
    const elapsedMs = nowMs - this.#options.startMs;
    for (const [trackIndex, track] of this.#tracks) {
      const packet = senderReport({
        ssrc: track.ssrc,
        nowMs: this.#options.startUtcMs + elapsedMs,
        timestamp: track.origin + Math.round((elapsedMs * track.clockRate) / 1000),
        packets: track.packets,
        payloadBytes: track.payloadBytes,
      });
      this.#options.send([{ channel: track.channel + 1, packet }], trackIndex);
    }
  }
}

/** Keyframes get the parameter sets in front, as cameras do; sets inside the sample are not sent twice. */
function unitPayloads(unit: PlayedUnit, maxBytes: number): RtpPayload[] {
  const { track, frame } = unit;
  if (track.kind === 'audio') return aacPayloads(frame.data, maxBytes);
  const units = nalUnits(frame.data, track.lengthBytes);
  const inBand = units.some(nal => isParameterSet(track.codec, nal));
  const all = frame.key && !inBand ? [...track.parameterSets, ...units] : units;
  return track.codec === 'h264' ? h264Payloads(all, maxBytes) : hevcPayloads(all, maxBytes);
}
