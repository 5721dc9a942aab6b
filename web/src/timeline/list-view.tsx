// The same stretch of time as text: hours with their events and gaps as buttons. Nothing that the lanes can tell is missing here.

import { useSignal } from '@preact/signals';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { reasonWords } from '../components/reasons.ts';
import { cameraIds, cameraName } from '../state.ts';
import { clock, dateWords, dayOf, hoursOf, lengthWords } from '../time.ts';
import { classOf } from './classes.ts';
import { figuresOf, gapsOf, marksOf } from './found.ts';
import { labelIcon, labelWords } from './labels.ts';
import type { TimelineModel } from './model.ts';
import { endOf, type View } from './view.ts';
import { t } from './words.ts';

interface Entry {
  key: string;
  camera: number;
  startMs: number;
  endMs?: number;
  event?: string;
  gap?: string;
}

/** Rows that are shown without being asked for, shared by the hours: keeps the page small. */
const ROWS = 120;

export function ListView({ model, zone }: { model: TimelineModel; zone: string }) {
  void model.news.value;
  const view = model.view.value;
  const entries = entriesOf(model, view);
  const hours = [dayOf(view.startMs, zone), dayOf(endOf(view), zone)]
    .filter((day, index, all) => all.indexOf(day) === index)
    .flatMap(day => hoursOf(day, zone))
    .filter(hour => hour.endMs > view.startMs && hour.startMs < Math.min(endOf(view), model.now()));
  return (
    <div class="tl-list stack">
      <div class="row">
        <Button text={t('earlier')} onClick={() => model.seek(model.needleMs.value - view.spanMs, 'commit')} />
        <span class="quiet figure">
          {dateWords(view.startMs, zone, model.now())} {clock(view.startMs, zone, false)} –{' '}
          {clock(endOf(view), zone, false)}
        </span>
        <Button text={t('later')} onClick={() => model.seek(model.needleMs.value + view.spanMs, 'commit')} />
      </div>
      {entries.length === 0 && <p class="quiet">{t('list-empty')}</p>}
      {hours.map(hour => (
        <Hour
          key={hour.startMs}
          few={Math.max(4, Math.floor(ROWS / hours.length))}
          model={model}
          zone={zone}
          startMs={hour.startMs}
          endMs={hour.endMs}
          title={t('list-hour', { from: hour.label, to: clock(hour.endMs, zone, false) })}
          entries={entries.filter(entry => entry.startMs >= hour.startMs && entry.startMs < hour.endMs)}
        />
      ))}
    </div>
  );
}

interface HourProps {
  few: number;
  model: TimelineModel;
  zone: string;
  startMs: number;
  endMs: number;
  title: string;
  entries: readonly Entry[];
}

function Hour({ few, model, zone, startMs, endMs, title, entries }: HourProps) {
  const all = useSignal(false);
  const shown = all.value ? entries : entries.slice(0, few);
  return (
    <section>
      <h2>{title}</h2>
      <p class="dense quiet">
        {cameraIds.value
          .map(camera => {
            const { footageMs } = figuresOf(model.store.pieces(camera, model.view.value), startMs, endMs);
            return `${cameraName(camera)}: ${t('list-recorded', { length: lengthWords(footageMs) })}`;
          })
          .join(' · ')}
      </p>
      <ul class="tl-rows">
        {shown.map(entry => (
          <Row key={entry.key} model={model} zone={zone} entry={entry} />
        ))}
      </ul>
      {entries.length > shown.length && (
        <Button text={t('list-more', { count: entries.length - shown.length })} onClick={() => (all.value = true)} />
      )}
    </section>
  );
}

function Row({ model, zone, entry }: { model: TimelineModel; zone: string; entry: Entry }) {
  const { camera, startMs, endMs, event, gap } = entry;
  const from = clock(startMs, zone);
  const go = () => {
    model.choose(camera);
    model.seek(startMs, 'commit');
  };
  const what =
    event === undefined
      ? gapWords(zone, startMs, endMs, reasonWords(gap as Parameters<typeof reasonWords>[0]))
      : t('event-for', { label: labelWords(event), length: lengthWords((endMs ?? model.now()) - startMs) });
  return (
    <li>
      <button type="button" class="tl-row" data-class={event === undefined ? 'gap' : classOf(event)} onClick={go}>
        <Icon name={event === undefined ? 'hide' : labelIcon(event)} />
        <time class="figure">{from}</time>
        <span class="grow">{what}</span>
        <span class="quiet">{cameraName(camera)}</span>
      </button>
    </li>
  );
}

/** `Gap 14:02 to 14:14, camera offline` */
export function gapWords(zone: string, startMs: number, endMs: number | undefined, reason: string): string {
  const from = clock(startMs, zone);
  if (endMs === undefined) return t('gap-open', { from, reason });
  return t('gap-told', { from, to: clock(endMs, zone), reason });
}

function entriesOf(model: TimelineModel, view: View): Entry[] {
  const inside = (one: { startMs: number; endMs?: number }) =>
    one.startMs < endOf(view) && (one.endMs ?? Number.POSITIVE_INFINITY) > view.startMs;
  // What began before is listed at the begin of the view.
  const at = (ms: number) => Math.max(ms, view.startMs);
  const entries = cameraIds.value.flatMap(camera => {
    const pieces = model.store.pieces(camera, view);
    const events = marksOf(pieces, model.classes.value).filter(inside);
    const gaps = gapsOf(pieces).filter(inside);
    return [
      ...events.map(({ id, startMs, endMs, label }) => ({
        ...{ key: id, camera, startMs: at(startMs), event: label },
        ...(endMs === undefined ? {} : { endMs }),
      })),
      ...gaps.map(({ startMs, endMs, reason }) => ({
        ...{ key: `${camera}:${startMs}`, camera, startMs: at(startMs), gap: reason },
        ...(endMs === undefined ? {} : { endMs }),
      })),
    ];
  });
  return entries.sort((a, b) => a.startMs - b.startMs);
}
