// One camera, live: its picture to look at closely, what can be done with it, its last hour and today's events.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Camera } from '../../../src/api/contract.ts';
import { Button } from '../components/button.tsx';
import { Icon, type IconName } from '../components/icon.tsx';
import { Empty } from '../components/notes.tsx';
import { PageHead } from '../components/page-head.tsx';
import { useKeys } from '../keys.ts';
import { LiveView } from '../player/live-view.tsx';
import { prefer, preferences } from '../preferences.ts';
import { go, href } from '../router.ts';
import { hasPage, isAtLeast, type PageProps } from '../routes.ts';
import { cameraIds, cameraSignal, isKnown, me, ongoingGaps } from '../state.ts';
import { thisDevice } from './device.ts';
import { HourStrip } from './hour-strip.tsx';
import { PictureInfo, streamWords } from './picture-info.tsx';
import { pictureNames, pictureWords } from './picture-words.ts';
import { PtzPanel, ptzTitle } from './ptz-panel.tsx';
import { recordNow } from './record-now.ts';
import { saveSnapshot } from './snapshot.ts';
import { TalkHurdle } from './talk-hurdle.tsx';
import { TalkNote, TalkTool } from './talk-tool.tsx';
import { TroubleNote } from './tile.tsx';
import { detourOf, isRecording, isWorthRetrying, troubleOf } from './tile-state.ts';
import { TodayLine } from './today-line.tsx';
import { useLivePlayer } from './use-player.ts';
import { useTalk } from './use-talk.ts';
import { pan, SHARP_SCALE, STEP, WHOLE, type Zoom, zoomTo } from './zoom.ts';
import { ZoomStage } from './zoom-stage.tsx';

/** Device pixels across up to which a small stream of unknown size is sharp enough. */
const WIDE_PX = 960;
/** How much a picture may be enlarged before it looks blurred. */
const BLUR = 1.25;
const MIDDLE = { x: 0.5, y: 0.5 };
const PAN = 0.1;

export default function CameraPage({ params }: PageProps) {
  const id = Number(params.id);
  // Subscribes to cameras that come and go.
  const ids = cameraIds.value;
  const camera = ids.includes(id) ? cameraSignal(id)?.value : undefined;
  // Another camera is another picture: nothing of the one before stays.
  if (camera) return <CameraView key={id} camera={camera} ids={ids} />;
  return (
    <div class="page">
      <PageHead title={isKnown.value ? pictureWords('noCamera') : pictureWords('back')} unseen />
      {isKnown.value && (
        <Empty icon="camera" title={pictureWords('noCamera')}>
          <p>{pictureWords('noCameraWhy')}</p>
          <a class="button" href={href('')}>
            {pictureWords('back')}
          </a>
        </Empty>
      )}
    </div>
  );
}

