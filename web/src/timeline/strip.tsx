// A strip of small pictures across what is seen: stored pictures of events, and from an hour down key pictures of the time between,
// made while nothing else is going on. It keeps its place at every zoom, so that nothing moves under the pointer.
import { type ReadonlySignal, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { address } from '../api.ts';
import type { PlaybackGroup } from '../player/playback-group.ts';
import { clock } from '../time.ts';
import { hasFootage, marksOf } from './found.ts';
import type { TimelineModel } from './model.ts';
import { ThumbMaker } from './thumb-maker.ts';
import { endOf, type View, xOf } from './view.ts';
import { t } from './words.ts';

const WIDEST_MS = 3_600_000;
/** Narrower than this a picture says nothing. */
const CELL_PX = 112;
const MOST_CELLS = 12;
/** How long nothing has to move before pictures are made. */
const IDLE_MS = 600;

export interface StripProps {
  model: TimelineModel;
  group: PlaybackGroup;
  zone: string;
  settled: ReadonlySignal<View>;
}

interface Cell {
  /** Where it stands. */
  startMs: number;
  timeMs: number;
  /** Id of an event whose picture is stored. */
  event?: string;
}

export function Strip({ model, group, zone, settled }: StripProps) {
  const host = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const made = useSignal(0);
  const camera = model.chosen.value[0];
  const isWanted = camera !== undefined && !savesData();
  const maker = useMemo(() => ({ current: undefined as ThumbMaker | undefined }), [camera]);
  useEffect(() => () => maker.current?.close(), [maker]);
  useEffect(() => {
    if (!host.current) return;
    const seen = new ResizeObserver(([entry]) => {
      width.value = entry?.contentRect.width ?? 0;
    });
    seen.observe(host.current);
    return () => seen.disconnect();
  }, [isWanted]);

  useSignalEffect(() => {
    const view = settled.value;
    void model.news.value;
    const isBusy = group.isPlaying.value || model.isScrubbing.value || model.isLive.value;
    const lead = model.chosen.value[0];
    if (view.spanMs > WIDEST_MS || lead === undefined || savesData() || isBusy || !host.current) return;
    const element = host.current;
    const wanted = cellsOf(model, lead, view, width.value).filter(cell => cell.event === undefined);
    const stop = new AbortController();
    const timer = setTimeout(() => {
      maker.current ??= new ThumbMaker(lead, element);
      void maker.current.make(
        wanted.map(cell => cell.timeMs),
        stop.signal,
        () => made.value++,
      );
    }, IDLE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  });

  if (!isWanted) return null;
  void made.value;
  void model.news.value;
  const view = model.view.value;
  const cellPx = xOf(view, width.value, view.startMs + stepOf(settled.value, width.value));
  return (
    <section class="tl-strip" ref={host} aria-label={t('strip')}>
      {cellsOf(model, camera, settled.value, width.value).map(cell => (
        <button
          key={cell.timeMs}
          type="button"
          style={{
            '--x': `${xOf(view, width.value, cell.startMs).toFixed(1)}px`,
            '--width': `${Math.floor(cellPx) - 2}px`,
          }}
          aria-label={t('at-time', { time: clock(cell.timeMs, zone) })}
          onClick={() => model.seek(cell.timeMs, 'commit')}
        >
          {cell.event === undefined ? (
            <Made canvas={maker.current?.get(cell.timeMs)} />
          ) : (
            <img alt="" src={address('GET /api/events/{id}/picture.jpg', { params: { id: cell.event } })} />
          )}
        </button>
      ))}
    </section>
  );
}

/** An element that was drawn elsewhere. */
function Made({ canvas }: { canvas: HTMLCanvasElement | 'none' | undefined }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    place.current?.replaceChildren(...(canvas && canvas !== 'none' ? [canvas] : []));
  }, [canvas]);
  return <span ref={place} class="tl-thumb" data-state={canvas === 'none' ? 'none' : canvas ? 'made' : 'waiting'} />;
}

function stepOf({ spanMs }: View, width: number): number {
  return spanMs / Math.max(1, Math.min(MOST_CELLS, Math.floor(width / CELL_PX)));
}

/** Moments at round distances, so that they stay while the view moves; those without footage are left out. */
function cellsOf(model: TimelineModel, camera: number, view: View, width: number): Cell[] {
  const stepMs = stepOf(view, width);
  const pieces = model.store.pieces(camera, view);
  const events = marksOf(pieces, model.classes.value).filter(event => event.picture);
  const cells: Cell[] = [];
  // The first and the last one may stick out.
  for (let at = Math.floor(view.startMs / stepMs) * stepMs; at < endOf(view); at += stepMs) {
    const event = events.find(one => one.startMs >= at && one.startMs < at + stepMs);
    const tried = [at + stepMs / 2, at + 1000, at + stepMs - 1000].map(Math.round);
    const timeMs =
      event?.startMs ??
      (view.spanMs > WIDEST_MS ? undefined : tried.find(ms => ms < model.now() && hasFootage(pieces, ms)));
    if (timeMs !== undefined) cells.push({ startMs: at, timeMs, ...(event ? { event: event.id } : {}) });
  }
  return cells;
}

function savesData(): boolean {
  return (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;
}
