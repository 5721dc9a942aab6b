// The row of buttons that plays, steps, jumps and marks.
import { useSignal } from '@preact/signals';
import { call } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { Menu } from '../components/menu.tsx';
import { toast } from '../components/toast.tsx';
import { MOST_FULL_RATE, type PlaybackGroup, RATES } from '../player/playback-group.ts';
import { prefer, preferences } from '../preferences.ts';
import { me } from '../state.ts';
import { clock } from '../time.ts';
import { classOfAll } from './classes.ts';
import { eventAfter, eventBefore, type ListEvents } from './jump.ts';
import type { TimelineModel } from './model.ts';
import { t } from './words.ts';

const FRACTIONS: Readonly<Record<number, string>> = { 0.25: '¼', 0.5: '½' };

export function rateName(rate: number): string {
  return `${FRACTIONS[rate] ?? rate}×`;
}

/** One step faster or slower. */
export function nextRate(rate: number, direction: 1 | -1): number {
  const rates: readonly number[] = RATES;
  const at = rates.indexOf(rate);
  return rates[Math.min(rates.length - 1, Math.max(0, (at < 0 ? 2 : at) + direction))] ?? 1;
}

export interface TransportProps {
  model: TimelineModel;
  group: PlaybackGroup;
  zone: string;
}

export function Transport({ model, group, zone }: TransportProps) {
  const isPlaying = model.isLive.value || group.isPlaying.value;
  const rate = group.rate.value;
  const { gaps } = preferences.value;
  return (
    <div class="tl-transport">
      <EventButton model={model} direction={-1} />
      <Button icon="step" kind="plain" extra="tl-flip" label={t('frame-back')} onClick={() => step(model, group, -1)} />
      <Button
        icon={isPlaying ? 'pause' : 'play'}
        label={t(isPlaying ? 'pause' : 'play')}
        kind="primary"
        onClick={() => togglePlay(model, group)}
      />
      <Button icon="step" kind="plain" label={t('frame-on')} onClick={() => step(model, group, 1)} />
      <EventButton model={model} direction={1} />
      <Button text="−10" label={t('back-10')} extra="tl-ten" onClick={() => skip(model, -10_000)} />
      <Button text="+10" label={t('on-10')} extra="tl-ten" onClick={() => skip(model, 10_000)} />
      <Menu
        label={`${t('speed')}: ${rateName(rate)}`}
        side="start"
        up
        items={[
          ...RATES.map(one => ({
            label: one > MOST_FULL_RATE ? `${rateName(one)} (${t('keys-only')})` : rateName(one),
            checked: one === rate,
            onPick: () => group.setRate(one),
          })),
          {
            label: t(gaps === 'ask' ? 'gaps-skip' : 'gaps-ask'),
            onPick: () => prefer({ gaps: gaps === 'ask' ? 'skip' : 'ask' }),
          },
        ]}
      >
        <span class="figure">{rateName(rate)}</span>
        <Icon name="down" />
      </Menu>
      <Clock model={model} zone={zone} />
      <Button
        icon="now"
        text={t(model.isLive.value ? 'is-now' : 'now')}
        extra="tl-now"
        pressed={model.isLive.value}
        onClick={() => model.goLive()}
      />
      {me.value?.rights.includes('export') && (
        <span class="tl-marks" data-open={model.selection.value !== undefined}>
          <Button text={t('in')} onClick={() => model.mark('in')} />
          <Button text={t('out')} onClick={() => model.mark('out')} />
          <Button
            icon="download"
            text={t('export')}
            expanded={model.selection.value !== undefined}
            onClick={() => toggleExport(model)}
          />
        </span>
      )}
    </div>
  );
}

/** Pausing what is live leaves the present. */
export function togglePlay(model: TimelineModel, group: PlaybackGroup): void {
  if (model.isLive.value) {
    model.seek(model.now(), 'commit');
    group.pause();
  } else group.toggle();
}

export function step(model: TimelineModel, group: PlaybackGroup, direction: 1 | -1): void {
  if (model.isLive.value) togglePlay(model, group);
  void group.step(direction);
}

export function skip(model: TimelineModel, deltaMs: number): void {
  model.seek(model.needleMs.value + deltaMs, 'commit');
}

/** Opens the export with a range around the needle, closes it again. */
export function toggleExport(model: TimelineModel): void {
  if (model.selection.value) model.selection.value = undefined;
  else model.mark('out', Math.min(model.now(), model.needleMs.value + 30_000));
}

/** Goes to the event before or behind the needle; says so when there is none, or why it is not known. */
export async function jumpToEvent(model: TimelineModel, direction: 1 | -1): Promise<void> {
  let why: string | undefined;
  const list: ListEvents = async query => {
    const result = await call('GET /api/events', { query });
    if (result.is === 'ok') return result.value;
    if (result.is === 'error') why = result.error.message;
    return undefined;
  };
  const classes = model.classes.value;
  const jump = {
    cameras: model.chosen.value,
    fromMs: model.needleMs.value,
    nowMs: model.now(),
    passes: (event: { labels: readonly string[] }) => !classes || classes.has(classOfAll(event.labels)),
  };
  const found = await (direction < 0 ? eventBefore : eventAfter)(list, jump);
  if (found) model.seek(found.startMs, 'commit');
  else toast(why ?? t(direction < 0 ? 'no-event-back' : 'no-event-on'));
}

function EventButton({ model, direction }: { model: TimelineModel; direction: 1 | -1 }) {
  const busy = useSignal(false);
  const go = async () => {
    if (busy.value) return;
    busy.value = true;
    await jumpToEvent(model, direction);
    busy.value = false;
  };
  return (
    <Button
      icon={direction < 0 ? 'previous' : 'next'}
      kind="plain"
      label={t(direction < 0 ? 'event-back' : 'event-on')}
      onClick={() => void go()}
    />
  );
}

function Clock({ model, zone }: { model: TimelineModel; zone: string }) {
  return <time class="tl-clock">{clock(model.needleMs.value, zone)}</time>;
}
