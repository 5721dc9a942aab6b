// The track: ruler, lanes, needle and handles, and who may touch them.
import { type ReadonlySignal, signal, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { preferences } from '../preferences.ts';
import { cameraIds, cameraName } from '../state.ts';
import { clock, dateWords } from '../time.ts';
import type { Colours } from './draw.ts';
import { HoverCard } from './hover-card.tsx';
import { LaneRow } from './lane-row.tsx';
import type { TimelineModel } from './model.ts';
import { momentWords } from './moment-words.ts';
import { ticksOf } from './ruler.ts';
import { followPointers } from './track-pointers.ts';
import { endOf, type View, xOf } from './view.ts';
import { t } from './words.ts';

/** Words follow a moving needle at most this often. */
const WORDS_MS = 500;
/** How often the growing end of a lane is drawn. */
const BEAT_MS = 1000;

interface BaseProps {
  model: TimelineModel;
  zone: string;
}

export interface TrackProps extends BaseProps {
  /** The view when it has rested for a moment. */
  settled: ReadonlySignal<View>;
}

export function Track({ model, zone, settled }: TrackProps) {
  const track = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const ruler = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const hovered = useSignal<{ timeMs: number; x: number } | undefined>(undefined);
  const beat = useBeat(model);
  const colours = useColours();

  useEffect(() => {
    if (!track.current || !stage.current || !ruler.current) return;
    const parts = { track: track.current, stage: stage.current, ruler: ruler.current };
    const stop = followPointers(parts, model, at => {
      hovered.value = at;
    });
    const seen = new ResizeObserver(([entry]) => {
      width.value = entry?.contentRect.width ?? 0;
    });
    seen.observe(stage.current);
    return () => {
      stop();
      seen.disconnect();
    };
  }, [model]);
  // Data is asked for as soon as the view shows more than is there.
  useSignalEffect(() => model.store.want(model.view.value, cameraIds.value));

  return (
    <div class="tl-track" ref={track}>
      <Ruler model={model} zone={zone} width={width} element={ruler} />
      <ul class="tl-lanes">
        {cameraIds.value.map(camera => (
          <LaneRow key={camera} {...{ model, camera, width, colours, beat, settled, zone }} />
        ))}
      </ul>
      <div class="tl-stage" ref={stage}>
        <Range model={model} width={width} zone={zone} />
        <Needle model={model} width={width} zone={zone} />
        <HoverCard model={model} at={hovered} width={width} zone={zone} />
      </div>
    </div>
  );
}

interface PartProps extends BaseProps {
  width: ReadonlySignal<number>;
}

function Ruler({ model, zone, width, element }: PartProps & { element: { current: HTMLDivElement | null } }) {
  const view = model.view.value;
  const ticks = width.value > 0 ? ticksOf(view, width.value, zone, model.now()) : [];
  return (
    <div class="tl-ruler" ref={element} aria-hidden="true">
      {ticks.map(({ timeMs, label, midnight }) => (
        <span
          key={timeMs}
          class="tl-tick"
          data-midnight={midnight}
          style={{ '--x': `${xOf(view, width.value, timeMs).toFixed(1)}px` }}
        >
          {label}
        </span>
      ))}
    </div>
  );
}

function Needle({ model, zone, width }: PartProps) {
  const view = model.view.value;
  const needleMs = model.needleMs.value;
  const x = xOf(view, width.value, needleMs);
  const isSeen = x >= 0 && x <= width.value;
  const words = useNeedleWords(model, zone);
  return (
    <div
      class="tl-needle"
      role="slider"
      tabIndex={0}
      data-handle="needle"
      data-out={!isSeen}
      aria-label={t('needle')}
      aria-valuemin={Math.round(view.startMs)}
      aria-valuemax={Math.round(endOf(view))}
      aria-valuenow={Math.round(needleMs)}
      aria-valuetext={words.value}
      style={{ '--x': `${Math.min(width.value, Math.max(0, x)).toFixed(1)}px` }}
    />
  );
}

function Range({ model, zone, width }: PartProps) {
  const range = model.selection.value;
  if (!range) return null;
  const view = model.view.value;
  const at = (timeMs: number) => `${Math.min(width.value, Math.max(0, xOf(view, width.value, timeMs))).toFixed(1)}px`;
  const handle = (name: 'in' | 'out', timeMs: number) => (
    <div
      class="tl-handle"
      role="slider"
      tabIndex={0}
      data-handle={name}
      data-out={timeMs < view.startMs || timeMs > endOf(view)}
      aria-label={t(name === 'in' ? 'in-handle' : 'out-handle')}
      aria-valuemin={Math.round(view.startMs)}
      aria-valuemax={Math.round(endOf(view))}
      aria-valuenow={timeMs}
      aria-valuetext={`${dateWords(timeMs, zone, model.now())}, ${clock(timeMs, zone)}`}
      style={{ '--x': at(timeMs) }}
      onKeyDown={event => nudge(event, model, name, timeMs)}
    />
  );
  return (
    <>
      <div class="tl-range" style={{ '--x': at(range.inMs), '--to': at(range.outMs) }} />
      {handle('in', range.inMs)}
      {handle('out', range.outMs)}
    </>
  );
}

const NUDGES: Readonly<Record<string, number>> = { ArrowLeft: -1000, ArrowRight: 1000 };

/** A second, ten with Shift. */
function nudge(event: KeyboardEvent, model: TimelineModel, handle: 'in' | 'out', timeMs: number): void {
  const step = NUDGES[event.key];
  if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  const held = model.mark(handle, Math.min(model.now(), timeMs + step * (event.shiftKey ? 10 : 1)));
  if (held === handle) return;
  // Handles that crossed have changed their names.
  const stage = (event.currentTarget as Element).parentElement;
  stage?.querySelector<HTMLElement>(`[data-handle=${held}]`)?.focus();
}

/** What the needle says, no oftener than twice a second while it moves. */
function useNeedleWords(model: TimelineModel, zone: string): ReadonlySignal<string> {
  const words = useSignal('');
  const last = useRef(0);
  useSignalEffect(() => {
    const timeMs = model.needleMs.value;
    const lead = model.chosen.value[0];
    void model.news.value;
    const say = () => {
      last.current = performance.now();
      const named = lead === undefined ? '' : cameraName(lead);
      words.value = t('needle-text', {
        camera: named,
        day: dateWords(timeMs, zone, model.now(), true),
        time: clock(timeMs, zone),
        what: lead === undefined ? '' : momentWords(model, lead, timeMs),
      });
    };
    const waitMs = last.current + WORDS_MS - performance.now();
    if (waitMs <= 0) {
      say();
      return;
    }
    const timer = setTimeout(say, waitMs);
    return () => clearTimeout(timer);
  });
  return words;
}

/** Beats while the present is in sight and somebody looks. */
function useBeat(model: TimelineModel): ReadonlySignal<number> {
  const beat = useSignal(0);
  const isNear = useComputed(() => endOf(model.view.value) >= model.now());
  useSignalEffect(() => {
    if (!isNear.value) return;
    const timer = setInterval(() => {
      if (!document.hidden) beat.value++;
    }, BEAT_MS);
    return () => clearInterval(timer);
  });
  return beat;
}

/** The theme's colours, as the canvas needs them. */
function useColours(): ReadonlySignal<Colours> {
  const colours = useMemo(() => signal(readColours()), []);
  useSignalEffect(() => {
    // The root's attribute follows the choice within the same frame.
    void preferences.value.theme;
    const frame = requestAnimationFrame(() => {
      colours.value = readColours();
    });
    return () => cancelAnimationFrame(frame);
  });
  useEffect(() => {
    const scheme = matchMedia('(prefers-color-scheme: light)');
    const follow = () => {
      colours.value = readColours();
    };
    scheme.addEventListener('change', follow);
    return () => scheme.removeEventListener('change', follow);
  }, []);
  return colours;
}

function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    footage: read('footage'),
    fault: read('danger'),
    intended: read('muted'),
    text: read('text'),
    surface: read('surface'),
    classes: {
      person: read('person'),
      vehicle: read('vehicle'),
      animal: read('animal'),
      motion: read('motion'),
    },
  };
}
