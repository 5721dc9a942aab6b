// What is at a moment of a camera, in a few words: an event, a gap with its reason, footage or nothing.
import { reasonWords } from '../components/reasons.ts';
import { lengthWords } from '../time.ts';
import { eventAt, gapAt, hasFootage } from './found.ts';
import { labelWords } from './labels.ts';
import type { TimelineModel } from './model.ts';
import { t } from './words.ts';

export function momentWords(model: TimelineModel, camera: number, timeMs: number): string {
  if (model.isLive.peek()) return t('live-text');
  const view = model.view.peek();
  const pieces = model.store.pieces(camera, view);
  const gap = gapAt(pieces, timeMs);
  if (gap) return reasonWords(gap.reason);
  const event = eventAt(pieces, timeMs);
  const recorded = hasFootage(pieces, timeMs);
  if (recorded === undefined) return t('unknown');
  const base = t(recorded ? 'recorded' : 'not-recorded');
  if (!event) return base;
  const length = lengthWords((event.endMs ?? model.now()) - event.startMs);
  return `${base}, ${t('event-for', { label: labelWords(event.label), length })}`;
}
