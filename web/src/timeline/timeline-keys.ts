// The timeline's keys.
import { useKeys } from '../keys.ts';
import type { PlaybackGroup } from '../player/playback-group.ts';
import { cameraIds } from '../state.ts';
import { dayOf, daySpan } from '../time.ts';
import type { TimelineModel } from './model.ts';
import { jumpToEvent, nextRate, skip, step, toggleExport, togglePlay } from './transport.tsx';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export function useTimelineKeys(model: TimelineModel, group: PlaybackGroup, zone: string): void {
  const rate = (direction: 1 | -1) => group.setRate(nextRate(group.rate.peek(), direction));
  const day = () => daySpan(dayOf(model.needleMs.peek(), zone), zone);
  useKeys({
    // A button in focus takes the bar for itself.
    ' ': event => ((event.target as Element).closest('button, a, summary') ? false : togglePlay(model, group)),
    ArrowLeft: () => skip(model, -5 * SECOND_MS),
    ArrowRight: () => skip(model, 5 * SECOND_MS),
    'Shift+ArrowLeft': () => skip(model, -MINUTE_MS),
    'Shift+ArrowRight': () => skip(model, MINUTE_MS),
    'Ctrl+ArrowLeft': () => skip(model, -HOUR_MS),
    'Ctrl+ArrowRight': () => skip(model, HOUR_MS),
    ',': () => step(model, group, -1),
    '.': () => step(model, group, 1),
    '[': () => void jumpToEvent(model, -1),
    ']': () => void jumpToEvent(model, 1),
    '-': () => model.stepZoom(-1),
    '+': () => model.stepZoom(1),
    '=': () => model.stepZoom(1),
    Home: () => model.seek(day().startMs, 'commit'),
    End: () => model.seek(day().endMs - SECOND_MS, 'commit'),
    '<': () => rate(-1),
    '>': () => rate(1),
    i: () => model.mark('in'),
    o: () => model.mark('out'),
    x: () => toggleExport(model),
    n: () => model.goLive(),
    ArrowUp: () => lane(model, -1),
    ArrowDown: () => lane(model, 1),
    Escape: () => {
      if (!model.selection.peek()) return false;
      model.selection.value = undefined;
      return true;
    },
  });
}

/** The lane above or below takes the place of the leading picture. Only from the lanes: elsewhere the page scrolls. */
function lane(model: TimelineModel, direction: 1 | -1): boolean {
  if (!document.activeElement?.closest('.tl-track')) return false;
  const ids = cameraIds.peek();
  const [lead, ...rest] = model.chosen.peek();
  const next = ids[ids.indexOf(lead ?? 0) + direction];
  if (next === undefined) return true;
  model.chosen.value = [next, ...rest.filter(id => id !== next)];
  return true;
}
