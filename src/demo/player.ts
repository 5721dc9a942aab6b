// Plays clips one after the other without end: which access unit comes next, and when. It knows no network and no clock.
import type { Clip, Frame, Track } from './clip.ts';

/** One access unit on the endless time line of its track. */
export interface PlayedUnit {
  trackIndex: number;
  track: Track;
  frame: Frame;
  /** Counts the units of this track since the player began. */
  index: number;
  /** Ticks of the track's timescale since the start of play; can be negative at the beginning. */
  dtsTicks: number;
  ptsTicks: number;
}

interface Cursor {
  trackIndex: number;
  clip: Clip;
  round: number;
  frameIndex: number;
  index: number;
  originTicks: number;
}

/**
 * Each track goes its own way through the rounds, so its times have no hole at the border whatever the other track's
 * length is. The clips of all rounds must have the same kinds of tracks in the same order with the same timescales.
 */
export class Player {
  readonly #clipOf: (round: number) => Clip;
  readonly #cursors: Cursor[];

  /** `tracks`: places in the clip of the tracks that are to be played. */
  constructor(clipOf: (round: number) => Clip, tracks: readonly number[]) {
    this.#clipOf = clipOf;
    const clip = clipOf(0);
    this.#cursors = tracks
      .filter(trackIndex => (clip.tracks[trackIndex]?.frames.length ?? 0) > 0)
      .map(trackIndex => ({ trackIndex, clip, round: 0, frameIndex: 0, index: 0, originTicks: 0 }));
  }

  /** Seconds since the start of play at which the next unit is due (by dts); Infinity when there is no track. */
  nextDueS(): number {
    const cursor = this.#next();
    return cursor ? dueS(cursor) : Number.POSITIVE_INFINITY;
  }

  /** The next unit of all tracks by dts. */
  next(): PlayedUnit | undefined {
    const cursor = this.#next();
    const track = cursor && trackOf(cursor);
    const frame = track?.frames[cursor?.frameIndex ?? 0];
    if (!cursor || !track || !frame) return undefined;
    const unit: PlayedUnit = {
      trackIndex: cursor.trackIndex,
      track,
      frame,
      index: cursor.index,
      dtsTicks: cursor.originTicks + frame.dts,
      ptsTicks: cursor.originTicks + frame.pts,
    };
    this.#advance(cursor, track);
    return unit;
  }

  #next(): Cursor | undefined {
    let best: Cursor | undefined;
    for (const cursor of this.#cursors) {
      if (!best || dueS(cursor) < dueS(best)) best = cursor;
    }
    return best;
  }

  #advance(cursor: Cursor, track: Track): void {
    cursor.index++;
    if (++cursor.frameIndex < track.frames.length) return;
    cursor.originTicks += track.durationTicks;
    cursor.frameIndex = 0;
    cursor.clip = this.#clipOf(++cursor.round);
  }
}

function trackOf(cursor: Cursor): Track | undefined {
  return cursor.clip.tracks[cursor.trackIndex];
}

function dueS(cursor: Cursor): number {
  const track = trackOf(cursor);
  const frame = track?.frames[cursor.frameIndex];
  return track && frame ? (cursor.originTicks + frame.dts) / track.timescale : Number.POSITIVE_INFINITY;
}
