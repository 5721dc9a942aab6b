// Every reason of the contract in words: why there is no footage, no picture, or trouble. One table, so that none is forgotten.
import type { Camera, Gap, Problem } from '../../../src/api/contract.ts';
import { words } from '../words.ts';

export type GapReason = Gap['reason'];
export type ProblemKind = Problem['kind'];
export type StateName = Camera['state']['name'];
export type CameraProblem = NonNullable<Camera['state']['reason']>;
export type ReasonKind = GapReason | ProblemKind | StateName | CameraProblem;

/** Of those about ONVIF the board's own sentence tells more. */
const REASONS: Readonly<Record<Exclude<ReasonKind, `onvif-${string}`> | 'onvif', string>> = {
  // Faults that leave gaps.
  offline: 'camera offline',
  refused: 'camera refuses the connection',
  hub: 'no way to the camera',
  stalled: 'no pictures arrive',
  'slow-disk': 'storage too slow',
  'disk-full': 'storage full',
  'no-volume': 'storage missing',
  crash: 'the recorder crashed',
  'power-cut': 'power cut',
  restart: 'the recorder was restarted',
  memory: 'the board ran out of memory',
  clock: 'the clock was set',
  // What somebody wanted.
  schedule: 'off by schedule',
  stopped: 'recording switched off',
  disabled: 'camera disabled',
  privacy: 'privacy mode',
  quiet: 'nothing happened',
  deleted: 'deleted to make room or by age',
  // How a camera is.
  starting: 'connecting',
  live: 'live',
  reconnecting: 'reconnecting',
  failed: 'does not work',
  // Why it does not deliver.
  unreachable: 'no way to the camera',
  'unknown-host': 'its name is not known',
  'address-forbidden': 'its address is not allowed',
  unauthorized: 'wrong user or password',
  'not-found': 'no stream under this path',
  'no-video': 'no video in the stream',
  'unsupported-codec': 'coded in a way that cannot be recorded',
  'unsupported-transport': 'does not send over TCP',
  busy: 'camera has too many viewers',
  'not-rtsp': 'does not speak RTSP',
  'server-error': 'camera reports an error of its own',
  timeout: 'no answer',
  closed: 'camera closed the connection',
  'no-keyframe': 'no key frame arrives',
  'password-unreadable': 'stored password cannot be read',
  'demo-off': 'belongs to the demo, which is off',
  'not-listed': 'not in the configuration file any more',
  // What else is wrong.
  'index-unwritable': 'index cannot be written',
  'index-full': 'index is full',
  'index-damaged': 'index was damaged',
  'index-restored': 'index was restored from a copy',
  go2rtc: 'go2rtc does not work',
  mqtt: 'MQTT broker away',
  restream: 'Restreaming has no port',
  onvif: 'ONVIF does not work',
  'deletion-failed': 'old footage cannot be deleted',
  'volume-missing': 'storage missing',
  'no-space': 'no room left',
  recording: 'not recorded',
  camera: 'camera does not deliver',
  'camera-settings': 'settings cannot be read',
  'sub-stream': 'small stream does not work',
  'bad-clock': "camera's clock runs wrong",
  'long-gop': 'key frames lie far apart',
  'short-pre-roll': 'not enough memory for the time before events',
  'no-audio': 'sound is not recorded',
  'flapping-parameters': 'keeps changing how it codes',
  configuration: 'configuration file has a mistake',
};

const CURES: Readonly<Partial<Record<GapReason, string>>> = {
  offline: 'Check its power, its cable or Wi-Fi.',
  refused: 'Check its password, and how many viewers it allows.',
  hub: "Check the camera's address.",
  stalled: 'Restart the camera if it happens often.',
  'slow-disk': 'Use a faster volume, or a lower bit rate.',
  'disk-full': 'Keep fewer days, or use a larger volume.',
  'no-volume': 'Check that the volume is mounted and sound.',
  crash: 'It started again by itself; the log says more.',
  'power-cut': 'At most the last 3 seconds before it are lost.',
  memory: 'Use fewer cameras, or shorter times before events.',
};

/** Somebody wanted them, or it is how the mode works. */
const INTENDED: ReadonlySet<GapReason> = new Set(['schedule', 'stopped', 'disabled', 'privacy', 'quiet']);

const text = words('reasons', REASONS);
const cureText = words('cures', CURES as Readonly<Record<GapReason, string>>);

/** In lower case, to stand behind a name. Of a newer board than these pages: its own word. */
export function reasonWords(kind: ReasonKind): string {
  return text(isOnvif(kind) ? 'onvif' : kind);
}

function isOnvif(kind: ReasonKind): kind is Extract<ReasonKind, `onvif-${string}`> {
  return kind.startsWith('onvif-');
}

/** What can be done about a gap. */
export function gapCure(reason: GapReason): string | undefined {
  return Object.hasOwn(CURES, reason) ? cureText(reason) : undefined;
}

/** How a gap is drawn: hatched, dotted, blank. */
export function gapKind(reason: GapReason): 'fault' | 'intended' | 'deleted' {
  if (reason === 'deleted') return 'deleted';
  return INTENDED.has(reason) ? 'intended' : 'fault';
}
