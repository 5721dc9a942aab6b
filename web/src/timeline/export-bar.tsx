// The bar of a range to export: its ends, what of it is really there, its size, and a plain link per camera.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Segment } from '../../../src/api/contract.ts';
import { address, call } from '../api.ts';
import { connection } from '../bus.ts';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { Note } from '../components/notes.tsx';
import { reasonWords } from '../components/reasons.ts';
import { toast } from '../components/toast.tsx';
import { bytes } from '../quantities.ts';
import { isAtLeast } from '../routes.ts';
import { cameraName, me } from '../state.ts';
import { lengthWords, stopwatch } from '../time.ts';
import { TimeField } from './calendar.tsx';
import type { TimelineModel } from './model.ts';
import { type Inside, insideOf, type Selection, selected, sizeOf } from './selection.ts';
import { t } from './words.ts';

export function ExportBar({ model, zone }: { model: TimelineModel; zone: string }) {
  const range = model.selection.value;
  if (!range) return null;
  const lengthMs = range.outMs - range.inMs;
  const set = (inMs: number, outMs: number) => {
    model.selection.value = selected(Math.min(inMs, model.now()), Math.min(outMs, model.now()));
  };
  return (
    <section class="tl-export card" aria-label={t('export')}>
      <div class="row">
        <TimeField valueMs={range.inMs} zone={zone} label={t('in-field')} onPick={ms => set(ms, range.outMs)} />
        <TimeField valueMs={range.outMs} zone={zone} label={t('out-field')} onPick={ms => set(range.inMs, ms)} />
        <strong class="figure grow">{lengthWords(lengthMs)}</strong>
        {isAtLeast(me.value?.role, 'operator') && <LockRange cameras={model.chosen.value} range={range} />}
        <Button
          icon="close"
          label={t('close-export')}
          kind="plain"
          onClick={() => (model.selection.value = undefined)}
        />
      </div>
      {connection.value === 'lost' && <Note tone="warn">{t('export-offline')}</Note>}
      <ul class="stack">
        {model.chosen.value.map(camera => (
          <CameraRange key={camera} camera={camera} range={range} zone={zone} />
        ))}
      </ul>
    </section>
  );
}

interface Found {
  inside: Inside;
  sizeBytes: number;
}

function CameraRange({ camera, range, zone }: { camera: number; range: Selection; zone: string }) {
  const found = useFound(camera, range);
  const lengthMs = range.outMs - range.inMs;
  const query = { camera, startMs: range.inMs, endMs: range.outMs, timeZone: zone };
  const isEmpty = found !== undefined && found.inside.footageMs === 0;
  const isOff = isEmpty || connection.value === 'lost';
  const name = cameraName(camera);
  return (
    <li class="row">
      <span class="grow">
        <strong>{name}</strong> {found && <span class="quiet">{insideWords(found, lengthMs)}</span>}
      </span>
      {!me.value?.rights.includes('export') ? null : isOff ? (
        <button type="button" class="button" disabled>
          <Icon name="download" />
          <span>{t('download')}</span>
        </button>
      ) : (
        <a
          class="button"
          data-kind="primary"
          aria-label={t('download-of', { camera: name })}
          href={address('GET /api/export.mp4', { query })}
          download
        >
          <Icon name="download" />
          <span>{t('download')}</span>
        </a>
      )}
    </li>
  );
}

/** `4:10 of 5:00, 50 s camera offline, about 12 MB` */
function insideWords({ inside, sizeBytes }: Found, lengthMs: number): string {
  if (inside.footageMs === 0) return t('none-inside');
  // Less than a second is how recordings are cut.
  const isWhole = lengthMs - inside.footageMs < 1000;
  const parts = [
    isWhole ? t('all-inside') : t('part-inside', { footage: stopwatch(inside.footageMs), length: stopwatch(lengthMs) }),
    ...inside.absent
      .filter(({ ms }) => ms >= 1000)
      .map(({ reason, ms }) => t('absent', { length: lengthWords(ms), reason: reasonWords(reason) })),
    t('about-size', { size: bytes(sizeBytes) }),
  ];
  return parts.join(', ');
}

const SETTLE_MS = 300;
const PAGE = 1000;

/** Asked when the range has rested for a moment. */
function useFound(camera: number, { inMs, outMs }: Selection): Found | undefined {
  const found = useSignal<Found | undefined>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => {
      void ask(camera, { inMs, outMs }, stop.signal).then(answer => {
        if (!stop.signal.aborted) found.value = answer;
      });
    }, SETTLE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [camera, inMs, outMs]);
  return found.value;
}

async function ask(camera: number, range: Selection, signal: AbortSignal): Promise<Found | undefined> {
  const times = { startMs: range.inMs, endMs: range.outMs };
  const [timeline, segments] = await Promise.all([
    call('GET /api/timeline', { query: { camera: [camera], ...times } }, { signal }),
    segmentsOf(camera, range, signal),
  ]);
  const lane = timeline.is === 'ok' ? timeline.value.cameras[0] : undefined;
  if (!lane || !segments) return undefined;
  return { inside: insideOf(range, lane.footage, lane.gaps), sizeBytes: sizeOf(range, segments) };
}

async function segmentsOf(camera: number, range: Selection, signal?: AbortSignal): Promise<Segment[] | undefined> {
  const query = { camera, stream: 'main' as const, startMs: range.inMs, endMs: range.outMs, limit: PAGE };
  const found: Segment[] = [];
  let cursor: string | undefined;
  do {
    const page = { query: { ...query, ...(cursor ? { cursor } : {}) } };
    const result = await call('GET /api/segments', page, signal ? { signal } : {});
    if (result.is !== 'ok') return undefined;
    found.push(...result.value.segments);
    cursor = result.value.cursor;
  } while (cursor !== undefined);
  return found;
}

function LockRange({ cameras, range }: { cameras: readonly number[]; range: Selection }) {
  const busy = useSignal(false);
  const lock = async () => {
    if (busy.value) return;
    busy.value = true;
    await lockRange(cameras, range);
    busy.value = false;
  };
  return <Button icon="lock" text={t('lock-range')} disabled={busy.value} onClick={() => void lock()} />;
}

async function lockRange(cameras: readonly number[], range: Selection): Promise<void> {
  let count = 0;
  for (const camera of cameras) {
    const segments = await segmentsOf(camera, range);
    if (!segments) return void toast(t('lock-failed', { why: t('failed') }), { tone: 'danger' });
    // Those being written cannot be locked yet.
    for (const { id } of segments.filter(({ open, locked }) => !open && !locked)) {
      const result = await call('PATCH /api/segments/{id}', { params: { id }, body: { locked: true } });
      if (result.is === 'ok') count++;
      else if (result.is === 'error')
        return void toast(t('lock-failed', { why: result.error.message }), { tone: 'danger' });
    }
  }
  if (count === 0) toast(t('nothing-to-lock'));
  else toast(t('locked', { count, cameras: cameras.length }), { tone: 'ok' });
}
