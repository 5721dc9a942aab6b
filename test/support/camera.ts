// A camera that misbehaves on demand: our RTSP server with faults between it and its clients, and a record of what it sent.
import type { Logger } from '../../src/core/index.ts';
import type { Clip, Track } from '../../src/demo/clip.ts';
import { readMp4File } from '../../src/demo/mp4-file.ts';
import type { Outgoing, OutgoingContext } from '../../src/demo/rtp-sender.ts';
import type { LoginOptions } from '../../src/demo/rtsp-login.ts';
import type { RtspReply, RtspRequest } from '../../src/demo/rtsp-request.ts';
import { RtspServer } from '../../src/demo/rtsp-server.ts';
import { unitSha256 } from './access-units.ts';
import { fastClock } from './fast-clock.ts';
import { type SyntheticClip, syntheticClip } from './synthetic-clip.ts';

/** Something that goes wrong while the camera plays. It hits every connection that plays at that moment. */
export type Fault =
  /** Sends and answers nothing more; the connections stay. */
  | { kind: 'freeze' }
  /** Ends a freeze. Times go on as if the camera had been sending. */
  | { kind: 'thaw' }
  /** Closes the connections between two packets. New ones are welcome. */
  | { kind: 'close' }
  /** Closes in the middle of the next interleaved frame. */
  | { kind: 'close-in-frame' }
  /** Closes everything and stops listening; with `backAfterMs` comes back on the same port. */
  | { kind: 'die'; backAfterMs?: number }
  | { kind: 'come-back' }
  /** All tracks go on with another SSRC and other sequence numbers. */
  | { kind: 'new-ssrc' }
  /** RTP times of all tracks move by `byMs` from the next unit on; for good, or for so many video units. */
  | { kind: 'jump'; byMs: number; videoUnits?: number }
  /** So many bytes of noise (without `$` and `RTSP`) before the next unit. */
  | { kind: 'garbage'; bytes: number }
  /** The next so many RTP packets of the track get lost, their sequence numbers are used up. */
  | { kind: 'lose'; track: Track['kind']; packets: number };

export interface ScriptedFault {
  /** Before the video unit with this number (from 0, per connection) is sent. */
  atVideoUnit: number;
  /** Only on the connection with this number, from 1; default: on each. */
  connection?: number;
  fault: Fault;
}

/** Everything is plain data, so that a camera can be started in another process. */
export interface CameraOptions {
  /** Paths of plain MP4 files, or synthetic clips; all with the same kinds of tracks and time scales. */
  clips: (string | SyntheticClip)[];
  /** Which clip (by place) each round of the loop plays; the last one goes on for ever. Default: always the first. */
  rounds?: number[];
  /** Default: chosen by the system. */
  port?: number;
  login?: LoginOptions;
  /** The only kind of track that there is. */
  only?: Track['kind'];
  /** The first audio frame's time on the time line on which the first video frame is shown at 0. Default 0. */
  audioStartMs?: number;
  /** The SDP claims this encoding name for the video (`VP9`). */
  claimVideo?: string;
  /** Every DESCRIBE is refused with this status. 401 comes with a challenge that no password satisfies. */
  refuseDescribe?: 401 | 403 | 404 | 453 | 500 | 503;
  describeDelayMs?: number;
  /** SETUP of the sound fails with 461. */
  refuseAudioSetup?: boolean;
  /** Default true. */
  rtpInfo?: boolean;
  /** Sender reports are sent unless this is 'none'; with a number those of the sound are wrong by so many ms. */
  senderReports?: 'none' | { audioOffsetMs: number };
  /** TEARDOWN is never answered. */
  silentTeardown?: boolean;
  /** How many times faster than the world its clock runs; default 1. For clients that do not look at arrival. */
  speed?: number;
  /** Largest RTP payload; default 1400. */
  maxPayloadBytes?: number;
  script?: ScriptedFault[];
}

