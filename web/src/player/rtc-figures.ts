// What a browser counts of pictures that come over WebRTC, and how late they are by that.

export interface RtcFigures {
  bytes: number;
  frames: number;
  /** Sums over all frames so far. */
  bufferedS: number;
  emitted: number;
  decodedS: number;
  /** There and back; absent until it was measured. */
  roundTripS?: number;
  /** As in `H264`. */
  codec?: string;
}

type Entry = Readonly<Record<string, unknown>>;

/** Undefined as long as no picture was asked for. */
export function figuresOf(report: { forEach(each: (entry: Entry) => void): void }): RtcFigures | undefined {
  const entries: Entry[] = [];
  report.forEach(entry => void entries.push(entry));
  const video = entries.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
  if (!video) return undefined;
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  const pair = entries.find(
    ({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded',
  );
  const roundTripS = pair?.currentRoundTripTime;
  const mime = entries.find(({ id, type }) => type === 'codec' && id === video.codecId)?.mimeType;
  return {
    bytes: number(video.bytesReceived),
    frames: number(video.framesDecoded),
    bufferedS: number(video.jitterBufferDelay),
    emitted: number(video.jitterBufferEmittedCount),
    decodedS: number(video.totalDecodeTime),
    ...(typeof roundTripS === 'number' ? { roundTripS } : {}),
    ...(typeof mime === 'string' ? { codec: mime.replace(/^.*\//, '') } : {}),
  };
}

/** Of the frames between two counts, from the board to the screen; undefined where none came. */
export function delayMsOf(before: RtcFigures | undefined, now: RtcFigures): number | undefined {
  const emitted = now.emitted - (before?.emitted ?? 0);
  const frames = now.frames - (before?.frames ?? 0);
  if (emitted <= 0 || frames <= 0) return undefined;
  const buffered = (now.bufferedS - (before?.bufferedS ?? 0)) / emitted;
  const decoded = (now.decodedS - (before?.decodedS ?? 0)) / frames;
  return Math.round((buffered + decoded + (now.roundTripS ?? 0) / 2) * 1000);
}
