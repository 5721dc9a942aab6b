// The part of the contract about ONVIF: finding cameras, trying them, what they tell, and moving them.
import type { OnvifView } from '../cameras/index.ts';
import type { DayNight, PtzPreset, SoapLogEntry } from '../onvif/index.ts';

export type {
  OnvifFault,
  OnvifKind,
  OnvifProbe,
  OnvifSeenEvent,
  OnvifSettings,
  OnvifView,
} from '../cameras/index.ts';
export type {
  DayNight,
  OnvifCapabilities,
  OnvifProblem,
  OnvifProfile,
  PtzAbilities,
  PtzPreset,
  Relay,
} from '../onvif/index.ts';

/** A camera that answered to a search. */
export interface FoundDevice {
  /** For `onvif.address`. */
  address: string;
  host: string;
  name?: string;
  hardware?: string;
  location?: string;
  /** Those that are there already on the same host. */
  cameras: number[];
}

/** `POST /api/cameras/discover`, one search of `waitMs`: who wants to show something sooner asks with a short one first. */
export interface DiscoverReply {
  /** In the order of their answers. */
  devices: FoundDevice[];
  /** Networks that could not be asked: an address of this machine and the system's word. */
  failed: { address: string; reason: string }[];
}

/** For whoever is no admin `capabilities.information` has no serial number. */
export type OnvifInfo = OnvifView;

/** `GET`, `PUT /api/cameras/{id}/onvif/log` */
export interface OnvifLog {
  on: boolean;
  /** When it is switched off by itself; what it holds is forgotten then. */
  untilMs?: number;
  /** Oldest first, without secrets, at most 64 Ki characters. */
  entries: SoapLogEntry[];
}

/**
 * `move`: `pan`, `tilt`, `zoom` (-1 to 1, to the right, upwards, inwards) are speeds; to be sent each 500 ms while it is held, the camera stops
 * at most 1 s after the last. `go-to`: places (zoom 0 to 1), `go-by`: ways. `preset`: goes there. `home`: goes home, `keep-home`: makes the
 * present place the home (operators).
 */
export interface PtzCommand {
  action: 'move' | 'stop' | 'preset' | 'home' | 'keep-home' | 'go-to' | 'go-by';
  pan?: number;
  tilt?: number;
  zoom?: number;
  /** Token; of `preset` only. */
  preset?: string;
}

export interface PresetList {
  presets: PtzPreset[];
}

/** Those about one camera answer `failed-precondition` for one without ONVIF, or one that cannot do what is asked. */
export interface OnvifRoutes {
  'POST /api/cameras/discover': { body: { waitMs?: number }; answer: DiscoverReply };
  'GET /api/cameras/{id}/onvif': { answer: OnvifInfo };
  'GET /api/cameras/{id}/onvif/log': { answer: OnvifLog };
  'PUT /api/cameras/{id}/onvif/log': { body: { on: boolean }; answer: OnvifLog };
  /** 204; needs the right `ptz`, as does all below. */
  'POST /api/cameras/{id}/ptz': { body: PtzCommand };
  'GET /api/cameras/{id}/ptz/presets': { answer: PresetList };
  /** Keeps where it looks now, as a new one or, with `token`, in place of one that there is (operators). */
  'POST /api/cameras/{id}/ptz/presets': { body: { name: string; token?: string }; answer: PtzPreset };
  'DELETE /api/cameras/{id}/ptz/presets': { query: { token: string } };
  /** 204 (operators). */
  'POST /api/cameras/{id}/relay': { body: { relay: string; on: boolean } };
  /** Absent where the camera does not say. */
  'GET /api/cameras/{id}/day-night': { answer: { mode?: DayNight } };
  'POST /api/cameras/{id}/day-night': { body: { mode: DayNight } };
}
