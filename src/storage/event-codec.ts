// The row of one event: a JSON list behind a checksum, whose values are bounded on the way in and checked on the way out.
import { NvrError } from '../core/index.ts';
import {
  type EventBox,
  type EventFields,
  type EventKey,
  eventId,
  parseEventId,
  type StoredEvent,
  TRIGGER_SOURCES,
  type TriggerSource,
} from './event.ts';
import { boundReviewers, isUserId, NO_REVIEWERS } from './event-reviewers.ts';
import { MAX_TIME_MS } from './layout.ts';
import { decodeRow, encodeRow } from './rows.ts';

const MAX_WORDS = 16;
const MAX_WORD_CHARS = 32;
const MAX_BOXES = 8;
const MAX_NOTE_CHARS = 500;
const MAX_PAYLOAD_BYTES = 1024;
export const MAX_PRE_ROLL_MS = 60_000;
const MAX_POST_ROLL_MS = 600_000;
/** 48 days: what the packed form of durations holds. */
export const MAX_DURATION_MS = 0xfffffffe;
const MAX_PICTURE_BYTES = 0xffffffff;
const MAX_PICTURE_SIDE = 65_535;
const BOX_STEPS = 10_000;
const SCORE_STEPS = 1000;
/** A row beyond this was not written by us. */
const MAX_ROW_BYTES = 16 * 1024;

const LOCKED = 1;
/** By all but those of the list at the end of the row, which the rows of older versions do not have. */
const REVIEWED_BY_ALL = 2;

/**
 * The event as it will be read again: lists cut to what is kept, numbers to their steps. Throws `invalid-argument` for what cannot
 * be kept at all: texts that are too long, numbers that are none.
 */
export function boundEvent(key: EventKey, fields: EventFields): StoredEvent {
  const { endMs, score, boxes = [], preRoll, postRollMs = 0, picture, note, payload, continues } = fields;
  const { startMs } = key;
  if (note !== undefined && note.length > MAX_NOTE_CHARS) throw tooLong('note', `${MAX_NOTE_CHARS} characters`);
  if (payload !== undefined && Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES) {
    throw tooLong('payload', `${MAX_PAYLOAD_BYTES} bytes`);
  }
  if (continues !== undefined && !parseEventId(continues)) throw invalid('continues', 'is no id of an event');
  return {
    id: eventId(key),
    camera: key.camera,
    startMs,
    ...(endMs === undefined ? {} : { endMs: Math.min(whole(endMs, startMs, MAX_TIME_MS), startMs + MAX_DURATION_MS) }),
    labels: boundWords(fields.labels),
    zones: boundWords(fields.zones),
    sources: TRIGGER_SOURCES.filter(source => fields.sources?.includes(source)),
    ...(score === undefined ? {} : { score: stepped(score, SCORE_STEPS) }),
    boxes: boxes.slice(0, MAX_BOXES).map(boundBox),
    preRoll: {
      promisedMs: whole(preRoll?.promisedMs ?? 0, 0, MAX_PRE_ROLL_MS),
      deliveredMs: whole(preRoll?.deliveredMs ?? 0, 0, MAX_PRE_ROLL_MS),
    },
    postRollMs: whole(postRollMs, 0, MAX_POST_ROLL_MS),
    ...(picture ? { picture: boundPicture(picture) } : {}),
    locked: fields.locked ?? false,
    reviewedBy: boundReviewers(fields.reviewedBy ?? NO_REVIEWERS),
    ...(note ? { note } : {}),
    ...(payload === undefined ? {} : { payload }),
    ...(continues === undefined ? {} : { continues }),
  };
}

/** Packs an event that `boundEvent` has made; camera and start stand in the key of its row. */
export function encodeEvent(event: StoredEvent): Buffer {
  const { startMs, endMs, score, boxes, preRoll, picture, reviewedBy } = event;
  return encodeRow([
    endMs === undefined ? null : endMs - startMs,
    event.labels,
    event.zones,
    sourceBits(event.sources),
    score === undefined ? null : Math.round(score * SCORE_STEPS),
    boxes.map(({ label, box, score: own, atMs }) => [
      label ?? null,
      ...box.map(side => Math.round(side * BOX_STEPS)),
      own === undefined ? null : Math.round(own * SCORE_STEPS),
      atMs - startMs,
    ]),
    preRoll.promisedMs,
    preRoll.deliveredMs,
    event.postRollMs,
    picture ? [picture.atMs - startMs, picture.width, picture.height, picture.sizeBytes] : null,
    (event.locked ? LOCKED : 0) | (reviewedBy.all ? REVIEWED_BY_ALL : 0),
    event.note ?? null,
    event.payload ?? null,
    event.continues ?? null,
    reviewedBy.users.length === 0 ? null : reviewedBy.users,
  ]);
}

