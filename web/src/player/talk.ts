// Speaking to a camera: the microphone of this device over a connection of its own, which is there only while somebody talks.
import type { Board } from './board.ts';
import { Peer } from './peer.ts';

/** A camera that is only now dialled takes its time. */
const CONNECT_MS = 15_000;

/** Why the microphone is not to be had. */
export type NoMicrophone = 'denied' | 'none' | 'busy';

export type TalkState =
  /** The browser asks for the microphone; then the board dials the camera. */
  | { is: 'asking' | 'connecting' | 'talking' }
  /** `wasHeard`: at the camera, before. */
  | { is: 'ended'; wasHeard?: boolean; why?: NoMicrophone; message?: string | undefined; cure?: string | undefined };

export class Talk {
  readonly #board: Board;
  readonly #camera: number;
  readonly #onState: (state: TalkState) => void;
  #microphone: MediaStream | undefined;
  #peer: Peer | undefined;
  #meter: { context: AudioContext; analyser: AnalyserNode; samples: Float32Array<ArrayBuffer> } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;
  #wasHeard = false;

  constructor(board: Board, camera: number, onState: (state: TalkState) => void) {
    this.#board = board;
    this.#camera = camera;
    this.#onState = onState;
  }

  /** Never rejects. */
  async start(): Promise<void> {
    this.#onState({ is: 'asking' });
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    try {
      this.#microphone = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      this.#end({ is: 'ended', why: noMicrophone((error as Error).name) });
      return;
    }
    // Let go of before the browser had an answer.
    if (this.#ended) {
      this.#silence();
      return;
    }
    this.#onState({ is: 'connecting' });
    try {
      await this.#connect(this.#microphone);
    } catch {
      // A browser that has no WebRTC, or nothing to measure sound with: the microphone is not kept.
      this.#end({ is: 'ended' });
    }
  }

  async #connect(microphone: MediaStream): Promise<void> {
    this.#measure(microphone);
    const peer = new Peer(this.#board, 'talk', this.#camera, {
      connected: () => {
        clearTimeout(this.#timer);
        this.#wasHeard = true;
        if (!this.#ended) this.#onState({ is: 'talking' });
      },
      lost: () => this.#onState({ is: 'connecting' }),
      failed: (message, cure) => this.#end({ is: 'ended', message, cure }),
    });
    this.#peer = peer;
    this.#timer = setTimeout(() => this.#end({ is: 'ended' }), CONNECT_MS);
    for (const track of microphone.getAudioTracks()) {
      peer.connection.addTransceiver(track, { direction: 'sendonly', streams: [microphone] });
      // Unplugged.
      track.onended = () => this.#end({ is: 'ended', why: 'none' });
    }
    await peer.open(CONNECT_MS);
  }

  /** How loud it is now, 0 to 1. */
  level(): number {
    if (!this.#meter) return 0;
    const { analyser, samples } = this.#meter;
    analyser.getFloatTimeDomainData(samples);
    return loudness(samples);
  }

  /** Idempotent; nothing is told afterwards. */
  stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#peer?.close();
    this.#silence();
  }

  #end(state: Extract<TalkState, { is: 'ended' }>): void {
    if (this.#ended) return;
    this.stop();
    this.#onState({ ...state, wasHeard: this.#wasHeard });
  }

  #measure(microphone: MediaStream): void {
    const context = new AudioContext();
    void context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(microphone).connect(analyser);
    this.#meter = { context, analyser, samples: new Float32Array(analyser.fftSize) };
  }

  #silence(): void {
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    void this.#meter?.context.close();
    this.#meter = undefined;
  }
}

function noMicrophone(name: string): NoMicrophone {
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
  return name === 'NotFoundError' || name === 'OverconstrainedError' ? 'none' : 'busy';
}

const QUIETEST_DB = -60;

/** From -60 dB (0) to full scale (1), as ears hear it. */
export function loudness(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(samples.length, 1);
  if (power === 0) return 0;
  return Math.min(1, Math.max(0, 1 - (10 * Math.log10(power)) / QUIETEST_DB));
}
