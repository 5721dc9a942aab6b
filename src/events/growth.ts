// What an event is about, growing with each trigger; every list bounded, whatever comes in.
import type { EventBox, TriggerSource } from '../storage/index.ts';
import { keptWord, MAX_PAYLOAD_BYTES, type Trigger } from './trigger.ts';

const MAX_WORDS = 16;
const MAX_BOXES = 8;

/** The part of an event that triggers change. */
export interface Growth {
  labels: string[];
  zones: string[];
  sources: TriggerSource[];
  score?: number;
  /** Strongest first. */
  boxes: EventBox[];
  payload?: string;
}

export function emptyGrowth(): Growth {
  return { labels: [], zones: [], sources: [], boxes: [] };
}

/** Takes a trigger in; `causeMs` is the time of its cause, as footage is dated. True when something of it is new. */
export function grow(growth: Growth, trigger: Trigger, causeMs: number): boolean {
  const { source, label, kind, score, zones = [] } = trigger;
  const isFirst = growth.sources.length === 0;
  let grown = add(growth.sources, source, Number.POSITIVE_INFINITY);
  grown = addWord(growth.labels, label ?? kind) || grown;
  for (const zone of zones) grown = addWord(growth.zones, zone) || grown;
  if (isPart(score) && score > (growth.score ?? -1)) {
    growth.score = score;
    grown = true;
  }
  grown = growBoxes(growth, trigger, causeMs) || grown;
  const payload = isFirst ? payloadOf(trigger.payload) : undefined;
  if (payload !== undefined) growth.payload = payload;
  return grown;
}

/** A box must be better than the weakest of those that are kept. */
function growBoxes(growth: Growth, { boxes = [], label }: Trigger, causeMs: number): boolean {
  let grown = false;
  for (const { box, score, label: own = label } of boxes) {
    if (!box.every(isPart)) continue;
    const name = keptWord(own);
    const kept: EventBox = {
      box: [...box],
      atMs: causeMs,
      ...(name === undefined ? {} : { label: name }),
      ...(isPart(score) ? { score } : {}),
    };
    const at = growth.boxes.findIndex(other => (other.score ?? 0) < (kept.score ?? 0));
    if (at < 0 && growth.boxes.length >= MAX_BOXES) continue;
    growth.boxes.splice(at < 0 ? growth.boxes.length : at, 0, kept);
    growth.boxes.length = Math.min(growth.boxes.length, MAX_BOXES);
    grown = true;
  }
  return grown;
}

function payloadOf(payload: unknown): string | undefined {
  if (payload === undefined) return undefined;
  const text = JSON.stringify(payload);
  return text !== undefined && Buffer.byteLength(text) <= MAX_PAYLOAD_BYTES ? text : undefined;
}

function addWord(words: string[], text: string | undefined): boolean {
  const word = keptWord(text);
  return word !== undefined && add(words, word, MAX_WORDS);
}

function add<T>(list: T[], value: T, most: number): boolean {
  if (list.includes(value) || list.length >= most) return false;
  list.push(value);
  return true;
}

/** Sources within the service may hand in any number. */
function isPart(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && value <= 1;
}
