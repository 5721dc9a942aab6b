// The recorded picture of one camera at the moment of its group, as a component.
import { useEffect, useRef } from 'preact/hooks';
import { onUpdate } from '../state.ts';
import { httpBoard } from './board-http.ts';
import { MediaElement } from './media-element.ts';
import type { PlaybackGroup } from './playback-group.ts';
import { RecordedPlayer } from './recorded-player.ts';
import type { StreamName } from './wire.ts';

/** One camera at the moment of a group. */
export interface RecordedRef {
  is: 'recorded';
  camera: number;
  /** Default main. */
  stream?: StreamName;
  group: PlaybackGroup;
}

export interface RecordedViewProps {
  source: RecordedRef;
  /** Default true. */
  muted?: boolean;
  /** 0 to 1. */
  volume?: number;
  fit?: 'contain' | 'cover';
  /** The player behind it, for its signals; undefined when it goes. */
  onPlayer?(player: RecordedPlayer | undefined): void;
  onVideo?(video: HTMLVideoElement | undefined): void;
}

export function RecordedView(props: RecordedViewProps) {
  const { source, muted = true, volume = 1, fit = 'contain' } = props;
  const { camera, stream = 'main', group } = source;
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    if (!video.current || !canvas.current) return;
    const player = new RecordedPlayer(httpBoard, new MediaElement(video.current, canvas.current), camera, stream);
    const leave = group.add(player);
    const stopListening = onUpdate(update => {
      if ('type' in update && update.type === 'deleted' && update.camera === camera) player.deleted(update.untilMs);
    });
    props.onPlayer?.(player);
    props.onVideo?.(video.current);
    return () => {
      props.onPlayer?.(undefined);
      props.onVideo?.(undefined);
      stopListening();
      leave();
      player.close();
    };
  }, [camera, stream, group]);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.volume = volume;
    element.muted = muted;
  }, [muted, volume]);

  return (
    <div class="picture" data-fit={fit} aria-hidden="true">
      <canvas ref={canvas} class="picture-still" width="0" height="0" />
      <video ref={video} class="picture-video" tabIndex={-1} muted playsInline disableRemotePlayback />
    </div>
  );
}