/** One access unit that was handed to a connection. */
export interface SentUnit {
  connection: number;
  kind: Track['kind'];
  /** Counts the units of the track on this connection, from 0, also those that were lost. */
  index: number;
  /** Milliseconds since the start of play, without the times of faults. */
  ptsMs: number;
  dtsMs: number;
  key: boolean;
  /** As `unitSha256` makes it. */
  sha256: string;
  /** False when a fault took some of its packets. */
  whole: boolean;
  sentAtMs: number;
}

interface ConnectionState {
  videoUnits: number;
  shiftMs: number;
  shiftEndsAtUnit: number;
  ssrcMask: number;
  garbageBytes: number;
  loseVideo: number;
  loseAudio: number;
  /** `cut`: half a frame is sent, and nothing may follow it. */
  closeInFrame: boolean | 'cut';
}

const PATH = 'stream';
const NO_LOG: Logger = { child: () => NO_LOG, debug() {}, info() {}, warn() {}, error() {} };

export class Camera {
  /** In the order of sending. */
  readonly sent: SentUnit[] = [];
  /** Methods of all requests with their connection, in the order of arrival. */
  readonly requests: { connection: number; method: string; atMs: number }[] = [];
  readonly #options: CameraOptions;
  readonly #server: RtspServer;
  readonly #states = new Map<number, ConnectionState>();
  readonly #hashes = new WeakMap<Buffer, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #frozen = false;