function CameraView({ camera, ids }: { camera: Camera; ids: readonly number[] }) {
  const { id, name } = camera;
  const { player, play, info, setPlayer } = useLivePlayer();
  const [zoom, setZoom] = useState<Zoom>(WHOLE);
  const [sounds, setSounds] = useState(false);
  const [told, setTold] = useState(false);
  const [moves, setMoves] = useState(false);
  const [hurries, setHurries] = useState(false);
  const talking = useTalk(id);
  const mayTalk = me.value?.rights.includes('talk') === true;
  const canTalk = mayTalk && camera.can.talk && isSecureContext;
  const canMove = ptzTitle(camera);
  const video = useRef<HTMLVideoElement | undefined>(undefined);
  const stage = useRef<HTMLElement | null>(null);
  const { fills, toggle: fill } = useFullscreen(stage);
  const width = useWidth(stage);
  const saves = thisDevice().savesData && !fills && zoom.scale <= SHARP_SCALE;
  const sharpPx = (camera.state.sub?.width ?? WIDE_PX) * BLUR;
  const stream = camera.sub && !fills && (saves || width * zoom.scale <= sharpPx) ? 'sub' : 'main';
  const recording = isRecording(camera, ongoingGaps.value.get(id));
  const trouble = troubleOf(camera, play);
  const detour = detourOf(stream, info, camera);
  const open = (by: number) => {
    const next = ids[(ids.indexOf(id) + by + ids.length) % ids.length];
    if (next !== undefined && next !== id) go(href(`cam/${next}`));
  };
  const snapshot = () => void saveSnapshot(camera, video.current, player?.wallMs());
  const zoomBy = (factor: number) => setZoom(before => zoomTo(before, before.scale * factor, MIDDLE));
  const hasSound = camera.state.main?.audio !== undefined;
  const panOrLeave = (x: number, y: number) => () => (zoom.scale > 1 ? setZoom(pan(zoom, x, y)) : false);
  useKeys({
    f: fill,
    s: snapshot,
    m: () => (hasSound ? setSounds(!sounds) : false),
    t: event => (canTalk ? event.repeat || talking.toggle() : false),
    '+': () => zoomBy(STEP),
    '=': () => zoomBy(STEP),
    '-': () => zoomBy(1 / STEP),
    '0': () => setZoom(WHOLE),
    ArrowLeft: panOrLeave(PAN, 0),
    ArrowRight: panOrLeave(-PAN, 0),
    ArrowUp: panOrLeave(0, PAN),
    ArrowDown: panOrLeave(0, -PAN),
    PageDown: () => open(1),
    PageUp: () => open(-1),
    Escape: () => (fills ? fill() : go(href(''))),
  });
  return (
    <div class="page camera-page">
      <PageHead title={name}>
        <a class="button camera-back" data-kind="plain" aria-label={pictureWords('back')} href={href('')}>
          <Icon name="back" />
        </a>
        <CameraHead camera={camera} recording={recording} told={told} onTold={() => setTold(!told)} />
      </PageHead>
      {told && <PictureInfo info={info} noRtc={camera.cannot.webrtc?.message} />}
      <div class="camera-picture" data-fills={fills} data-state={trouble ? 'trouble' : play.is}>
        <ZoomStage
          zoom={zoom}
          onZoom={setZoom}
          onSwipe={to => open(to === 'next' ? 1 : -1)}
          onElement={element => {
            stage.current = element;
          }}
        >
          <LiveView
            source={{ is: 'live', camera: id, stream }}
            // What it hears there comes back from here.
            muted={!sounds || talking.isOn}
            rtc={camera.can.webrtc ? (hurries ? 'first' : 'last') : undefined}
            volume={preferences.value.volume}
            onPlayer={setPlayer}
            onVideo={element => {
              video.current = element;
            }}
          />
        </ZoomStage>
        {trouble && <TroubleNote trouble={trouble} player={player} />}
        {fills && (
          <button type="button" class="button camera-leave" onClick={fill}>
            <Icon name="close" label={pictureWords('fullscreen')} />
          </button>
        )}
      </div>
      {detour && (
        <p class="camera-note">
          {detour}
          {isWorthRetrying(info) && (
            <button type="button" class="button" onClick={() => player?.retry()}>
              {pictureNames('retry')}
            </button>
          )}
        </p>
      )}
      <HourStrip camera={id} name={name} />
      <div class="camera-tools" role="toolbar" aria-label={pictureWords('tools')}>
        <Tool icon="snapshot" text={pictureWords('snapshot')} onPick={snapshot} />
        {isAtLeast(me.value?.role, 'operator') && camera.state.name === 'live' && <RecordTool camera={camera} />}
        {hasSound && (
          <Tool
            icon={sounds ? 'sound' : 'muted'}
            text={pictureWords('sound', { name })}
            pressed={sounds}
            onPick={() => setSounds(!sounds)}
          />
        )}
        {sounds && <Volume />}
        {/* Whoever talks can stop, whatever comes between. */}
        {(canTalk || talking.isOn) && <TalkTool talking={talking} />}
        {mayTalk && !canTalk && !talking.isOn && <TalkHurdle camera={camera} />}
        {camera.can.webrtc && (
          <Button text={pictureWords('lowDelay')} pressed={hurries} onClick={() => setHurries(!hurries)} />
        )}
        {canMove && <Tool icon="move" text={canMove} pressed={moves} onPick={() => setMoves(!moves)} />}
        <Tool icon="minus" text={pictureWords('zoomOut')} onPick={() => zoomBy(1 / STEP)} />
        <Tool icon="plus" text={pictureWords('zoomIn')} onPick={() => zoomBy(STEP)} />
        {zoom.scale > 1 && <Tool icon="zoom" text={pictureWords('zoomFit')} onPick={() => setZoom(WHOLE)} />}
        <Tool icon="fullscreen" text={pictureWords('fullscreen')} pressed={fills} onPick={fill} />
        {ids.length > 1 && (
          <>
            <Tool icon="back" text={pictureWords('previous')} onPick={() => open(-1)} />
            <Tool icon="forward" text={pictureWords('next')} onPick={() => open(1)} />
          </>
        )}
      </div>
      <TalkNote talking={talking} />
      {canMove && moves && <PtzPanel camera={camera} title={canMove} />}
      <TodayLine camera={id} />
    </div>
  );
}

