// Browsers over WebRTC: who may watch or talk to which camera by way of go2rtc, and for how long. Hides its streams, addresses and words.
import { randomBytes } from 'node:crypto';
import type { MediaAbilities } from '../cameras/index.ts';
import type { CameraId, Clock, EventBus, Logger, PeerEnd, StreamName } from '../core/index.ts';
import { Abilities, type AskedCamera } from './abilities.ts';
import { cleanAnswer } from './answer.ts';
import { type CleanOffer, cleanOffer, type PeerKind } from './offer.ts';
import type { Peer, PeerCameras, PeerFigures, PeerServer, ViewSource, Visit } from './peer.ts';
import { Peers } from './peers.ts';
import { type Interfaces, reachableAddresses } from './reach.ts';
import * as refusal from './refusals.ts';
import { SdpError } from './sdp.ts';
import type { Speakers } from './speakers.ts';
import { StreamNames } from './stream-names.ts';
import { talkSource } from './talk-source.ts';

export interface WebRtcOptions {
  go2rtc: PeerServer;
  cameras: PeerCameras;
  speakers: Pick<Speakers, 'of' | 'start' | 'stop'>;
  /** Pictures of a camera for one session alone. */
  view(camera: CameraId, stream: StreamName): Promise<ViewSource>;
  interfaces(): Interfaces;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

export interface Begun {
  session: string;
  sdp: string;
  sound: boolean;
}

/** Without a word that it is to go on, a talk ends. */
export const KEEP_MS = 60_000;
/** go2rtc, its source and its side of the connection are there in a tenth of it. */
const ANSWER_MS = 10_000;
/** Whoever lets go of the button and presses it again finds the camera free. */
const GONE_LOOK_MS = 200;
/** A sub stream is connected by then. */
const STREAM_MS = 6000;
const STREAM_LOOK_MS = 50;
/** What go2rtc knew of who takes a stream may be as old, and a browser needs a moment. */
const SETTLED_MS = 10_000;
/** A browser that was told to stop talking has done so by then; go2rtc itself cannot be told. */
const HELD_MS = 15_000;
/** Looks in turn. */
const MOST_MISSING = 2;

export class WebRtc {
  readonly #options: WebRtcOptions;
  readonly #abilities: Abilities;
  readonly #peers: Peers;
  readonly #names: StreamNames;
  readonly #stop = new AbortController();
  readonly #unsubscribe: (() => void)[] = [];
  /** Of looks at talks that have ended. */
  readonly #cancels = new Set<() => void>();
  #isAble = false;
  /** Of the process that was seen last. */
  #pid: number | undefined;

