// Judges the footage of an event by what the camera sent and when: the seconds before the trigger, to the picture.

import type { SentUnit } from './camera.ts';
import type { CameraChild } from './camera-child.ts';
import { listSegments } from './footage.ts';
import { probeSegments } from './recorded.ts';
import type { Service } from './service.ts';

export interface EventAnswer {
  id: string;
  camera: number;
  startMs: number;
  endMs?: number;
  labels: string[];
  sources: string[];
  preRoll: { promisedMs: number; deliveredMs: number };
  postRollMs: number;
  picture?: { atMs: number; width: number; height: number; sizeBytes: number };
}

export interface Promised {
  /** UTC of the cause. */
  triggerMs: number;
  preRollMs: number;
  postRollMs: number;
}

/** Between the moment at which a picture was handed to the socket and its arrival; and the rounding of times. */
const ARRIVAL_MS = 60;

/**
 * What is wrong with the footage around a trigger, one sentence each. By the camera's own record of what it sent: the footage begins
 * with a keyframe that was taken before the promised moment, with at most one GOP more than promised, holds every picture from there on,
 * and ends no sooner than the post-roll.
 */
export async function eventFaults(
  service: Service,
  camera: Pick<CameraChild, 'report'>,
  event: EventAnswer,
  promised: Promised,
): Promise<string[]> {
  const { triggerMs, preRollMs, postRollMs } = promised;
  const faults: string[] = [];
  const { promisedMs, deliveredMs } = event.preRoll;
  if (promisedMs !== preRollMs) faults.push(`${promisedMs} ms were promised instead of ${preRollMs}`);
  if (deliveredMs < promisedMs) faults.push(`${deliveredMs} of ${promisedMs} ms were delivered, it says itself`);
  const segments = (await listSegments(service, event.camera)).filter(
    segment => segment.endMs > triggerMs - preRollMs && segment.startMs < triggerMs + postRollMs,
  );
  const files = await probeSegments(service.dataDir, segments);
  const recorded = files.flatMap(file => file.video);
  if (!recorded[0]) return [...faults, 'there is no footage'];
  if (!recorded[0].key) faults.push('it does not begin with a keyframe');
  const sent = (await camera.report()).sent.filter(unit => unit.kind === 'video');
  const at = place(
    recorded.map(packet => packet.sha256),
    sent,
    segments[0]?.startMs ?? 0,
  );
  const first = at === undefined ? undefined : sent[at];
  if (at === undefined || !first) return [...faults, 'it is not an uninterrupted run of what was sent'];
  const fromMs = triggerMs - preRollMs;
  const lateMs = takenAtMs(first, sent) - fromMs;
  if (lateMs > 0) faults.push(`it begins ${lateMs} ms too late`);
  const nextKey = sent.slice(at + 1).find(unit => unit.key);
  if (nextKey && nextKey.sentAtMs + ARRIVAL_MS < fromMs) {
    faults.push(`it could have begun ${fromMs - nextKey.sentAtMs} ms later, with the next keyframe`);
  }
  const last = sent[at + recorded.length - 1];
  const lastMs = sent[at + recorded.length]?.sentAtMs ?? last?.sentAtMs ?? 0;
  if (lastMs + ARRIVAL_MS < triggerMs + postRollMs)
    faults.push(`it ends ${triggerMs + postRollMs - lastMs} ms too early`);
  return faults;
}

/**
 * When the camera took a picture: the one that was sent with the least delay shows it. A picture that others are sent ahead of, because
 * they refer to it, is sent later than it was taken, and so is any that a busy machine sends late.
 */
function takenAtMs({ ptsMs, connection }: SentUnit, sent: readonly SentUnit[]): number {
  const delays = sent.filter(unit => unit.connection === connection).map(unit => unit.sentAtMs - unit.ptsMs);
  return Math.floor(ptsMs + delays.reduce((least, one) => Math.min(least, one)));
}

/** Where the run begins in what was sent; the place that fits the time best, because clips are played in a loop. */
function place(recorded: readonly string[], sent: readonly SentUnit[], startMs: number): number | undefined {
  const places = sent
    .map((_, index) => index)
    .filter(index => recorded.every((sha256, n) => sent[index + n]?.sha256 === sha256));
  const distance = (index: number) => Math.abs((sent[index]?.sentAtMs ?? 0) - startMs);
  return places.sort((a, b) => distance(a) - distance(b))[0];
}
