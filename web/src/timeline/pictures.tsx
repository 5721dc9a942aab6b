// The pictures above the lanes: up to four cameras at one moment, each with its name, its clock and what is wrong with it.

import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Gap } from '../../../src/api/contract.ts';
import { address } from '../api.ts';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { gapCure, reasonWords } from '../components/reasons.ts';
import { TroubleNote } from '../live/tile.tsx';
import { troubleOf } from '../live/tile-state.ts';
import { useLivePlayer } from '../live/use-player.ts';
import { LiveView } from '../player/live-view.tsx';
import type { PlayState } from '../player/play-state.ts';
import type { PlaybackGroup } from '../player/playback-group.ts';
import { Player } from '../player/player.tsx';
import { cameraName, cameraSignal, me } from '../state.ts';
import { clock, clockTenths, lengthWords, moment } from '../time.ts';
import { gapAt, hasFootage } from './found.ts';
import { gapWords } from './list-view.tsx';
import type { TimelineModel } from './model.ts';
import { t } from './words.ts';

export interface PicturesProps {
  model: TimelineModel;
  group: PlaybackGroup;
  zone: string;
}

export function Pictures({ model, group, zone }: PicturesProps) {
  /** Only one may sound. */
  const sounding = useSignal<number | undefined>(undefined);
  const chosen = model.chosen.value;
  return (
    <div class="tl-pictures" data-count={chosen.length}>
      {chosen.map(camera => (
        <Picture key={camera} {...{ model, group, zone, camera, sounding }} />
      ))}
    </div>
  );
}

interface PictureProps extends PicturesProps {
  camera: number;
  sounding: { value: number | undefined };
}

function Picture({ model, group, zone, camera, sounding }: PictureProps) {
  const state = useSignal<PlayState>({ is: 'idle' });
  const isLive = model.isLive.value;
  const muted = sounding.value !== camera;
  const name = cameraName(camera);
  const known = cameraSignal(camera)?.value;
  const hasSub = known?.sub !== undefined;
  const { player, play, setPlayer } = useLivePlayer();
  const trouble = isLive && known && troubleOf(known, play);
  const stream = hasSub && model.chosen.value.length > 2 ? 'sub' : 'main';
  return (
    <figure class="tl-picture" data-state={isLive ? 'live' : state.value.is} aria-label={name}>
      {isLive ? (
        <LiveView source={{ is: 'live', camera, stream }} muted={muted} onPlayer={setPlayer} />
      ) : (
        <Player
          source={{ is: 'recorded', camera, group }}
          muted={muted}
          onState={told => {
            state.value = told;
          }}
        />
      )}
      {trouble && <TroubleNote trouble={trouble} player={player} />}
      {!isLive && <StateCard model={model} group={group} zone={zone} camera={camera} state={state} />}
      <figcaption class="tl-caption">
        <span class="grow">{name}</span>
        <button
          type="button"
          aria-label={t(muted ? 'unmute' : 'mute', { camera: name })}
          aria-pressed={!muted}
          onClick={() => {
            sounding.value = muted ? camera : undefined;
          }}
        >
          <Icon name={muted ? 'muted' : 'sound'} />
        </button>
        {isLive ? <span>{t('is-now')}</span> : <PictureClock model={model} zone={zone} />}
      </figcaption>
    </figure>
  );
}

/** Rendered by itself: it changes with every picture. */
function PictureClock({ model, zone }: { model: TimelineModel; zone: string }) {
  return <time class="figure">{clockTenths(model.needleMs.value, zone)}</time>;
}

interface CardProps extends PicturesProps {
  camera: number;
  state: ReadonlySignal<PlayState>;
}