interface HeadProps {
  camera: Camera;
  recording: boolean;
  told: boolean;
  onTold(): void;
}

function CameraHead({ camera, recording, told, onTold }: HeadProps) {
  return (
    <>
      <span class="tile-sign" data-kind={recording ? 'record' : 'off'}>
        <Icon name={recording ? 'record' : 'hide'} />
        {pictureWords(recording ? 'recording' : 'notRecording')}
      </span>
      <span class="quiet dense figure">{streamWords(camera)}</span>
      <button
        type="button"
        class="button"
        data-kind="plain"
        aria-pressed={told}
        aria-label={pictureWords('info')}
        onClick={onTold}
      >
        <Icon name="info" />
      </button>
      {hasPage(`set/cameras/${camera.id}`) && (
        <a
          class="button"
          data-kind="plain"
          aria-label={pictureWords('settings')}
          href={href(`set/cameras/${camera.id}`)}
        >
          <Icon name="edit" />
        </a>
      )}
    </>
  );
}

interface ToolProps {
  icon: IconName;
  text: string;
  /** It is on or off. */
  pressed?: boolean;
  onPick(): void;
}

function Tool({ icon, text, pressed, onPick }: ToolProps) {
  return (
    <button type="button" class="button" aria-pressed={pressed} aria-label={text} title={text} onClick={onPick}>
      <Icon name={icon} />
    </button>
  );
}

/** A minute that can be ended. */
function RecordTool({ camera }: { camera: Camera }) {
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (!asked) return;
    const timer = window.setTimeout(() => setAsked(false), 60_000);
    return () => clearTimeout(timer);
  }, [asked]);
  const toggle = async () => {
    if (await recordNow(camera, asked ? 'stop' : 'start')) setAsked(!asked);
  };
  return (
    <button type="button" class="button" data-kind="record" aria-pressed={asked} onClick={() => void toggle()}>
      <Icon name="record" />
      {pictureWords(asked ? 'recordStop' : 'record')}
    </button>
  );
}

function Volume() {
  return (
    <input
      type="range"
      min="0"
      max="1"
      step="0.05"
      aria-label={pictureWords('volume')}
      value={preferences.value.volume}
      onInput={event => prefer({ volume: Number(event.currentTarget.value) })}
    />
  );
}

/** Of the picture; where the system has none for it, the picture fills the window. */
function useFullscreen(stage: { current: HTMLElement | null }) {
  const [fills, setFills] = useState(false);
  useEffect(() => {
    const changed = () => {
      if (!document.fullscreenElement) setFills(false);
    };
    document.addEventListener('fullscreenchange', changed);
    return () => document.removeEventListener('fullscreenchange', changed);
  }, []);
  const toggle = () => {
    setFills(!fills);
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (!fills) void stage.current?.parentElement?.requestFullscreen?.().catch(() => undefined);
  };
  return { fills, toggle };
}

/** In device pixels. */
function useWidth(stage: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(innerWidth * devicePixelRatio);
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth * devicePixelRatio));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}