  private constructor(options: CameraOptions, clips: Clip[]) {
    this.#options = options;
    const rounds = options.rounds ?? [0];
    const clipOf = (round: number): Clip => {
      const clip = clips[rounds[Math.min(round, rounds.length - 1)] ?? 0];
      if (!clip) throw new Error('a round names a clip that does not exist');
      return clip;
    };
    this.#server = new RtspServer({
      ...{ log: NO_LOG, clock: fastClock(options.speed ?? 1), mounts: new Map([[PATH, { clipOf }]]) },
      ...(options.port !== undefined && { port: options.port }),
      ...(options.login && { login: options.login }),
      ...(options.maxPayloadBytes !== undefined && { maxPayloadBytes: options.maxPayloadBytes }),
      interceptor: {
        answer: (request, reply, connectionId) => this.#answer(request, reply, connectionId),
        outgoing: (packets, context) => this.#outgoing(packets, context),
      },
    });
  }

  /** A camera that accepts clients. */
  static async start(options: CameraOptions): Promise<Camera> {
    const clips = await Promise.all(options.clips.map(one => loadClip(one, options)));
    const camera = new Camera(options, clips);
    await camera.#server.start(new AbortController().signal);
    return camera;
  }

  get url(): string {
    return this.#server.url(PATH);
  }

  get port(): number {
    return this.#server.port;
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#server.connections.size;
  }

  /** What was sent of one track on one connection (default: the newest that plays). */
  sentUnits(kind: Track['kind'], connection?: number): SentUnit[] {
    const wanted = connection ?? this.sent.at(-1)?.connection;
    return this.sent.filter(unit => unit.kind === kind && unit.connection === wanted);
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#server.stop();
  }

  /** Lets it happen now. */
  async inject(fault: Fault): Promise<void> {
    if (fault.kind === 'freeze' || fault.kind === 'thaw') this.#frozen = fault.kind === 'freeze';
    else if (fault.kind === 'come-back') await this.#server.start(new AbortController().signal);
    else if (fault.kind === 'close') for (const one of this.#server.connections) one.close();
    else if (fault.kind === 'die') await this.#die(fault.backAfterMs);
    else for (const one of this.#server.connections) applyFault(this.#state(one.id), fault);
  }

  async #die(backAfterMs: number | undefined): Promise<void> {
    await this.#server.stop();
    if (backAfterMs === undefined) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.inject({ kind: 'come-back' });
    }, backAfterMs);
    this.#timers.add(timer);
  }

  #state(connectionId: number): ConnectionState {
    const known = this.#states.get(connectionId);
    if (known) return known;
    const state: ConnectionState = {
      ...{ videoUnits: 0, shiftMs: 0, shiftEndsAtUnit: Number.POSITIVE_INFINITY, ssrcMask: 0 },
      ...{ garbageBytes: 0, loseVideo: 0, loseAudio: 0, closeInFrame: false },
    };
    this.#states.set(connectionId, state);
    return state;
  }

  async #answer(request: RtspRequest, usual: () => RtspReply, connection: number): Promise<RtspReply | 'silence'> {
    this.requests.push({ connection, method: request.method, atMs: Date.now() });
    const options = this.#options;
    if (this.#frozen) return 'silence';
    if (request.method === 'TEARDOWN' && options.silentTeardown) {
      usual();
      return 'silence';
    }
    if (request.method === 'SETUP' && options.refuseAudioSetup && !request.url.endsWith('trackID=0')) {
      return { status: 461, reason: 'Unsupported Transport', headers: [] };
    }
    if (request.method === 'DESCRIBE') return this.#describe(usual);
    const reply = usual();
    if (options.rtpInfo === false) reply.headers = reply.headers.filter(([name]) => name !== 'RTP-Info');
    return reply;
  }

  async #describe(usual: () => RtspReply): Promise<RtspReply> {
    const { describeDelayMs, refuseDescribe, claimVideo } = this.#options;
    if (describeDelayMs !== undefined) await this.#sleep(describeDelayMs);
    if (refuseDescribe !== undefined) {
      const challenge: [string, string][] = [
        ['WWW-Authenticate', 'Digest realm="camera", nonce="00112233445566778899"'],
      ];
      return { status: refuseDescribe, reason: 'Refused', headers: refuseDescribe === 401 ? challenge : [] };
    }
    const reply = usual();
    if (claimVideo !== undefined && reply.body !== undefined) {
      reply.body = reply.body.replace(/(a=rtpmap:\d+ )H26[45]/, `$1${claimVideo}`);
    }
    return reply;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }

  #outgoing(packets: Outgoing[], context: OutgoingContext): Outgoing[] {
    const state = this.#state(context.connectionId);
    if (!context.unit) return this.#frozen ? [] : this.#reports(packets, context.trackIndex, state);
    if (context.unit.track.kind === 'video') this.#runScript(state, context.connectionId);
    if (this.#frozen) return [];
    const { kept, lost } = loseSome(packets, state, context.unit.track.kind);
    const sent = kept.map(one => ('packet' in one ? { ...one, packet: rewriteRtp(one.packet, state, context) } : one));
    if (state.closeInFrame === 'cut') return [];
    if (state.closeInFrame) return this.#cutShort(sent, state, context);
    this.#note(context, lost === 0);
    if (state.garbageBytes === 0) return sent;
    const raw = Buffer.alloc(state.garbageBytes, 0xa5);
    state.garbageBytes = 0;
    return [{ raw }, ...sent];
  }

  #runScript(state: ConnectionState, connection: number): void {
    const unit = state.videoUnits;
    if (unit >= state.shiftEndsAtUnit) state.shiftMs = 0;
    for (const step of this.#options.script ?? []) {
      if (step.atVideoUnit !== unit || (step.connection ?? connection) !== connection) continue;
      void this.inject(step.fault);
    }
    state.videoUnits++;
  }

  /** Half of the first packet's frame, then the end. */
  #cutShort(packets: Outgoing[], state: ConnectionState, context: OutgoingContext): Outgoing[] {
    state.closeInFrame = 'cut';
    this.#note(context, false);
    setImmediate(() => {
      for (const one of this.#server.connections) if (one.id === context.connectionId) one.close();
    });
    const first = packets[0];
    if (!first || 'raw' in first) return [];
    const header = Buffer.from([0x24, first.channel, first.packet.length >> 8, first.packet.length & 0xff]);
    return [{ raw: Buffer.concat([header, first.packet.subarray(0, first.packet.length >> 1)]) }];
  }

  #reports(packets: Outgoing[], trackIndex: number, state: ConnectionState): Outgoing[] {
    const { senderReports } = this.#options;
    if (senderReports === 'none') return [];
    const isAudio = trackIndex > 0;
    for (const one of packets) {
      if (!('packet' in one)) continue;
      for (const at of [4, 32]) one.packet.writeUInt32BE((one.packet.readUInt32BE(at) ^ state.ssrcMask) >>> 0, at);
      if (!senderReports || !isAudio) continue;
      const ntp = one.packet.readBigUInt64BE(8) + (BigInt(senderReports.audioOffsetMs) * 2n ** 32n) / 1000n;
      one.packet.writeBigUInt64BE(BigInt.asUintN(64, ntp), 8);
    }
    return packets;
  }

  #note(context: OutgoingContext, whole: boolean): void {
    const { unit, connectionId: connection } = context;
    if (!unit) return;
    const { track, frame } = unit;
    const lengthBytes = track.kind === 'video' ? track.lengthBytes : 4;
    const sha256 = this.#hashes.get(frame.data) ?? unitSha256(track.codec, frame.data, lengthBytes);
    this.#hashes.set(frame.data, sha256);
    const [ptsMs, dtsMs] = [unit.ptsTicks, unit.dtsTicks].map(ticks => (ticks / track.timescale) * 1000) as [
      number,
      number,
    ];
    const { kind } = track;
    this.sent.push({
      connection,
      kind,
      index: unit.index,
      ptsMs,
      dtsMs,
      key: frame.key,
      sha256,
      whole,
      sentAtMs: Date.now(),
    });
  }
}