  constructor(options: WebRtcOptions) {
    const { clock, go2rtc, speakers } = options;
    this.#options = options;
    this.#abilities = new Abilities(go2rtc, speakers);
    this.#names = new StreamNames(clock);
    this.#peers = new Peers({
      clock,
      verdict: peer => this.#verdict(peer),
      onEnd: (peer, reason) => this.#tellEnd(peer, reason),
    });
  }

  start(): void {
    const { bus, go2rtc, speakers } = this.#options;
    speakers.start();
    this.#isAble = this.#abilities.hindrance() === undefined;
    this.#pid = go2rtc.state().pid;
    this.#unsubscribe.push(
      bus.on('camera.changed', () => this.#peers.look()),
      bus.on('camera.removed', () => this.#peers.look()),
      go2rtc.onChange(() => this.#follow()),
    );
  }

  /** Idempotent. */
  stop(): void {
    this.#stop.abort(refusal.stopping());
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#options.speakers.stop();
    this.#peers.stop();
    for (const cancel of this.#cancels) cancel();
  }

  /** What stands between a camera and its viewers and talkers now. */
  abilities(id: CameraId, camera: AskedCamera): MediaAbilities {
    return this.#abilities.of(id, camera);
  }

  figures(): PeerFigures {
    return this.#peers.figures();
  }

  /** Who talks now. */
  talks(): { camera: CameraId; by: string }[] {
    return this.#peers.talks();
  }

  /** A right was lost just now: ends what has no ground any more. Else that is looked at each 4 s. */
  look(): void {
    this.#peers.look();
  }

  /**
   * A browser's offer -> the answer, and a session that lasts until it is ended. Rejects with `invalid-argument` for an offer that is none,
   * `failed-precondition` where this camera or this browser cannot do it, `resource-exhausted` where too many do, `unavailable`.
   */
  watch(camera: CameraId, stream: StreamName, sdp: string, visit: Visit): Promise<Begun> {
    return this.#open('view', camera, sdp, visit, async ({ undo }, offer, signal) => {
      const { cameras, view } = this.#options;
      undo.push(cameras.need(camera, stream));
      const codec = await this.#codecOf(camera, stream, signal);
      if (!offer.video.has(codec)) throw refusal.unplayable(codec, stream);
      const source = await view(camera, stream);
      undo.push(() => source.close());
      return source.url;
    });
  }

  /** The same for a browser that sends sound; `failed-precondition` also while somebody else talks. */
  async talk(camera: CameraId, sdp: string, visit: Visit): Promise<Begun> {
    const { bus, log } = this.#options;
    const begun = await this.#open('talk', camera, sdp, visit, async () => {
      const source = this.#talkSource(camera);
      if (source === undefined) throw refusal.hindered(refusal.SPEAKER_UNREACHABLE);
      return source;
    });
    log.info('a talk began', { camera, user: visit.name });
    bus.emit('talk.changed', { camera, by: visit.name });
    return begun;
  }

  /** A talk goes on. Throws `not-found`. */
  keep(camera: CameraId, session: string, user: number): void {
    this.#peers.find('talk', camera, session, user).keptMs = this.#options.clock.monotonicMs();
  }

  /** Throws `not-found`. */
  end(kind: PeerKind, camera: CameraId, session: string, user: number): void {
    this.#peers.end(this.#peers.find(kind, camera, session, user), 'closed');
  }

  async #open(
    kind: PeerKind,
    camera: CameraId,
    sdp: string,
    visit: Visit,
    sourceFor: (peer: Peer, offer: CleanOffer, signal: AbortSignal) => Promise<string>,
  ): Promise<Begun> {
    const { go2rtc, clock } = this.#options;
    this.#stop.signal.throwIfAborted();
    const offer = readOffer(sdp, kind);
    this.#check(kind, camera);
    const reach = this.#reach(visit);
    this.#peers.admit(kind, camera, visit.user);
    const peer = this.#newPeer(kind, camera, visit);
    this.#peers.add(peer);
    const late = new AbortController();
    const watches = [
      clock.after(ANSWER_MS, () => late.abort(refusal.tooSlow())),
      this.#whenGone(visit, () => late.abort(refusal.nobodyWaits())),
    ];
    const signal = AbortSignal.any([late.signal, this.#stop.signal]);
    try {
      peer.source = await abortable(sourceFor(peer, offer, signal), signal);
      const claim = go2rtc.claim(peer.stream, peer.source);
      peer.undo.push(() => claim.release());
      const text = await abortable(go2rtc.answer(peer.stream, offer.sdp, signal), signal).catch((error: unknown) => {
        throw signal.aborted ? error : new refusal.Go2rtcError('unavailable', 'go2rtc failed', { cause: error });
      });
      const answer = cleanAnswer(text, offer, kind, reach);
      if (kind === 'view' ? !answer.video : !answer.audio) throw new SdpError('it carries nothing that was asked for');
      if (!visit.isStillGood()) throw refusal.noPictures();
      if (visit.isGone()) throw refusal.nobodyWaits();
      peer.pid = go2rtc.state().pid;
      this.#peers.opened(peer);
      return { session: peer.id, sdp: answer.sdp, sound: answer.audio };
    } catch (error) {
      if (visit.isGone()) this.#peers.forsaken(peer);
      else {
        this.#peers.failed(peer);
        this.#options.log.warn('a browser got no answer over WebRTC', { camera, kind, error });
      }
      throw refusal.failed(error, kind);
    } finally {
      for (const end of watches) end();
    }
  }

  /** Looks until it is told to end. */
  #whenGone({ isGone }: Visit, act: () => void): () => void {
    const { clock } = this.#options;
    let cancel = () => {};
    const look = () => {
      if (isGone()) act();
      else cancel = clock.after(GONE_LOOK_MS, look);
    };
    look();
    return () => cancel();
  }

  #newPeer(kind: PeerKind, camera: CameraId, { user, name, isStillGood }: Visit): Peer {
    const stream = this.#names.take(camera, kind, one => this.#options.go2rtc.takers(one));
    if (stream === undefined) throw refusal.tooMany('earlier ones do not go');
    const nowMs = this.#options.clock.monotonicMs();
    return {
      ...{ id: randomBytes(16).toString('base64url'), kind, camera, user, name, stream, isStillGood },
      ...{ isOpen: false, pid: undefined, source: '', begunMs: nowMs, keptMs: nowMs, missing: 0 },
      undo: [() => this.#names.leave(stream)],
    };
  }

  #check(kind: PeerKind, id: CameraId): void {
    const camera = this.#options.cameras.get(id);
    if (!camera) throw refusal.noCamera();
    const hindrance = kind === 'view' ? camera.cannot.webrtc : camera.cannot.talk;
    if (hindrance) throw refusal.hindered(hindrance);
  }

  #reach({ host, remoteAddress }: Visit): { addresses: string[]; port: number } {
    const { go2rtc, interfaces } = this.#options;
    const { port, addresses: listened } = go2rtc.settings().webrtc;
    const addresses = reachableAddresses({ host, remoteAddress }, interfaces(), listened);
    if (addresses.length === 0) throw refusal.noAddress();
    return { addresses, port };
  }

  /** Waits for a stream that is only connected while somebody needs it. */
  async #codecOf(id: CameraId, stream: StreamName, signal: AbortSignal): Promise<string> {
    const { cameras, clock } = this.#options;
    const untilMs = clock.monotonicMs() + STREAM_MS;
    for (;;) {
      const camera = cameras.get(id);
      if (!camera?.enabled || (stream === 'sub' && !camera.sub)) throw refusal.noPictures();
      const { state } = camera;
      const facts = stream === 'main' ? state.main : state.sub;
      const { name } = stream === 'main' ? state : (state.sub ?? state);
      if (name === 'live' && facts?.codec !== undefined) return facts.codec;
      const isComing = stream === 'sub' && clock.monotonicMs() < untilMs;
      if (!isComing) throw refusal.noPictures();
      await clock.sleep(STREAM_LOOK_MS, signal);
    }
  }

  #talkSource(camera: CameraId): string | undefined {
    const address = this.#options.cameras.address(camera);
    return address && talkSource(address);
  }

  #verdict(peer: Peer): PeerEnd | undefined {
    const { cameras, clock, go2rtc } = this.#options;
    if (go2rtc.state().pid !== peer.pid) return 'go2rtc';
    if (!peer.isStillGood()) return 'not-allowed';
    const camera = cameras.get(peer.camera);
    if (!camera?.enabled) return 'camera';
    const nowMs = clock.monotonicMs();
    if (peer.kind === 'talk') {
      if (this.#talkSource(peer.camera) !== peer.source) return 'camera';
      if (nowMs - peer.keptMs >= KEEP_MS) return 'silent';
    }
    if (nowMs - peer.begunMs < SETTLED_MS) return undefined;
    peer.missing = go2rtc.takers(peer.stream) === 0 ? peer.missing + 1 : 0;
    return peer.missing >= MOST_MISSING ? 'left' : undefined;
  }

  /** Whoever was connected to a process that is gone is so no more. */
  #follow(): void {
    const { go2rtc, cameras, bus } = this.#options;
    const { pid } = go2rtc.state();
    if (pid !== this.#pid) {
      this.#pid = pid;
      this.#names.forget();
      this.#peers.look();
    }
    const isAble = this.#abilities.hindrance() === undefined;
    if (isAble === this.#isAble) return;
    this.#isAble = isAble;
    for (const { id } of cameras.list()) bus.emit('camera.able', { camera: id });
  }

  #lookAtHeldLater(): void {
    const cancel = this.#options.clock.after(HELD_MS, () => {
      this.#cancels.delete(cancel);
      this.#lookAtHeld();
    });
    this.#cancels.add(cancel);
  }

  /** Somebody talks on who may not: nothing but a new start of go2rtc ends that. */
  #lookAtHeld(): void {
    const { go2rtc, log } = this.#options;
    const held = this.#names.heldOn('talk', one => go2rtc.takers(one));
    if (held.length === 0) return;
    log.warn('go2rtc is started anew: a browser does not stop talking', { streams: held });
    go2rtc.recheck();
  }

  #tellEnd({ camera, id, user, kind, name, begunMs }: Peer, reason: PeerEnd): void {
    const { bus, log, clock } = this.#options;
    const lastedMs = Math.round(clock.monotonicMs() - begunMs);
    bus.emit('webrtc.ended', { camera, session: id, user, reason });
    if (kind === 'talk') {
      log.info('a talk ended', { camera, user: name, reason, lastedMs });
      bus.emit('talk.changed', { camera, by: null });
      if (!this.#stop.signal.aborted) this.#lookAtHeldLater();
    } else log.debug('a view over WebRTC ended', { camera, reason, lastedMs });
  }
}

function readOffer(sdp: string, kind: PeerKind): CleanOffer {
  try {
    return cleanOffer(sdp, kind);
  } catch (error) {
    throw refusal.badOffer(error);
  }
}

/** The same, but given up with the signal. */
function abortable<T>(task: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    task.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
