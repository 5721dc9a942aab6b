// The sessions that go on: how many there may be, whose they are, and when they end.
import { type CameraId, type Clock, NvrError, type PeerEnd } from '../core/index.ts';
import type { PeerKind } from './offer.ts';
import type { Peer, PeerFigures } from './peer.ts';
import { talking, tooMany } from './refusals.ts';

/** Each takes 2.5 to 5 MB and a copy of the stream in go2rtc. */
export const MOST_PEERS = 16;
export const MOST_OF_USER = 8;
export const MOST_OF_CAMERA = 8;
/** Whose answers are under way. */
const MOST_OPENING = 4;

export interface PeersOptions {
  clock: Pick<Clock, 'after'>;
  /** Why one that is open has no ground any more; undefined when it may go on. */
  verdict(peer: Peer): PeerEnd | undefined;
  onEnd(peer: Peer, reason: PeerEnd): void;
}

/** From the loss of a right to the end, at most. */
const LOOK_MS = 4000;

export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #begun: Record<PeerKind, number> = { view: 0, talk: 0 };
  readonly #ended = new Map<PeerEnd, number>();
  #failed = 0;
  #cancel: (() => void) | undefined;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  figures(): PeerFigures {
    const open = [...this.#peers.values()].filter(({ isOpen }) => isOpen);
    const talkers = open.filter(({ kind }) => kind === 'talk').length;
    return {
      ...{ viewers: open.length - talkers, talkers, begun: this.#begun, failed: this.#failed, ended: this.#ended },
    };
  }

  talks(): { camera: CameraId; by: string }[] {
    const talks = [...this.#peers.values()].filter(({ kind, isOpen }) => kind === 'talk' && isOpen);
    return talks.map(({ camera, name }) => ({ camera, by: name }));
  }

  /** Throws `resource-exhausted`, or `failed-precondition` where somebody else talks. */
  admit(kind: PeerKind, camera: CameraId, user: number): void {
    const all = [...this.#peers.values()];
    const talker = all.find(peer => peer.kind === 'talk' && peer.camera === camera);
    if (kind === 'talk' && talker) throw talking(talker.name);
    const count = (test: (peer: Peer) => boolean) => all.filter(test).length;
    if (all.length >= MOST_PEERS) throw tooMany(`${MOST_PEERS} browsers are served already`);
    if (count(peer => peer.user === user) >= MOST_OF_USER) throw tooMany(`this login has ${MOST_OF_USER} already`);
    if (count(peer => peer.camera === camera) >= MOST_OF_CAMERA) {
      throw tooMany(`${MOST_OF_CAMERA} browsers have this camera already`);
    }
    if (count(peer => !peer.isOpen) >= MOST_OPENING) throw tooMany('others are just beginning');
  }

  /** It counts from now on, though its answer is still to come. */
  add(peer: Peer): void {
    this.#peers.set(peer.id, peer);
  }

  opened(peer: Peer): void {
    peer.isOpen = true;
    this.#begun[peer.kind]++;
    this.#cancel ??= this.#options.clock.after(LOOK_MS, () => this.look());
  }

  /** Its answer does not come. */
  failed(peer: Peer): void {
    this.#failed++;
    this.#remove(peer);
  }

  /** Nobody waits for its answer any more. */
  forsaken(peer: Peer): void {
    this.#remove(peer);
  }

  /** Throws `not-found` for what has ended, or is somebody else's. */
  find(kind: PeerKind, camera: CameraId, id: string, user: number): Peer {
    const peer = this.#peers.get(id);
    if (!peer?.isOpen || peer.kind !== kind || peer.camera !== camera || peer.user !== user) {
      throw new NvrError('not-found', 'there is no such session');
    }
    return peer;
  }

  end(peer: Peer, reason: PeerEnd): void {
    if (!this.#peers.has(peer.id)) return;
    this.#remove(peer);
    this.#ended.set(reason, (this.#ended.get(reason) ?? 0) + 1);
    this.#options.onEnd(peer, reason);
  }

  /** Those that are open. */
  endAll(reason: PeerEnd): void {
    for (const peer of [...this.#peers.values()]) if (peer.isOpen) this.end(peer, reason);
  }

  /** Ends those that have no ground any more. No timer while there are none. */
  look(): void {
    this.#cancel?.();
    for (const peer of [...this.#peers.values()]) {
      const reason = peer.isOpen ? this.#options.verdict(peer) : undefined;
      if (reason) this.end(peer, reason);
    }
    const isWatched = [...this.#peers.values()].some(({ isOpen }) => isOpen);
    this.#cancel = isWatched ? this.#options.clock.after(LOOK_MS, () => this.look()) : undefined;
  }

  stop(): void {
    this.endAll('stopping');
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #remove(peer: Peer): void {
    this.#peers.delete(peer.id);
    for (const step of peer.undo.splice(0).reverse()) step();
  }
}
