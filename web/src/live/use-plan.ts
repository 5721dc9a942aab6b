// The plan of the grid's tiles as time goes by: looks once a second while the grid is open, and at once when something happens.
import { useEffect, useRef, useState } from 'preact/hooks';
import { preferences } from '../preferences.ts';
import { ongoingEvents, onUpdate } from '../state.ts';
import { thisDevice } from './device.ts';
import { KeepsUp, planTiles, type SaverPlan } from './saver.ts';

const LOOK_MS = 1000;
/** Of 15: more bytes than usual, so something moves. */
const ACTIVE_LEVEL = 4;
const LEAST_LIMIT = 1;

export interface Planned extends SaverPlan {
  /** Tries again with all of them. */
  moveAll(): void;
}

/** For the cameras of a page, of which `seen` are in sight. */
export function usePlan(page: readonly number[], seen: ReadonlySet<number>, cameras: number): Planned {
  const [nowMs, setNow] = useState(() => performance.now());
  const [limit, setLimit] = useState<number>();
  const activeMs = useRef(new Map<number, number>());
  const moving = useRef(0);
  useEffect(() => {
    const keepsUp = new KeepsUp();
    const look = () => {
      if (document.hidden) return;
      const atMs = performance.now();
      const { total, dropped } = framesOf(document.querySelectorAll('.grid video'));
      if (keepsUp.sample(atMs, total, dropped)) setLimit(Math.max(LEAST_LIMIT, Math.ceil(moving.current / 2)));
      setNow(atMs);
    };
    const timer = window.setInterval(look, LOOK_MS);
    const stop = onUpdate(update => {
      if (!('type' in update) || update.type !== 'activity' || update.level < ACTIVE_LEVEL) return;
      activeMs.current.set(update.camera, performance.now());
    });
    return () => {
      clearInterval(timer);
      stop();
    };
  }, []);
  const ongoing = ongoingEvents.value;
  for (const camera of page) if (ongoing.has(camera)) activeMs.current.set(camera, Math.max(nowMs, performance.now()));
  const tiles = page.map(camera => ({
    camera,
    inSight: seen.has(camera),
    activeMs: activeMs.current.get(camera) ?? 0,
  }));
  const plan = planTiles({ choice: preferences.value.saver, device: thisDevice(), cameras, tiles, limit, nowMs });
  moving.current = [...plan.modes.values()].filter(mode => mode === 'live').length;
  return { ...plan, moveAll: () => setLimit(undefined) };
}

function framesOf(videos: NodeListOf<Element>): { total: number; dropped: number } {
  const sum = { total: 0, dropped: 0 };
  for (const video of videos as NodeListOf<HTMLVideoElement>) {
    const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
    sum.total += totalVideoFrames;
    sum.dropped += droppedVideoFrames;
  }
  return sum;
}
