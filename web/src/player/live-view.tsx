// The picture of one camera now, as a component: canvas for what stands still, video above it for what moves.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { cameraSignal } from '../state.ts';
import { httpBoard } from './board-http.ts';
import { LivePlayer } from './live-player.ts';
import { MediaElement } from './media-element.ts';
import type { LiveRef } from './play-state.ts';

export interface LiveViewProps {
  source: LiveRef;
  /** Default `live`. `still`: one picture each `stillMs`; `off`: what was shown stays. */
  mode?: 'live' | 'still' | 'off';
  /** Default 10 s. */
  stillMs?: number;
  /** Default true. */
  muted?: boolean;
  /** 0 to 1. */
  volume?: number;
  fit?: 'contain' | 'cover';
  /** See the wish of the player. */
  rtc?: 'first' | 'last' | undefined;
  /** The player behind it, for its signals and for `retry`; undefined when it goes. */
  onPlayer?(player: LivePlayer | undefined): void;
  /** Called with the element, for fullscreen pictures and snapshots. */
  onVideo?(video: HTMLVideoElement | undefined): void;
}

export function LiveView(props: LiveViewProps) {
  const { source, mode = 'live', stillMs = 10_000, muted = true, volume = 1, fit = 'contain', rtc } = props;
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const player = useRef<LivePlayer | undefined>(undefined);
  const camera = cameraSignal(source.camera)?.value;

  useLayoutEffect(() => {
    if (!video.current || !canvas.current) return;
    const made = new LivePlayer(httpBoard, new MediaElement(video.current, canvas.current));
    player.current = made;
    props.onPlayer?.(made);
    props.onVideo?.(video.current);
    return () => {
      player.current = undefined;
      props.onPlayer?.(undefined);
      props.onVideo?.(undefined);
      made.close();
    };
  }, []);
  useLayoutEffect(() => {
    const element = video.current;
    if (!element) return;
    element.volume = volume;
    element.muted = muted;
  }, [muted, volume]);
  useLayoutEffect(() => {
    const { camera: id, stream } = source;
    const hasSub = camera?.sub !== undefined;
    player.current?.wish({ camera: id, stream, mode, stillMs, hasSub, rtc, state: camera?.state, sound: !muted });
  });

  return (
    <div class="picture" data-fit={fit} aria-hidden="true">
      <canvas ref={canvas} class="picture-still" width="0" height="0" />
      <video ref={video} class="picture-video" tabIndex={-1} muted />
    </div>
  );
}
