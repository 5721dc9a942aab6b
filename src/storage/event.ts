// What the rest of the service knows about one event, and the questions it may ask.
import type { CameraId } from '../core/index.ts';
import type { Reviewers } from './event-reviewers.ts';
import { MAX_TIME_MS } from './layout.ts';

/** What can set off an event. What stands on disk is the place in this list, for ever: new ones are added at the end, up to 16. */
export const TRIGGER_SOURCES = [
  'http',
  'manual',
  'schedule',
  'camera',
  'onvif',
  'mqtt',
  'motion',
  'detection',
  'sound',
] as const;
export type TriggerSource = (typeof TRIGGER_SOURCES)[number];

/** Something that was seen in the picture. */
export interface EventBox {
  /** At most 32 characters. */
  label?: string;
  /** Left, top, width, height; 0 to 1 of the picture, kept to 1/10000. */
  box: [number, number, number, number];
  /** 0 to 1, kept to 1/1000. */
  score?: number;
  atMs: number;
}

export interface StoredEvent {
  /** `<camera>-<startMs>-<n>`, n = 0.. among events of one camera that start in the same millisecond. */
  id: string;
  camera: CameraId;
  /** As footage is dated. */
  startMs: number;
  /** Absent while it goes on. */
  endMs?: number;
  /** At most 16, of 32 characters each. */
  labels: string[];
  /** At most 16, of 32 characters each. */
  zones: string[];
  sources: TriggerSource[];
  /** 0 to 1, kept to 1/1000. */
  score?: number;
  /** At most 8. */
  boxes: EventBox[];
  /** 0 to 60,000 ms. */
  preRoll: { promisedMs: number; deliveredMs: number };
  /** 0 to 600,000 ms. */
  postRollMs: number;
  picture?: { atMs: number; width: number; height: number; sizeBytes: number };
  /** Never deleted by itself, nor is its footage. */
  locked: boolean;
  reviewedBy: Reviewers;
  /** At most 500 characters. */
  note?: string;
  /** JSON of the first trigger, at most 1 KiB. */
  payload?: string;
  /** Id of the event that it goes on from. */
  continues?: string;
}

/** What an event can begin with; the rest is empty. */
export type EventFields = Partial<Omit<StoredEvent, 'id' | 'camera' | 'startMs'>>;

/** What can change of an event; lists are replaced. Null takes something away: the end of an event that goes on after all. */
export type EventPatch = Partial<Omit<StoredEvent, 'id' | 'camera' | 'startMs' | 'endMs' | 'picture' | 'score'>> & {
  endMs?: number | null;
  picture?: StoredEvent['picture'] | null;
  score?: number | null;
};

/** All filters hold together; those left out let everything pass. */
export interface EventQuery {
  cameras?: readonly CameraId[];
  /** Events that overlap [startMs, endMs), without their pre- and post-roll. */
  startMs?: number;
  endMs?: number;
  label?: string;
  zone?: string;
  source?: TriggerSource;
  /** By this user, or not by it. */
  reviewed?: { user: number; is: boolean };
  locked?: boolean;
  /** At least 1. */
  limit: number;
  /** Where the answer before ended. */
  cursor?: string;
}

export interface EventPage {
  /** Newest first, by their start. Fewer than asked for, even none, when few of very many match: `cursor` then goes on. */
  events: StoredEvent[];
  /** Set when there may be more. */
  cursor?: string;
}

/** Where an event stands in the order of all. */
export interface EventKey {
  camera: CameraId;
  startMs: number;
  n: number;
}

export const MAX_EVENTS_PER_MS = 65_536;

export function eventId({ camera, startMs, n }: EventKey): string {
  return `${camera}-${startMs}-${n}`;
}

/** The parts of an event id, or undefined when it is none. */
export function parseEventId(id: string): EventKey | undefined {
  const match = /^([1-9]\d{0,8})-(0|[1-9]\d{0,14})-(0|[1-9]\d{0,4})$/.exec(id);
  if (!match) return undefined;
  const [startMs, n] = [Number(match[2]), Number(match[3])];
  return n < MAX_EVENTS_PER_MS && startMs <= MAX_TIME_MS ? { camera: Number(match[1]), startMs, n } : undefined;
}