/** Why there is no picture, and what to do; nothing while there is one. */
function StateCard({ model, group, zone, camera, state }: CardProps) {
  const told = passed(model, camera) ?? state.value;
  const download = () => {
    const at = Math.round(model.needleMs.peek());
    return address('GET /api/export.mp4', { query: { camera, startMs: at, endMs: at + 60_000, timeZone: zone } });
  };
  switch (told.is) {
    case 'gap':
      return <GapCard {...{ model, zone, camera, told }} />;
    case 'waiting':
      return (
        <div class="tl-card" role="status">
          {t(told.reason === 'end' ? 'wait-end' : 'wait')}
        </div>
      );
    case 'blocked':
      return (
        <div class="tl-card">
          <Button icon="play" text={t('play')} kind="primary" onClick={() => group.play()} />
        </div>
      );
    case 'unsupported':
      return (
        <div class="tl-card" role="status">
          <p>{t(told.codec === '' ? 'unsupported-some' : 'unsupported', { codec: told.codec })}</p>
          {me.value?.rights.includes('export') && (
            <a class="button" href={download()} download>
              <Icon name="download" />
              <span>{t('download-minute')}</span>
            </a>
          )}
        </div>
      );
    case 'failed':
      return (
        <div class="tl-card" role="status">
          <p>{t(told.reason === 'decoder' ? 'failed-decoder' : 'failed')}</p>
          <Button text={t('try-again')} onClick={() => group.seek(model.needleMs.peek())} />
        </div>
      );
    default:
      return null;
  }
}

/** While the needle passes over a time without footage the player is not asked; the lanes know why there is none. */
function passed(model: TimelineModel, camera: number): PlayState | undefined {
  if (!model.isScrubbing.value) return undefined;
  const timeMs = model.needleMs.value;
  const pieces = model.store.pieces(camera, model.view.value);
  const gap = gapAt(pieces, timeMs);
  if (!gap) return hasFootage(pieces, timeMs) === false ? { is: 'gap', startMs: timeMs } : undefined;
  return {
    is: 'gap',
    reason: gap.reason,
    startMs: gap.startMs,
    ...(gap.endMs === undefined ? {} : { untilMs: gap.endMs }),
  };
}

interface GapCardProps extends Omit<PicturesProps, 'group'> {
  camera: number;
  told: Extract<PlayState, { is: 'gap' }>;
}

function GapCard({ model, zone, camera, told }: GapCardProps) {
  // The lanes know gaps whole; the player only what it was asked for.
  const gap = gapAt(model.store.pieces(camera, model.view.value), model.needleMs.value) ?? fromState(told);
  const reason = gap.reason;
  const endMs = gap.endMs ?? told.untilMs;
  const lengthMs = (endMs ?? model.now()) - gap.startMs;
  const length = lengthWords(lengthMs);
  const isShort = lengthMs < 3_600_000;
  const from = isShort ? clock(gap.startMs, zone) : moment(gap.startMs, zone, model.now());
  const cure = reason && gapCure(reason);
  return (
    <div class="tl-card" role="status">
      <strong>{reason ? reasonWords(reason) : t('gap-card')}</strong>
      {gap.startMs !== endMs && (reason || endMs !== undefined) && (
        <span class="figure">
          {endMs === undefined
            ? t('gap-lasting', { from, length })
            : t('gap-length', { from, to: clock(endMs, zone, isShort), length })}
        </span>
      )}
      {cure && <span class="dense">{cure}</span>}
      {endMs !== undefined && endMs < model.now() && (
        <Button text={t('go-on')} onClick={() => model.seek(endMs, 'commit')} />
      )}
    </div>
  );
}

function fromState({ reason, startMs, untilMs }: GapCardProps['told']): Partial<Gap> & { startMs: number } {
  return { startMs, ...(reason ? { reason } : {}), ...(untilMs === undefined ? {} : { endMs: untilMs }) };
}

/** Tells of the first camera's gaps when they are entered: those who see the card need no words, others do. */
export function useGapWords(model: TimelineModel, group: PlaybackGroup, zone: string): ReadonlySignal<string> {
  const words = useSignal('');
  useEffect(
    () =>
      group.gap.subscribe(hole => {
        const lead = model.chosen.peek()[0];
        if (!hole || lead === undefined) return;
        const gap = gapAt(model.store.pieces(lead, model.view.peek()), model.needleMs.peek());
        const reason = gap?.reason ?? hole.reason;
        const [startMs, endMs] = [gap?.startMs ?? hole.startMs, gap?.endMs ?? hole.endMs];
        words.value = gapWords(zone, startMs, endMs, reason ? reasonWords(reason) : t('not-recorded'));
      }),
    [model, group, zone],
  );
  return words;
}
