// What sets off an event: the one shape that all sources hand in, the schema for what comes from outside, and what may be kept of it.
import * as v from 'valibot';
import type { CameraId } from '../core/index.ts';
import type { TriggerSource } from '../storage/index.ts';

export const TRIGGER_ACTIONS = ['pulse', 'start', 'stop'] as const;
/** `pulse` = start and, after its duration, stop. */
export type TriggerAction = (typeof TRIGGER_ACTIONS)[number];

export interface TriggerBox {
  label?: string | undefined;
  /** Left, top, width, height; 0 to 1 of the picture. */
  box: [number, number, number, number];
  /** 0 to 1. */
  score?: number | undefined;
}

export interface Trigger {
  camera: CameraId;
  source: TriggerSource;
  action: TriggerAction;
  /** What happened, in the words of the source. With source and label it names a start, which its stop has to name too. */
  kind?: string | undefined;
  /** What was seen; where there is none, `kind` stands for it. */
  label?: string | undefined;
  /** 0 to 1. */
  score?: number | undefined;
  /** When the cause was, UTC by the clock of this machine; at most MAX_AGE_MS ago. Absent or in the future = now. */
  timeMs?: number | undefined;
  /** Of a pulse: how long it lasts. Of a start: after this it ends without a stop. */
  durationMs?: number | undefined;
  boxes?: readonly TriggerBox[] | undefined;
  zones?: readonly string[] | undefined;
  /** Anything that JSON can hold, kept of the first trigger of an event. */
  payload?: unknown;
}

/** How old a cause may be. */
export const MAX_AGE_MS = 60_000;
export const MAX_WORD_CHARS = 32;
export const MAX_PAYLOAD_BYTES = 1024;
/** Of triggers from outside; an hour is also the longest event. */
export const MAX_DURATION_MS = 3_600_000;
const MAX_BOXES_IN = 32;
const MAX_ZONES_IN = 16;

const WORD_CURE = `Write 1 to ${MAX_WORD_CHARS} characters.`;
const SCORE_CURE = 'Use a number from 0 to 1.';
const BOX_CURE = 'Write [left, top, width, height], numbers from 0 to 1.';
const TIME_CURE = 'Use milliseconds since 1970, UTC.';
const DURATION_CURE = `Use 0 to ${MAX_DURATION_MS} milliseconds.`;

const word = v.pipe(
  v.string(WORD_CURE),
  v.trim(),
  v.minLength(1, WORD_CURE),
  v.maxLength(MAX_WORD_CHARS, WORD_CURE),
  v.regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u, 'Leave control characters out.'),
);
const part = (cure: string) => v.pipe(v.number(cure), v.minValue(0, cure), v.maxValue(1, cure));
const side = part(BOX_CURE);
const box = v.strictObject({
  label: v.optional(word),
  box: v.strictTuple([side, side, side, side], BOX_CURE),
  score: v.optional(part(SCORE_CURE)),
});
const whole = (most: number, cure: string) =>
  v.pipe(v.number(cure), v.integer(cure), v.minValue(0, cure), v.maxValue(most, cure));

/** A trigger as others send it to a camera. */
export const triggerSchema = v.strictObject({
  action: v.optional(v.picklist(TRIGGER_ACTIONS, `Use ${TRIGGER_ACTIONS.join(', ')}.`), 'pulse'),
  kind: v.optional(word),
  label: v.optional(word),
  score: v.optional(part(SCORE_CURE)),
  timeMs: v.optional(whole(Number.MAX_SAFE_INTEGER, TIME_CURE)),
  durationMs: v.optional(whole(MAX_DURATION_MS, DURATION_CURE)),
  boxes: v.optional(
    v.pipe(v.array(box, 'Write a list of boxes.'), v.maxLength(MAX_BOXES_IN, `Send at most ${MAX_BOXES_IN} boxes.`)),
  ),
  zones: v.optional(
    v.pipe(v.array(word, 'Write a list of names.'), v.maxLength(MAX_ZONES_IN, `Send at most ${MAX_ZONES_IN} zones.`)),
  ),
  payload: v.optional(
    v.pipe(
      v.unknown(),
      v.check(
        value => Buffer.byteLength(JSON.stringify(value) ?? '') <= MAX_PAYLOAD_BYTES,
        `Send at most ${MAX_PAYLOAD_BYTES} bytes of JSON.`,
      ),
    ),
  ),
});
export type TriggerInput = v.InferOutput<typeof triggerSchema>;

/** The name under which a start waits for its stop. `from`: the camera that passed it on. */
export function startKey({ source, kind, label }: Trigger, from?: CameraId): string {
  return JSON.stringify([source, from ?? 0, keptWord(kind) ?? '', keptWord(label) ?? '']);
}

/** What an event is labelled by; devices may send any text. Undefined when nothing of it can be kept. */
export function keptWord(text: string | undefined): string | undefined {
  const kept = text
    ?.replace(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, MAX_WORD_CHARS);
  return kept === '' ? undefined : kept;
}