function applyFault(state: ConnectionState, fault: Fault): void {
  if (fault.kind === 'new-ssrc') state.ssrcMask ^= 0x5a5a5a5a;
  else if (fault.kind === 'garbage') state.garbageBytes += fault.bytes;
  else if (fault.kind === 'close-in-frame') state.closeInFrame = true;
  else if (fault.kind === 'lose') state[fault.track === 'video' ? 'loseVideo' : 'loseAudio'] += fault.packets;
  else if (fault.kind === 'jump') {
    state.shiftMs += fault.byMs;
    state.shiftEndsAtUnit = state.videoUnits + (fault.videoUnits ?? Number.POSITIVE_INFINITY);
  }
}

function loseSome(
  packets: Outgoing[],
  state: ConnectionState,
  kind: Track['kind'],
): { kept: Outgoing[]; lost: number } {
  const counter = kind === 'video' ? 'loseVideo' : 'loseAudio';
  const lost = Math.min(state[counter], packets.length);
  state[counter] -= lost;
  return { kept: packets.slice(lost), lost };
}

/** Applies the changes of time and SSRC that are in force to an RTP packet. */
function rewriteRtp(packet: Buffer, state: ConnectionState, context: OutgoingContext): Buffer {
  const track = context.unit?.track;
  const clockRate = track?.kind === 'audio' ? track.sampleRate : 90_000;
  packet.writeUInt16BE((packet.readUInt16BE(2) + state.ssrcMask) & 0xffff, 2);
  packet.writeUInt32BE((packet.readUInt32BE(4) + Math.round((state.shiftMs * clockRate) / 1000)) >>> 0, 4);
  packet.writeUInt32BE((packet.readUInt32BE(8) ^ state.ssrcMask) >>> 0, 8);
  return packet;
}

async function loadClip(source: string | SyntheticClip, options: CameraOptions): Promise<Clip> {
  const clip = typeof source === 'string' ? await readMp4File(source) : syntheticClip(source);
  const tracks = clip.tracks.filter(track => options.only === undefined || track.kind === options.only);
  return { tracks: tracks.map(track => (track.kind === 'audio' ? moved(track, options.audioStartMs ?? 0) : track)) };
}

/** The track with its first frame at `startMs`: takes out the encoder's priming, which differs between clips. */
function moved<T extends Track>(track: T, startMs: number): T {
  const by = Math.round((startMs * track.timescale) / 1000) - (track.frames[0]?.pts ?? 0);
  return { ...track, frames: track.frames.map(frame => ({ ...frame, dts: frame.dts + by, pts: frame.pts + by })) };
}
