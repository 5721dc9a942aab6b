// One connection with the board over WebRTC: our offer, its answer, keeping it, its end. No candidate of ours is ever sent, and nobody
// is asked for one: the answer names the addresses of the board, and they are all there are.
import type { Board } from './board.ts';
import type { StreamName } from './play-state.ts';

export interface PeerEvents {
  connected(): void;
  /** Nothing comes or goes at present; it may connect again by itself. */
  lost?(): void;
  /** It never came about, or it ended; in the board's words where it has some. Not told after `close`. */
  failed(message?: string, cure?: string): void;
}

export class Peer {
  readonly connection = new RTCPeerConnection({ iceServers: [], bundlePolicy: 'max-bundle' });
  readonly #board: Board;
  readonly #kind: 'webrtc' | 'talk';
  readonly #camera: number;
  readonly #events: PeerEvents;
  readonly #closed = new AbortController();
  readonly #forget: () => void;
  #session: string | undefined;
  #keep: ReturnType<typeof setInterval> | undefined;

  /** `webrtc`: to see the camera; `talk`: to be heard there. */
  constructor(board: Board, kind: 'webrtc' | 'talk', camera: number, events: PeerEvents) {
    this.#board = board;
    this.#kind = kind;
    this.#camera = camera;
    this.#events = events;
    this.connection.onconnectionstatechange = () => {
      const { connectionState } = this.connection;
      if (connectionState === 'connected') events.connected();
      else if (connectionState === 'disconnected') events.lost?.();
      else if (connectionState === 'failed') this.#fail();
    };
    // The page itself goes.
    addEventListener('pagehide', () => this.#leave(), { signal: this.#closed.signal });
    this.#forget = board.onUpdate(update => {
      if ('type' in update && update.type === 'webrtc' && update.session === this.#session) this.#fail();
    });
  }

  /** What it is to carry was added to `connection` before. Resolves with whether the camera's sound comes too. */
  async open(timeLimitMs: number, stream?: StreamName): Promise<boolean> {
    const { signal } = this.#closed;
    const params = { id: this.#camera };
    try {
      const { sdp = '' } = await this.connection.createOffer();
      await this.connection.setLocalDescription({ type: 'offer', sdp });
      if (signal.aborted) return false;
      const body = { sdp, ...(stream ? { stream } : {}) };
      const options = { signal, timeLimitMs };
      const answer = await this.#board.call(`POST /api/cameras/{id}/${this.#kind}`, { params, body }, options);
      if (answer.is === 'error') this.#fail(answer.error.message, answer.error.cure);
      if (answer.is !== 'ok') return false;
      const { value } = answer;
      this.#session = value.session;
      if (signal.aborted) {
        this.#leave();
        return false;
      }
      if ('keepMs' in value) this.#keep = setInterval(() => void this.#stay(value.session), value.keepMs / 3);
      await this.connection.setRemoteDescription({ type: 'answer', sdp: value.sdp });
      return 'sound' in value && value.sound;
    } catch {
      // A browser that cannot what was answered; or it was closed meanwhile.
      this.#fail();
      return false;
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#forget();
    clearInterval(this.#keep);
    this.connection.close();
    this.#leave();
  }

  async #stay(session: string): Promise<void> {
    const params = { id: this.#camera, session };
    const { signal } = this.#closed;
    const answer = await this.#board.call('PUT /api/cameras/{id}/talk/{session}', { params }, { signal });
    if (answer.is === 'error' && answer.status === 404) this.#fail(answer.error.message, answer.error.cure);
  }

  #fail(message?: string, cure?: string): void {
    if (this.#closed.signal.aborted) return;
    this.close();
    this.#events.failed(message, cure);
  }

  /** The board notices by itself too, only later. */
  #leave(): void {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    void this.#board.call(
      `DELETE /api/cameras/{id}/${this.#kind}/{session}`,
      { params: { id: this.#camera, session } },
      { quiet: true },
    );
  }
}
