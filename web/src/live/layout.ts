// How tiles fill the screen: columns and rows of a layout, which tiles are large, and how many pages that makes.
import type { GroupLayout } from '../../../src/api/contract.ts';

export const LAYOUTS: readonly GroupLayout[] = ['auto', '1', '2x2', '3x3', '4x4', '1+5', '1+7', 'list'];

export interface Arrangement {
  columns: number;
  rows: number;
  perPage: number;
  /** The first tile is so many columns and rows large. */
  firstSpan: number;
}

export interface Room {
  width: number;
  height: number;
}

const ASPECT = 16 / 9;
/** In CSS pixels: on less nobody recognises anything. */
const LEAST_WIDTH = 160;
const MOST_TILES = 16;
/** A phone held upright: pictures below each other, and one scrolls. */
const NARROW = 600;

const FIXED: Readonly<Partial<Record<GroupLayout, Arrangement>>> = {
  '1': { columns: 1, rows: 1, perPage: 1, firstSpan: 1 },
  '2x2': { columns: 2, rows: 2, perPage: 4, firstSpan: 1 },
  '3x3': { columns: 3, rows: 3, perPage: 9, firstSpan: 1 },
  '4x4': { columns: 4, rows: 4, perPage: 16, firstSpan: 1 },
  '1+5': { columns: 3, rows: 3, perPage: 6, firstSpan: 2 },
  '1+7': { columns: 4, rows: 4, perPage: 8, firstSpan: 3 },
};

/** Of so many cameras in so much room. `list` is one column of rows, all of them. */
export function arrange(layout: GroupLayout, count: number, room: Room): Arrangement {
  if (layout === 'list') return { columns: 1, rows: count, perPage: Math.max(1, count), firstSpan: 1 };
  return FIXED[layout] ?? automatic(Math.max(1, count), room);
}

function automatic(count: number, room: Room): Arrangement {
  const narrow = room.width < NARROW && room.height > room.width;
  if (narrow) {
    const columns = count <= 4 ? 1 : 2;
    const perPage = Math.min(count, MOST_TILES);
    return { columns, rows: Math.ceil(perPage / columns), perPage, firstSpan: 1 };
  }
  // Pages of equal size look better than one full and one nearly empty.
  const pages = Math.ceil(count / Math.min(MOST_TILES, mostThatFit(room)));
  const perPage = Math.ceil(count / pages);
  const columns = bestColumns(perPage, room);
  return { columns, rows: Math.ceil(perPage / columns), perPage, firstSpan: 1 };
}

/** Side by side looks better than below each other, as long as the tiles are nearly as large as can be. */
const NEARLY = 0.88;

function bestColumns(count: number, room: Room): number {
  const widths = Array.from({ length: count }, (_, index) =>
    tileWidth(index + 1, Math.ceil(count / (index + 1)), room),
  );
  return widths.findLastIndex(width => width >= NEARLY * Math.max(...widths)) + 1;
}

function tileWidth(columns: number, rows: number, { width, height }: Room): number {
  return Math.min(width / columns, (height / rows) * ASPECT);
}

function mostThatFit({ width, height }: Room): number {
  const columns = Math.max(1, Math.floor(width / LEAST_WIDTH));
  const rows = Math.max(1, Math.floor(height / (LEAST_WIDTH / ASPECT)));
  return columns * rows;
}

/** The cameras of each page; at least one page. */
export function pagesOf<T>(items: readonly T[], perPage: number): T[][] {
  const pages: T[][] = [];
  for (let at = 0; at < items.length; at += perPage) pages.push(items.slice(at, at + perPage));
  return pages.length > 0 ? pages : [[]];
}

/** The tile that an arrow leads to from the one at `index`; stays where there is none. */
export function neighbour(index: number, key: string, { columns }: Arrangement, count: number): number {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
  };
  const target = index + (steps[key] ?? 0);
  return target >= 0 && target < count ? target : index;
}
