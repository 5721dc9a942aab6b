// An event as others see it: the API's clients, webhooks, and in short the other parts of the service.
import type { CameraEventSummary, CameraId } from '../core/index.ts';
import { isReviewedBy, type StoredEvent } from '../storage/index.ts';

/** The public shape of an event, the same for everybody. */
export interface EventFacts extends Omit<StoredEvent, 'payload' | 'reviewedBy'> {
  /** What the first trigger brought with it. */
  payload?: unknown;
}

/** The public shape of an event for one user. */
export interface EventView extends EventFacts {
  /** By this user; what another has reviewed does not count. */
  reviewed: boolean;
}

/** Events of a camera for its timeline. */
export interface EventMarks {
  /** By their start; `picture` where one of it is stored. */
  events: { id: string; startMs: number; endMs?: number; label: string; picture?: true }[];
  /** How many are left out; the strongest are shown. */
  more: number;
}

export function eventView(event: StoredEvent, user: number): EventView {
  return { ...eventFacts(event), reviewed: isReviewedBy(event.reviewedBy, user) };
}

export function eventFacts({ payload, reviewedBy: _, ...event }: StoredEvent): EventFacts {
  if (payload === undefined) return event;
  try {
    return { ...event, payload: JSON.parse(payload) };
  } catch {
    // The index is not to be trusted.
    return event;
  }
}

export function summaryOf({ camera, id, startMs, endMs, labels, sources }: StoredEvent): CameraEventSummary {
  return { camera, id, startMs, ...(endMs === undefined ? {} : { endMs }), labels, sources };
}

/** What it is called in one word: what was seen, else what set it off. */
export function labelOf({ boxes, labels, sources }: StoredEvent): string {
  return boxes.find(box => box.label !== undefined)?.label ?? labels[0] ?? sources[0] ?? '';
}

/**
 * The footage that belongs to it, [startMs, endMs); of one that goes on, until `nowMs`. All that was promised before it, wherever the
 * camera was away in between: what is there of it was recorded for this event.
 */
export function footageOf(event: StoredEvent, nowMs: number): { camera: CameraId; startMs: number; endMs: number } {
  const { camera, preRoll, postRollMs } = event;
  const startMs = Math.max(0, event.startMs - preRoll.promisedMs);
  const endMs = event.endMs === undefined ? nowMs : event.endMs + postRollMs;
  return { camera, startMs, endMs: Math.max(endMs, startMs + 1) };
}
