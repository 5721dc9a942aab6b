// The footage of an event in place, from what was kept of before it to its end, with as much of a player as that needs.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Event } from '../../../src/api/contract.ts';
import { address } from '../api.ts';
import { Icon } from '../components/icon.tsx';
import { httpBoard } from '../player/board-http.ts';
import type { PlayState } from '../player/play-state.ts';
import { PlaybackGroup } from '../player/playback-group.ts';
import { Player } from '../player/player.tsx';
import { me } from '../state.ts';
import { clock, stopwatch } from '../time.ts';
import { now } from '../zone.ts';
import { t } from './words.ts';

/** An event counts as seen when so much of it was played. */
const SEEN_MS = 1000;
/** Steps of the keys on the slider. */
const STEP_MS = 1000;

export interface ClipProps {
  event: Event;
  zone: string;
  /** It plays at once: somebody asked for it. */
  autoPlay: boolean;
  onPlayed(): void;
}

export function Clip({ event, zone, autoPlay, onPlayed }: ClipProps) {
  const startMs = event.startMs - event.preRoll.deliveredMs;
  const endMs = event.endMs === undefined ? now() : event.endMs + event.postRollMs;
  const group = useMemo(() => new PlaybackGroup(httpBoard, startMs, { endMs }), [event.id]);
  const state = useSignal<PlayState>({ is: 'idle' });
  const muted = useSignal(true);
  usePlayed(group, onPlayed);
  useEffect(() => {
    if (autoPlay) group.play();
    return () => group.close();
  }, [group]);
  const toggle = () => {
    if (!group.isPlaying.peek() && group.nowMs.peek() >= endMs) group.seek(startMs);
    group.toggle();
  };
  const isPlaying = group.isPlaying.value;
  const problem = problemWords(state.value);
  const isShown = state.value.is === 'playing' || state.value.is === 'paused';
  return (
    <div class="ev-clip" data-state={state.value.is}>
      <Player
        source={{ is: 'recorded', camera: event.camera, group }}
        muted={muted.value}
        onState={told => {
          state.value = told;
        }}
      />
      {event.picture && !isShown && (
        <img class="ev-poster" alt="" src={address('GET /api/events/{id}/picture.jpg', { params: { id: event.id } })} />
      )}
      {problem && (
        <p class="ev-problem" role="status">
          {problem}
        </p>
      )}
      <div class="ev-controls">
        <button type="button" class="ev-play" aria-label={t(isPlaying ? 'pause' : 'play')} onClick={toggle}>
          <Icon name={isPlaying ? 'pause' : 'play'} />
        </button>
        <Position group={group} startMs={startMs} endMs={endMs} zone={zone} />
        <button
          type="button"
          aria-label={t(muted.value ? 'unmute' : 'mute')}
          onClick={() => {
            muted.value = !muted.value;
          }}
        >
          <Icon name={muted.value ? 'muted' : 'sound'} />
        </button>
      </div>
    </div>
  );
}

interface PositionProps {
  group: PlaybackGroup;
  startMs: number;
  endMs: number;
  zone: string;
}

/** Rendered by itself: it moves with the pictures. */
function Position({ group, startMs, endMs, zone }: PositionProps) {
  const atMs = Math.min(endMs, Math.max(startMs, group.nowMs.value));
  return (
    <>
      <input
        type="range"
        class="grow"
        aria-label={t('position')}
        aria-valuetext={clock(atMs, zone)}
        min={0}
        max={endMs - startMs}
        step={STEP_MS / 10}
        value={atMs - startMs}
        onInput={event => group.seek(startMs + Number(event.currentTarget.value), 'scrub')}
        onChange={event => group.seek(startMs + Number(event.currentTarget.value), 'commit')}
        onKeyDown={event => event.stopPropagation()}
      />
      <span class="figure label">
        {stopwatch(atMs - startMs)} / {stopwatch(endMs - startMs)}
      </span>
    </>
  );
}

function problemWords(state: PlayState): string | undefined {
  if (state.is === 'unsupported' || state.is === 'failed')
    return t(me.value?.rights.includes('export') ? 'play-failed' : 'play-failed-only');
  return state.is === 'gap' ? t('no-footage') : undefined;
}

/** Calls once when enough of it was played, wherever that began. */
function usePlayed(group: PlaybackGroup, onPlayed: () => void): void {
  const watched = useRef({ playedMs: 0, lastMs: 0, told: false });
  const call = useRef(onPlayed);
  call.current = onPlayed;
  useEffect(() => {
    const { current } = watched;
    Object.assign(current, { playedMs: 0, lastMs: group.nowMs.peek(), told: false });
    return group.nowMs.subscribe(ms => {
      const stepMs = ms - current.lastMs;
      current.lastMs = ms;
      // A seek is not playing.
      if (current.told || !group.isPlaying.peek() || stepMs <= 0 || stepMs > SEEN_MS) return;
      current.playedMs += stepMs;
      if (current.playedMs < SEEN_MS) return;
      current.told = true;
      call.current();
    });
  }, [group]);
}
