// What stands between a camera and those who would watch it over WebRTC or talk to it.
import type { CameraAddress, Hindrance, MediaAbilities } from '../cameras/index.ts';
import type { CameraId } from '../core/index.ts';
import type { PeerServer } from './peer.ts';
import * as refusal from './refusals.ts';
import { SPOKEN, type Speakers } from './speakers.ts';
import { talkSource } from './talk-source.ts';

export interface AskedCamera extends Pick<CameraAddress, 'url' | 'username'> {
  enabled: boolean;
}

export class Abilities {
  readonly #go2rtc: Pick<PeerServer, 'state' | 'settings'>;
  readonly #speakers: Pick<Speakers, 'of'>;

  constructor(go2rtc: Pick<PeerServer, 'state' | 'settings'>, speakers: Pick<Speakers, 'of'>) {
    this.#go2rtc = go2rtc;
    this.#speakers = speakers;
  }

  of(id: CameraId, camera: AskedCamera): MediaAbilities {
    const hindrance = this.hindrance() ?? (camera.enabled ? undefined : refusal.DISABLED);
    if (hindrance) return { webrtc: hindrance, talk: hindrance };
    const talk = this.#speechless(id, camera);
    return talk ? { talk } : {};
  }

  /** The same for all cameras. */
  hindrance(): Hindrance | undefined {
    const state = this.#go2rtc.state();
    if (['absent', 'unusable', 'resting'].includes(state.name)) return refusal.noGo2rtc(state);
    if (this.#go2rtc.settings().webrtc.port === 0) return refusal.SWITCHED_OFF;
    return state.name === 'ready' && !state.webrtc ? refusal.NO_PORT : undefined;
  }

  #speechless(id: CameraId, camera: AskedCamera): Hindrance | undefined {
    if (talkSource({ ...camera, password: '' }) === undefined) return refusal.SPEAKER_UNREACHABLE;
    const codecs = this.#speakers.of(id, camera);
    if (codecs === undefined) return refusal.SPEAKER_UNKNOWN;
    if (codecs.length === 0) return refusal.NO_SPEAKER;
    return codecs.some(codec => SPOKEN.has(codec)) ? undefined : refusal.speakerCodecs(codecs);
  }
}
