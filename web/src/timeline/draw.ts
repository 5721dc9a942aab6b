// One camera's lane as strokes of a pen: footage, activity, gaps by their kind, events by their class.

import { gapKind } from '../components/reasons.ts';
import { classOf, type EventClass } from './classes.ts';
import type { Piece } from './lane-store.ts';
import { endOf, type View, xOf } from './view.ts';

/** The part of a canvas context that drawing needs; sizes are CSS pixels. */
export interface Pen {
  fillStyle: unknown;
  strokeStyle: unknown;
  lineWidth: number;
  font: string;
  textAlign: string;
  textBaseline: string;
  clearRect(x: number, y: number, width: number, height: number): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  fillText(text: string, x: number, y: number): void;
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  rect(x: number, y: number, width: number, height: number): void;
  stroke(): void;
  clip(): void;
  save(): void;
  restore(): void;
}

export interface Colours {
  footage: string;
  /** Fault gaps. */
  fault: string;
  /** Intended gaps. */
  intended: string;
  text: string;
  surface: string;
  classes: Readonly<Record<EventClass, string>>;
}

/** Beside the colour, so that classes are told apart without it. */
const LETTERS: Readonly<Record<EventClass, string>> = { person: 'P', vehicle: 'V', animal: 'A', motion: 'M' };

export interface LaneLook {
  width: number;
  height: number;
  view: View;
  colours: Colours;
  /** Nothing is drawn behind it. */
  nowMs: number;
  /** The camera records at present: what reached up to the answer goes on until now. */
  growing: boolean;
  /** Classes that are shown; undefined for all. */
  classes?: ReadonlySet<EventClass>;
}

const BASE_PX = 4;
const EVENTS_PX = 12;
const HATCH_PX = 7;
const DOT_PX = 6;
/** Footage that ended less than this before the answer was being written. */
const GROWING_MS = 15_000;
/** Closer than this events are drawn without their letters. */
const LETTER_ROOM_PX = 14;

export function drawLane(pen: Pen, pieces: readonly Piece[], look: LaneLook): void {
  pen.clearRect(0, 0, look.width, look.height);
  for (const piece of pieces) drawPiece(pen, piece, look);
  drawEvents(pen, pieces, look);
}

interface Strip {
  left: number;
  width: number;
}

/** Where [startMs, endMs) of a piece lies on the screen; undefined when it does not. */
function stripOf(piece: Piece, { view, width, nowMs }: LaneLook, startMs: number, endMs: number): Strip | undefined {
  const fromMs = Math.max(startMs, piece.startMs, view.startMs);
  const toMs = Math.min(endMs, piece.endMs, endOf(view), nowMs);
  if (fromMs >= toMs) return undefined;
  const left = xOf(view, width, fromMs);
  // What is shorter than a pixel is still seen.
  return { left, width: Math.max(1, xOf(view, width, toMs) - left) };
}

function drawPiece(pen: Pen, piece: Piece, look: LaneLook): void {
  const { lane } = piece;
  const bottom = look.height - BASE_PX;
  pen.fillStyle = look.colours.footage;
  for (const [startMs, endMs] of lane.footage) {
    const grows = look.growing && endMs > piece.askedMs - GROWING_MS && !lane.gaps.some(gap => gap.startMs >= endMs);
    const strip = stripOf(piece, look, startMs, grows ? look.nowMs : endMs);
    if (strip) pen.fillRect(strip.left, bottom, strip.width, BASE_PX);
  }
  drawActivity(pen, piece, look);
  for (const gap of lane.gaps) {
    const strip = stripOf(piece, look, gap.startMs, gap.endMs ?? look.nowMs);
    if (!strip) continue;
    const kind = gapKind(gap.reason);
    if (kind === 'fault') hatch(pen, strip, look);
    else if (kind === 'intended') dots(pen, strip, look);
  }
}

/** Bars of the buckets' levels: those that share a pixel are one, as high as the highest. */
function drawActivity(pen: Pen, piece: Piece, look: LaneLook): void {
  const { lane, originMs, bucketMs } = piece;
  const levels = levelsOf(lane.activity);
  if (!levels) return;
  const { view, width, height } = look;
  const room = height - BASE_PX - EVENTS_PX;
  const first = Math.max(0, Math.floor((Math.max(view.startMs, piece.startMs) - originMs) / bucketMs));
  const last = Math.min(levels.length, Math.ceil((Math.min(endOf(view), piece.endMs) - originMs) / bucketMs));
  let column = -1;
  let highest = 0;
  const bar = Math.max(1, Math.ceil((bucketMs / view.spanMs) * width));
  const flush = () => {
    if (highest > 0) {
      const tall = Math.max(1, Math.round(highest * room));
      pen.fillRect(column, height - BASE_PX - tall, bar, tall);
    }
    highest = 0;
  };
  pen.fillStyle = look.colours.footage;
  for (let index = first; index < last; index++) {
    const level = levels.at(index);
    if (level <= 0) continue;
    const x = Math.floor(xOf(view, width, originMs + index * bucketMs));
    if (x !== column) flush();
    column = x;
    highest = Math.max(highest, level);
  }
  flush();
}

/** Levels of 0 to 1: one hex digit per bucket, or numbers up to 255. */
function levelsOf(activity: unknown): { length: number; at(index: number): number } | undefined {
  if (typeof activity === 'string') {
    return { length: activity.length, at: index => (Number.parseInt(activity[index] ?? '0', 16) || 0) / 15 };
  }
  if (!Array.isArray(activity)) return undefined;
  return { length: activity.length, at: index => Number(activity[index] ?? 0) / 255 };
}

function hatch(pen: Pen, { left, width }: Strip, { height, colours }: LaneLook): void {
  const top = EVENTS_PX;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height - top);
  pen.clip();
  pen.strokeStyle = colours.fault;
  pen.lineWidth = 1.5;
  pen.beginPath();
  // Bound to whole steps of the screen, so that the pattern stands still while a gap grows.
  const tall = height - top;
  for (let x = Math.floor((left - tall) / HATCH_PX) * HATCH_PX; x < left + width; x += HATCH_PX) {
    pen.moveTo(x, height);
    pen.lineTo(x + tall, top);
  }
  pen.stroke();
  pen.restore();
}

function dots(pen: Pen, { left, width }: Strip, { height, colours }: LaneLook): void {
  pen.fillStyle = colours.intended;
  for (let x = Math.ceil(left / DOT_PX) * DOT_PX; x < left + width; x += DOT_PX) pen.fillRect(x, height - 3, 2, 2);
}

function drawEvents(pen: Pen, pieces: readonly Piece[], look: LaneLook): void {
  const { view, width, nowMs, colours, classes } = look;
  const seen = new Set<string>();
  pen.font = '600 9px system-ui, sans-serif';
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  let freeFrom = Number.NEGATIVE_INFINITY;
  for (const event of pieces.flatMap(piece => piece.lane.events)) {
    const kind = classOf(event.label);
    if (seen.has(event.id) || (classes && !classes.has(kind))) continue;
    seen.add(event.id);
    const endMs = Math.min(event.endMs ?? nowMs, endOf(view));
    if (endMs <= view.startMs || event.startMs >= endOf(view)) continue;
    const left = xOf(view, width, Math.max(event.startMs, view.startMs));
    const right = Math.max(left + 3, xOf(view, width, endMs));
    pen.fillStyle = colours.classes[kind];
    pen.fillRect(left, 0, right - left, 4);
    if (left < freeFrom) continue;
    pen.fillText(LETTERS[kind], left, 9);
    freeFrom = left + LETTER_ROOM_PX;
  }
}
