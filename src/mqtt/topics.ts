// Where everything stands: the topics below our prefix, and those of Home Assistant's discovery.
import type { CameraId } from '../core/index.ts';

/** Payloads of availability, as Home Assistant takes them by itself. */
export const ONLINE = 'online';
export const OFFLINE = 'offline';

/** What a camera has retained; all of it goes with the camera. */
export const CAMERA_STATES = ['available', 'status', 'motion', 'record/state', 'enabled/state', 'picture'] as const;
export type CameraState = (typeof CAMERA_STATES)[number];
/** What may be asked of a camera; `ptz/set` = look at a preset. */
export const CAMERA_COMMANDS = ['record/set', 'enabled/set', 'trigger/set', 'ptz/set'] as const;
export type CameraCommand = (typeof CAMERA_COMMANDS)[number];
/** What the recorder itself has retained beside `available` and `store`. */
export const SYSTEM_STATES = ['status', 'update'] as const;

export interface Topics {
  /** Whether we are there. */
  available: string;
  /** Which recorder uses the prefix. */
  store: string;
  status: string;
  update: string;
  events: string;
  restart: string;
  camera(id: CameraId, what: CameraState | CameraCommand | 'event'): string;
  /** Filters of what is heard while we are connected. */
  commands: string[];
  /** Filter of what earlier cameras have left behind. */
  leftBehind: string;
  /** The id of a camera in a topic that `leftBehind` matches. */
  leftBy(topic: string): CameraId | undefined;
  /** What a topic asks for. */
  command(topic: string): { camera: CameraId; command: CameraCommand } | 'restart' | undefined;
}

export function topicsBelow(prefix: string): Topics {
  const below = (topic: string) => (topic.startsWith(`${prefix}/`) ? topic.slice(prefix.length + 1) : '');
  return {
    available: `${prefix}/available`,
    store: `${prefix}/store`,
    status: `${prefix}/status`,
    update: `${prefix}/update`,
    events: `${prefix}/events`,
    restart: `${prefix}/restart/set`,
    camera: (id, what) => `${prefix}/${id}/${what}`,
    commands: [`${prefix}/+/+/set`, `${prefix}/restart/set`],
    leftBehind: `${prefix}/+/status`,
    leftBy: topic => idOf(/^([^/]+)\/status$/.exec(below(topic))?.[1]),
    command(topic) {
      const rest = below(topic);
      if (rest === 'restart/set') return 'restart';
      const [, first, command] = /^([^/]+)\/(.+)$/.exec(rest) ?? [];
      const camera = idOf(first);
      const known = CAMERA_COMMANDS.find(one => one === command);
      return camera !== undefined && known ? { camera, command: known } : undefined;
    },
  };
}

function idOf(text: string | undefined): CameraId | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/** Names us to Home Assistant, and no other recorder at the same broker. */
export function deviceId(storeUuid: string, camera?: CameraId): string {
  return `thimble_${storeUuid}${camera === undefined ? '' : `_${camera}`}`;
}

/** Retained there: one message for each device. */
export function discoveryTopic(discoveryPrefix: string, device: string): string {
  return `${discoveryPrefix}/device/${device}/config`;
}

/** Where Home Assistant says that it has started. */
export function birthTopic(discoveryPrefix: string): string {
  return `${discoveryPrefix}/status`;
}
