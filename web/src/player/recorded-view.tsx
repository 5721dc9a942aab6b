// The recorded picture of one camera at the moment of its group, as a component.
import { useEffect, useRef } from 'preact/hooks';
import { onUpdate } from '../state.ts';
import { httpBoard } from './board-http.ts';
import { hasMediaSource, MediaElement } from './media-element.ts';
import type { PlaybackGroup } from './playback-group.ts';
import { playsHls, RecordedHls } from './recorded-hls.ts';
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
  onPlayer?(player: RecordedPlayer | RecordedHls | undefined): void;
  onVideo?(video: HTMLVideoElement | undefined): void;
}

export function RecordedView(props: RecordedViewProps) {
  const { source, muted = true, volume = 1, fit = 'contain' } = props;
  const { camera, stream = 'main', group } = source;
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const player = useRef<RecordedPlayer | RecordedHls | undefined>(undefined);

  useEffect(() => {
    if (!video.current || !canvas.current) return;
    const element = new MediaElement(video.current, canvas.current);
    const byHls = !hasMediaSource() && playsHls(video.current);
    const made = byHls
      ? new RecordedHls(httpBoard, video.current, camera, stream)
      : new RecordedPlayer(httpBoard, element, camera, stream);
    player.current = made;
    const leave = group.add(made);
    const stopListening = onUpdate(update => {
      if ('type' in update && update.type === 'deleted' && update.camera === camera) made.deleted(update.untilMs);
    });
    props.onPlayer?.(made);
    props.onVideo?.(video.current);
    return () => {
      props.onPlayer?.(undefined);
      props.onVideo?.(undefined);
      stopListening();
      leave();
      player.current = undefined;
      made.close();
    };
  }, [camera, stream, group]);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.volume = volume;
    element.muted = muted;
    player.current?.setSound(!muted);
  }, [muted, volume, camera, stream, group]);

  return (
    <div class="picture" data-fit={fit} aria-hidden="true">
      <canvas ref={canvas} class="picture-still" width="0" height="0" />
      <video ref={video} class="picture-video" tabIndex={-1} muted />
    </div>
  );
}
