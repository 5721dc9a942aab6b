// One camera of the grid: its picture, its name, how it is in signs with words, and why it does not move where it does not.
import { useRef } from 'preact/hooks';
import type { Camera, Event } from '../../../src/api/contract.ts';
import { Icon, type IconName } from '../components/icon.tsx';
import { Menu, type MenuItem } from '../components/menu.tsx';
import { LiveView } from '../player/live-view.tsx';
import { preferences } from '../preferences.ts';
import { go, href } from '../router.ts';
import { hasPage, isAtLeast } from '../routes.ts';
import { me, ongoingEvents, ongoingGaps } from '../state.ts';
import { lengthWords, stopwatch } from '../time.ts';
import { classOfAll } from '../timeline/classes.ts';
import { boardAheadMs } from '../zone.ts';
import { pictureNames, pictureWords } from './picture-words.ts';
import { recordNow } from './record-now.ts';
import { saveSnapshot } from './snapshot.ts';
import type { TileProps } from './tile-props.ts';
import { detourOf, isRecording, isWorthRetrying, type Trouble, troubleOf } from './tile-state.ts';
import { useLivePlayer, useSeconds } from './use-player.ts';

/** A still that is younger than this is as good as moving. */
const FRESH_MS = 3000;

export function Tile({ camera, mode, stream, stillMs, sounds, onSound, onOpen, onHide }: TileProps) {
  const { id, name } = camera.value;
  const { player, play, info, stillFromMs, setPlayer } = useLivePlayer();
  const video = useRef<HTMLVideoElement | undefined>(undefined);
  const box = useRef<HTMLDivElement>(null);
  const trouble = troubleOf(camera.value, play);
  const detour = mode === 'live' ? detourOf(stream, info, camera.value) : undefined;
  const event = ongoingEvents.value.get(id);
  const recording = isRecording(camera.value, ongoingGaps.value.get(id));
  const items = menuItems(camera.value, recording, sounds, {
    onSound,
    onHide,
    onSnapshot: () => void saveSnapshot(camera.peek(), video.current, player?.wallMs()),
    onFullscreen: () => void box.current?.requestFullscreen?.().catch(() => undefined),
  });
  const saysMore = trouble || detour || (play.is !== 'playing' && play.is !== 'opening');
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div
      class="tile"
      ref={box}
      role="group"
      aria-label={[name, pictureWords(recording ? 'recording' : 'notRecording'), trouble?.text]
        .filter(Boolean)
        .join(', ')}
      data-state={trouble ? 'trouble' : play.is}
    >
      <LiveView
        source={{ is: 'live', camera: id, stream }}
        mode={mode}
        stillMs={stillMs}
        muted={!sounds}
        volume={preferences.value.volume}
        onPlayer={setPlayer}
        onVideo={element => {
          video.current = element;
        }}
      />
      <button type="button" class="tile-open" aria-label={pictureWords('open', { name })} onClick={onOpen} />
      {trouble && <TroubleNote trouble={trouble} player={player} />}
      {detour && !trouble && (
        <p class="tile-note">
          {detour}
          {isWorthRetrying(info) && (
            <button type="button" class="button" onClick={() => player?.retry()}>
              {pictureNames('retry')}
            </button>
          )}
        </p>
      )}
      <div class="tile-bar">
        <span class="tile-name">{name}</span>
        <EventSign event={event} />
        <Sign
          icon={recording ? 'record' : 'hide'}
          kind={recording ? 'record' : 'off'}
          text={pictureWords(recording ? 'recording' : 'notRecording')}
          word={recording ? pictureWords('rec') : undefined}
        />
        {saysMore && <Age fromMs={stillFromMs} />}
        {sounds && (
          <button type="button" class="tile-button" aria-label={pictureWords('soundOff')} onClick={onSound}>
            <Icon name="sound" />
          </button>
        )}
        <Menu label={pictureWords('menu', { name })} items={items} up>
          <Icon name="more" />
        </Menu>
      </div>
    </div>
  );
}

/** Never by its colour alone: the form differs, and the word is there for those who do not see it. */
function Sign({ icon, kind, text, word }: { icon: IconName; kind: string; text: string; word?: string | undefined }) {
  return (
    <span class="tile-sign" data-kind={kind} title={text}>
      <Icon name={icon} label={text} />
      {word && (
        <span class="tile-word" aria-hidden="true">
          {word}
        </span>
      )}
    </span>
  );
}

function EventSign({ event }: { event: Event | undefined }) {
  if (!event) return null;
  const kind = classOfAll(event.labels);
  return <Sign icon={kind} kind={kind} text={event.labels[0] ?? pictureWords('motion')} />;
}

/** How old the picture is that stands still. */
function Age({ fromMs }: { fromMs: number | undefined }) {
  // Pictures are dated by the board's clock.
  const ageMs = useSeconds(fromMs !== undefined) + boardAheadMs.value - (fromMs ?? 0);
  if (fromMs === undefined || ageMs < FRESH_MS) return null;
  const text = pictureWords('still', { age: lengthWords(ageMs) });
  return (
    <span class="tile-sign" title={text}>
      <Icon name="still" label={pictureWords('stillNow')} />
      <span class="figure">{lengthWords(ageMs)}</span>
    </span>
  );
}

export function TroubleNote({
  trouble,
  player,
}: {
  trouble: Trouble;
  player: { retry(): void; play(): void } | undefined;
}) {
  const { text, sinceMs, cure, offer } = trouble;
  const now = useSeconds(sinceMs !== undefined);
  return (
    <div class="tile-trouble">
      <p>
        <Icon name="warn" /> {text} {sinceMs !== undefined && <span class="figure">{stopwatch(now - sinceMs)}</span>}
      </p>
      {cure && <p class="tile-cure">{cure}</p>}
      {offer === 'health' && hasPage('health') && (
        <a class="button" href={href('health')}>
          {pictureWords('health')}
        </a>
      )}
      {(offer === 'retry' || offer === 'play') && (
        <button type="button" class="button" onClick={() => player?.[offer]()}>
          {pictureNames(offer)}
        </button>
      )}
    </div>
  );
}

interface MenuActions {
  onSound(): void;
  onSnapshot(): void;
  onFullscreen(): void;
  onHide(): void;
}

/** What the camera or the reader cannot do is not there. */
function menuItems(camera: Camera, recording: boolean, sounds: boolean, actions: MenuActions): MenuItem[] {
  const { id, state } = camera;
  const items: (MenuItem | false)[] = [
    { label: pictureWords('snapshot'), icon: 'snapshot', onPick: actions.onSnapshot },
    state.main?.audio !== undefined && {
      label: pictureWords(sounds ? 'soundOff' : 'soundOn'),
      icon: sounds ? 'muted' : 'sound',
      onPick: actions.onSound,
    },
    isAtLeast(me.value?.role, 'operator') &&
      !recording &&
      state.name === 'live' && {
        label: pictureWords('record'),
        icon: 'record',
        onPick: () => void recordNow(camera, 'start'),
      },
    {
      label: pictureWords('timeline'),
      icon: 'timeline',
      onPick: () => go(href('time', { c: id })),
    },
    document.fullscreenEnabled && {
      label: pictureWords('fullscreen'),
      icon: 'fullscreen',
      onPick: actions.onFullscreen,
    },
    { label: pictureWords('hide'), icon: 'hide', onPick: actions.onHide },
  ];
  return items.filter(item => item !== false);
}