/** The event of a row, or undefined when the row is damaged. */
export function decodeEvent(key: EventKey, row: Uint8Array): StoredEvent | undefined {
  if (row.length > MAX_ROW_BYTES) return undefined;
  const list = decodeRow(row);
  if (!Array.isArray(list)) return undefined;
  const [duration, labels, zones, sources, score, boxes, promisedMs, deliveredMs, postRollMs, picture, flags] = list;
  const [note, payload, continues, reviewers = null] = list.slice(11);
  const isSound =
    isNumberOrNull(duration) && isWords(labels) && isWords(zones) && isNumberOrNull(score) && isBoxes(boxes);
  if (!isSound || ![sources, promisedMs, deliveredMs, postRollMs, flags].every(Number.isSafeInteger)) return undefined;
  if (picture !== null && !(Array.isArray(picture) && picture.every(Number.isSafeInteger))) return undefined;
  if (![note, payload, continues].every(text => text === null || typeof text === 'string')) return undefined;
  if (reviewers !== null && !(Array.isArray(reviewers) && reviewers.every(isUserId))) return undefined;
  const { startMs } = key;
  const [pictureAtMs, width, height, sizeBytes] = (picture ?? []) as number[];
  try {
    return boundEvent(key, {
      ...(duration === null ? {} : { endMs: startMs + duration }),
      labels,
      zones,
      sources: TRIGGER_SOURCES.filter((_, bit) => (sources & (1 << bit)) !== 0),
      ...(score === null ? {} : { score: score / SCORE_STEPS }),
      boxes: boxes.map(packed => unpackBox(startMs, packed)),
      preRoll: { promisedMs, deliveredMs },
      postRollMs,
      ...(picture === null
        ? {}
        : {
            picture: {
              atMs: startMs + num(pictureAtMs),
              width: num(width),
              height: num(height),
              sizeBytes: num(sizeBytes),
            },
          }),
      locked: (flags & LOCKED) !== 0,
      reviewedBy: { all: (flags & REVIEWED_BY_ALL) !== 0, users: reviewers ?? [] },
      ...(note === null ? {} : { note }),
      ...(payload === null ? {} : { payload }),
      ...(continues === null ? {} : { continues }),
    });
  } catch {
    return undefined;
  }
}

/** One bit for each source, by its place in the list. */
export function sourceBits(sources: readonly TriggerSource[]): number {
  return sources.reduce((bits, source) => bits | (1 << TRIGGER_SOURCES.indexOf(source)), 0);
}

function boundWords(words: readonly string[] = []): string[] {
  return [...new Set(words.map(boundWord).filter(word => word !== ''))].slice(0, MAX_WORDS);
}

function boundWord(word: string): string {
  return word.length <= MAX_WORD_CHARS ? word : [...word].slice(0, MAX_WORD_CHARS).join('').slice(0, MAX_WORD_CHARS);
}

function boundBox({ label, box, score, atMs }: EventBox): EventBox {
  const [left, top, width, height] = box.map(side => stepped(side, BOX_STEPS));
  return {
    ...(label ? { label: boundWord(label) } : {}),
    box: [num(left), num(top), num(width), num(height)],
    ...(score === undefined ? {} : { score: stepped(score, SCORE_STEPS) }),
    atMs: whole(atMs, 0, MAX_TIME_MS),
  };
}

function boundPicture({ atMs, width, height, sizeBytes }: NonNullable<StoredEvent['picture']>) {
  return {
    atMs: whole(atMs, 0, MAX_TIME_MS),
    width: whole(width, 0, MAX_PICTURE_SIDE),
    height: whole(height, 0, MAX_PICTURE_SIDE),
    sizeBytes: whole(sizeBytes, 0, MAX_PICTURE_BYTES),
  };
}

type PackedBox = [string | null, number, number, number, number, number | null, number];

function unpackBox(startMs: number, [label, left, top, width, height, score, offsetMs]: PackedBox): EventBox {
  return {
    ...(label === null ? {} : { label }),
    box: [left / BOX_STEPS, top / BOX_STEPS, width / BOX_STEPS, height / BOX_STEPS],
    ...(score === null ? {} : { score: score / SCORE_STEPS }),
    atMs: startMs + offsetMs,
  };
}

function isBoxes(value: unknown): value is PackedBox[] {
  return (
    Array.isArray(value) &&
    value.every(
      box =>
        Array.isArray(box) &&
        (box[0] === null || typeof box[0] === 'string') &&
        isNumberOrNull(box[5]) &&
        [1, 2, 3, 4, 6].every(at => Number.isSafeInteger(box[at])),
    )
  );
}

function isWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(word => typeof word === 'string');
}

function isNumberOrNull(value: unknown): value is number | null {
  return value === null || Number.isSafeInteger(value);
}

/** 0 to 1 in steps. */
function stepped(value: number, steps: number): number {
  return whole(value * steps, 0, steps) / steps;
}

function whole(value: number, min: number, max: number): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw invalid('event', 'holds a number that is none');
  return Math.min(Math.max(Math.round(value), min), max);
}

/** A list may be shorter than its type says; what is missing fails as a number. */
function num(value: number | undefined): number {
  return value ?? Number.NaN;
}

function tooLong(field: string, most: string): NvrError {
  return invalid(field, `takes at most ${most}`);
}

function invalid(field: string, words: string): NvrError {
  return new NvrError('invalid-argument', `"${field}" ${words}`, { field });
}
