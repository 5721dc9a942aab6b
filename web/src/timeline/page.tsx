// The page of the timeline: its model, its players and its address, put together.

import { type ReadonlySignal, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { call } from '../api.ts';
import { connection } from '../bus.ts';
import { Button } from '../components/button.tsx';
import { Empty } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { httpBoard } from '../player/board-http.ts';
import { PlaybackGroup } from '../player/playback-group.ts';
import { preferences } from '../preferences.ts';
import { amend } from '../router.ts';
import type { PageProps } from '../routes.ts';
import { cameraIds, cameraName, isKnown, onUpdate } from '../state.ts';
import { dateWords, dayOf, moment } from '../time.ts';
import { zone as currentZone, now } from '../zone.ts';
import { isAt, parseAddress, timelineAddress } from './address.ts';
import { DayBar } from './day-bar.tsx';
import { nearestFootage } from './days.ts';
import { ExportBar } from './export-bar.tsx';
import { hasFootage, isBare } from './found.ts';
import { joined, type LaneAnswer, type LaneQuery } from './lane-store.ts';
import { ListView } from './list-view.tsx';
import { TimelineModel } from './model.ts';
import { isNarrowNow, useNarrow } from './narrow.ts';
import { inParts } from './parts.ts';
import { Pictures, useGapWords } from './pictures.tsx';
import { Strip } from './strip.tsx';
import { useTimelineKeys } from './timeline-keys.ts';
import { Track } from './track.tsx';
import { Transport } from './transport.tsx';
import type { View } from './view.ts';
import { t } from './words.ts';
import { ZoomBar } from './zoom-bar.tsx';

/** How often the address follows the needle while it moves. */
const ADDRESS_MS = 500;
const REST_MS = 250;
const LIVE_BEAT_MS = 500;
/** How far ahead of a segment's own record its end may be missing. */
const OPEN_MS = 15 * 60_000;

export default function TimelinePage({ query }: PageProps) {
  if (isKnown.value && cameraIds.value.length === 0)
    return (
      <div class="page">
        <PageHead title={t('title')} />
        <Empty icon="camera" title={t('no-camera')}>
          <p>{t('no-camera-text')}</p>
        </Empty>
      </div>
    );
  if (!isKnown.value) return <div class="page" aria-busy="true" />;
  return <Timeline query={query} />;
}

function Timeline({ query }: { query: URLSearchParams }) {
  const { model, group } = useMemo(() => made(query), []);
  const zone = currentZone();
  const narrow = useNarrow();
  useSignalEffect(() => {
    model.isNarrow.value = narrow.value;
  });
  useSignalEffect(() => {
    const ids = cameraIds.value;
    const chosen = model.chosen.peek();
    const left = chosen.filter(id => ids.includes(id));
    // One that was removed, or may not be seen any more.
    if (left.length < chosen.length) model.chosen.value = left.length > 0 ? left : ids.slice(0, 1);
  });
  useAddress(model, query);
  useNews(model);
  useClocks(model, group);
  useTimelineKeys(model, group, zone);
  const settled = useSettled(model);
  const gapWords = useGapWords(model, group, zone);
  useEffect(
    () => () => {
      group.close();
      model.store.close();
    },
    [],
  );
  return (
    <div class="page tl">
      <Head model={model} zone={zone} settled={settled} />
      <DayBar model={model} zone={zone} />
      <Pictures model={model} group={group} zone={zone} />
      <Transport model={model} group={group} zone={zone} />
      <ExportBar model={model} zone={zone} />
      {model.isList.value ? (
        <ListView model={model} zone={zone} />
      ) : (
        <>
          <Strip model={model} group={group} zone={zone} settled={settled} />
          <Track model={model} zone={zone} settled={settled} />
        </>
      )}
      <Status model={model} zone={zone} settled={settled} />
      <ZoomBar model={model} />
      <div class="unseen" role="status" aria-live="polite">
        {gapWords.value}
      </div>
    </div>
  );
}

function made(query: URLSearchParams): { model: TimelineModel; group: PlaybackGroup } {
  const address = parseAddress(query);
  const known = cameraIds.peek();
  const cameras = address.cameras.filter(id => known.includes(id));
  const isNarrow = isNarrowNow();
  const model = new TimelineModel({
    address: { ...address, cameras: cameras.length > 0 ? cameras : known.slice(0, 1) },
    ...{ now, load, isNarrow },
    most: isNarrow ? 2 : 4,
  });
  const group = new PlaybackGroup(httpBoard, model.needleMs.peek(), { gaps: () => preferences.peek().gaps });
  model.onSeek = (timeMs, kind) => {
    // What the lanes know to be empty is not asked for while the needle passes over it.
    if (kind === 'commit' || model.chosen.peek().some(camera => mayHaveFootage(model, camera, timeMs)))
      group.seek(timeMs, kind);
  };
  return { model, group };
}

function mayHaveFootage(model: TimelineModel, camera: number, timeMs: number): boolean {
  return hasFootage(model.store.pieces(camera, model.view.peek()), timeMs) !== false;
}

async function load(query: LaneQuery, signal: AbortSignal): Promise<LaneAnswer> {
  const { cameras, startMs, endMs, buckets, etag } = query;
  const answers = await inParts(cameras, async (part): Promise<LaneAnswer> => {
    const result = await call(
      'GET /api/timeline',
      { query: { camera: part, startMs, endMs, buckets, levels: 16 } },
      { signal, ...(etag === undefined ? {} : { headers: { 'If-None-Match': etag } }) },
    );
    if (result.is === 'aborted') return result;
    if (result.is === 'error') return { is: result.status === 304 ? 'same' : 'error' };
    const tag = result.headers.get('ETag');
    return { is: 'ok', lanes: result.value.cameras, ...(tag === null ? {} : { etag: tag }) };
  });
  return joined(answers);
}

/** The address holds what is seen; another address, as of the Back button, shows something else. */
function useAddress(model: TimelineModel, query: URLSearchParams): void {
  const written = useMemo(() => ({ text: `#/time?${query}`, next: '', timer: 0 }), []);
  useSignalEffect(() => {
    written.next = timelineAddress({
      cameras: [...model.chosen.value],
      ...(model.isLive.value ? {} : { timeMs: model.needleMs.value }),
      spanMs: model.view.value.spanMs,
      ...(model.selection.value ? { selection: model.selection.value } : {}),
    });
    written.timer ||= window.setTimeout(() => {
      written.timer = 0;
      written.text = written.next;
      amend(written.next);
    }, ADDRESS_MS);
  });
  useEffect(() => () => clearTimeout(written.timer), []);
  const asked = query.toString();
  useEffect(() => {
    if (isAt(written.text, query)) return;
    const { cameras, timeMs, spanMs, selection } = parseAddress(query);
    const known = cameras.filter(id => cameraIds.peek().includes(id));
    if (known.length > 0) model.chosen.value = known;
    if (spanMs !== undefined) model.zoom(spanMs);
    model.selection.value = selection;
    if (timeMs !== undefined) model.seek(timeMs, 'commit');
  }, [asked]);
}

/** What the board tells makes answers old. */
function useNews(model: TimelineModel): void {
  useEffect(
    () =>
      onUpdate(update => {
        if (!('type' in update)) return;
        const { store } = model;
        const open = model.now();
        if (update.type === 'hello') store.touchAll();
        else if (update.type === 'segment')
          store.touch(update.camera, update.startMs - 1, update.endMs ?? update.startMs + OPEN_MS);
        else if (update.type === 'gap') store.touch(update.camera, update.gap.startMs, update.gap.endMs ?? open);
        else if (update.type === 'deleted') store.touch(update.camera, 0, update.untilMs);
        else if (update.type === 'event' && 'event' in update)
          store.touch(update.event.camera, update.event.startMs, (update.event.endMs ?? open) + 1);
        else if (update.type === 'event' && 'removed' in update) store.touch(update.camera, 0, open);
      }),
    [model],
  );
  useSignalEffect(() => {
    if (connection.value === 'live') model.store.touchAll();
  });
}

/** The needle follows what plays, or the present. */
function useClocks(model: TimelineModel, group: PlaybackGroup): void {
  useEffect(
    () =>
      group.nowMs.subscribe(timeMs => {
        if (!model.isLive.peek()) model.advance(timeMs);
      }),
    [model, group],
  );
  useSignalEffect(() => {
    if (!model.isLive.value) return;
    // The pictures are not the group's now; who leaves the present goes on playing.
    group.pause();
    group.isPlaying.value = true;
    const timer = setInterval(() => model.advance(model.now()), LIVE_BEAT_MS);
    return () => clearInterval(timer);
  });
}

function useSettled(model: TimelineModel): ReadonlySignal<View> {
  const settled = useSignal(model.view.peek());
  useSignalEffect(() => {
    const view = model.view.value;
    const timer = setTimeout(() => {
      settled.value = view;
    }, REST_MS);
    return () => clearTimeout(timer);
  });
  return settled;
}

/** Title and heading follow when the needle rests. */
function Head({ model, zone, settled }: { model: TimelineModel; zone: string; settled: ReadonlySignal<View> }) {
  void settled.value;
  const lead = model.chosen.value[0];
  const title = [
    ...(lead === undefined ? [] : [cameraName(lead)]),
    model.isLive.value ? t('is-now') : moment(model.needleMs.peek(), zone, model.now()),
  ].join(', ');
  return <PageHead title={title} section={t('title')} unseen />;
}

/** What is missing: refreshed data, or any footage at all. */
function Status({ model, zone, settled }: { model: TimelineModel; zone: string; settled: ReadonlySignal<View> }) {
  void model.news.value;
  const view = settled.value;
  if (model.store.failed(view)) return <p class="tl-status quiet">{t('could-not-refresh')}</p>;
  const isEmpty = model.store.complete(view) && cameraIds.value.every(id => isBare(model.store.pieces(id, view), view));
  return isEmpty && !model.isLive.value ? <Nearest model={model} zone={zone} /> : null;
}

/** Where footage is when there is none here. */
function Nearest({ model, zone }: { model: TimelineModel; zone: string }) {
  const nearest = useSignal<number | undefined>(undefined);
  const day = dayOf(model.needleMs.value, zone);
  useEffect(() => {
    const stop = new AbortController();
    void nearestFootage(cameraIds.peek(), model.needleMs.peek(), zone, stop.signal).then(found => {
      nearest.value = found;
    });
    return () => stop.abort();
  }, [day]);
  const foundMs = nearest.value;
  return (
    <p class="tl-status" role="status">
      {t('nothing-here')}{' '}
      {foundMs !== undefined && (
        <Button
          text={t('nearest', { day: dateWords(foundMs, zone, model.now()) })}
          onClick={() => model.seek(foundMs, 'commit')}
        />
      )}
    </p>
  );
}
