// What of a camera's settings is about ONVIF, and what is known of a camera that speaks it: types only.
import type { OnvifCapabilities, OnvifEvent, OnvifEventKind, OnvifProblem, OnvifStreams } from '../onvif/index.ts';

/** Kinds that set off events. */
export type OnvifKind = Exclude<OnvifEventKind, 'other'>;

/** As the API shows it; the store keeps the same with a sealed password. */
export interface OnvifSettings {
  /** As its owner wrote it: a host, with port, or the whole address. */
  address: string;
  /** Whether its messages set off events. */
  events: boolean;
  /** Those of its messages that do; absent = all. */
  kinds?: OnvifKind[];
  /** Of a recorder: the sensor that this camera is. */
  videoSource?: string;
  /** Over HTTPS; cameras make their certificates themselves. */
  checkCertificate: boolean;
  /** Lets the password be sent as it is to a camera that knows nothing else. */
  allowBasic: boolean;
  /** Absent = the camera's own login, password and all. */
  username?: string;
}

/** `off`: no ONVIF, or the camera is disabled; `waiting`: for the main stream, which comes first, or for a login that is right. */
export type OnvifLinkName = 'off' | 'waiting' | 'idle' | 'connecting' | 'ready' | 'failed' | 'closed';

export interface OnvifFault {
  kind: OnvifProblem;
  message: string;
  cure: string;
}

/** One of its messages. */
export interface OnvifSeenEvent extends OnvifEvent {
  /** It was passed on; the others are of kinds that are not wanted. */
  isUsed: boolean;
}

/** How a camera is over ONVIF. */
export interface OnvifView {
  state: {
    name: OnvifLinkName;
    /** `absent`: the camera has none; `interrupted`: they came, and are being asked for again. */
    events: 'off' | 'absent' | 'starting' | 'live' | 'interrupted';
    problem?: OnvifFault;
    /** UTC. */
    sinceMs: number;
  };
  /** As it said when it was reached last, also before this start; absent before the first time. */
  capabilities?: OnvifCapabilities;
  /** Of the last ten minutes, at most 100, oldest first. */
  events: OnvifSeenEvent[];
  /** Of its messages in this run; absent while none are asked for. */
  figures?: { subscriptions: number; renewals: number; messages: number };
}

/** What a camera that is tried over ONVIF has. */
export interface OnvifProbe {
  /** As it is to be kept in `onvif.address`. */
  address: string;
  capabilities: OnvifCapabilities;
  streams: OnvifStreams;
}

/** A camera that answered to the search. */
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
