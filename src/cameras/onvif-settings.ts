// What of a camera's settings is about ONVIF, and what is known of a camera that speaks it: types only.
import type {
  OnvifCapabilities,
  OnvifEvent,
  OnvifEventKind,
  OnvifEventsState,
  OnvifProblem,
  OnvifStreams,
} from '../onvif/index.ts';

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

/** What the store keeps of it. */
export interface OnvifRecord extends OnvifSettings {
  sealedPassword?: string;
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

export interface OnvifLinkState {
  name: OnvifLinkName;
  /** `absent`: the camera has none; `interrupted`: they came, and are being asked for again. */
  events: OnvifEventsState;
  problem?: OnvifFault;
  /** UTC. */
  sinceMs: number;
  /** Since when its messages, which came or should, do not. */
  silentSinceMs?: number;
}

/** How a camera is over ONVIF. */
export interface OnvifView {
  state: OnvifLinkState;
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
