// Which tiles move and which stand still, so that neither the device nor the board does more than it can.
import type { SaverChoice } from '../preferences.ts';
import type { TileMode } from './tile-props.ts';

/** What the device can take, before anything is measured. */
export interface Device {
  isPhone: boolean;
  isTablet: boolean;
  /** Its owner asked for little data. */
  savesData: boolean;
}

export interface TileNow {
  camera: number;
  inSight: boolean;
  /** An event goes on, or something moves: of the page's monotonic clock; 0 = never. */
  activeMs: number;
}

export interface SaverInput {
  choice: SaverChoice;
  device: Device;
  /** Cameras of the whole grid, not of this page. */
  cameras: number;
  /** Of this page, in their order. */
  tiles: readonly TileNow[];
  /** At most so many may move because more were too many; undefined = not tried yet. */
  limit: number | undefined;
  nowMs: number;
}

export interface SaverPlan {
  modes: ReadonlyMap<number, TileMode>;
  /** Stills by choice: they move when something happens. */
  isSaver: boolean;
  stillMs: number;
  /** How many stand still only because the device cannot do more. */
  held: number;
}

/** A tile moves on for so long behind what made it move. */
export const AFTER_MS = 10_000;
const FEW = { stillMs: 10_000, cameras: 16 };
const MANY_STILL_MS = 30_000;

export function mostMoving({ isPhone, isTablet }: Device): number {
  return isPhone ? 4 : isTablet ? 9 : 16;
}

/** `auto` saves on phones with more than four cameras, and where little data is wanted. */
export function isSaverOn(choice: SaverChoice, device: Device, cameras: number): boolean {
  if (choice !== 'auto') return choice === 'saver';
  return device.savesData || (device.isPhone && cameras > 4);
}

export function planTiles({ choice, device, cameras, tiles, limit, nowMs }: SaverInput): SaverPlan {
  const isSaver = isSaverOn(choice, device, cameras);
  const most = Math.min(mostMoving(device), limit ?? Number.POSITIVE_INFINITY);
  const isActive = ({ activeMs }: TileNow) => activeMs > 0 && nowMs - activeMs < AFTER_MS;
  const inSight = tiles.filter(tile => tile.inSight);
  const wanted = isSaver ? inSight.filter(isActive) : inSight;
  // Where something happens goes first, then what happened last, then as they stand.
  const ranked = [...wanted].sort((a, b) => b.activeMs - a.activeMs);
  const moving = new Set(ranked.slice(0, most).map(({ camera }) => camera));
  const mode = ({ camera, inSight: seen }: TileNow): TileMode =>
    !seen ? 'off' : moving.has(camera) ? 'live' : 'still';
  return {
    modes: new Map(tiles.map(tile => [tile.camera, mode(tile)])),
    isSaver,
    stillMs: cameras > FEW.cameras ? MANY_STILL_MS : FEW.stillMs,
    held: wanted.length - moving.size,
  };
}

/** Judges by what videos say of themselves whether the device keeps up: more than a fifth of the frames dropped during 5 s is too much. */
export class KeepsUp {
  readonly #samples: { atMs: number; total: number; dropped: number }[] = [];

  /** Sums over all videos, as they grow; true = it does not keep up. */
  sample(atMs: number, total: number, dropped: number): boolean {
    const last = this.#samples.at(-1);
    // A video went, and its frames with it.
    if (last && (total < last.total || dropped < last.dropped)) this.#samples.length = 0;
    this.#samples.push({ atMs, total, dropped });
    while (this.#samples.length > 2 && atMs - (this.#samples[1]?.atMs ?? 0) >= WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (!first || atMs - first.atMs < WINDOW_MS) return false;
    const frames = total - first.total;
    const tooMany = frames > LEAST_FRAMES && dropped - first.dropped > frames * MOST_DROPPED;
    if (tooMany) this.#samples.length = 0;
    return tooMany;
  }
}

const WINDOW_MS = 5000;
const MOST_DROPPED = 0.2;
/** Fewer say nothing. */
const LEAST_FRAMES = 50;
