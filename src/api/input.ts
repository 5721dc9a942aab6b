// Reads what a request carries besides its path: query and JSON body, each against a strict schema.
import * as v from 'valibot';
import { NvrError, parseInput } from '../core/index.ts';
import type { HttpRequest } from './server.ts';

const MAX_PARAMETERS = 64;
const MAX_JSON_DEPTH = 12;

/** A parameter given once is a text, given several times a list. Throws `invalid-argument` naming the parameter. */
export function parseQuery<S extends v.GenericSchema>(schema: S, query: string): v.InferOutput<S> {
  const values = new Map<string, string | string[]>();
  let count = 0;
  for (const [name, value] of new URLSearchParams(query)) {
    if (++count > MAX_PARAMETERS) throw new NvrError('invalid-argument', 'there are too many parameters in the URL');
    const before = values.get(name);
    values.set(name, before === undefined ? value : [before, value].flat());
  }
  return parseInput(schema, Object.fromEntries(values), 'the query');
}

/** The body as JSON. Throws `invalid-argument` for anything else. `mostBytes`: as `HttpRequest.body`. */
export async function parseBody<S extends v.GenericSchema>(
  schema: S,
  request: HttpRequest,
  mostBytes?: number,
): Promise<v.InferOutput<S>> {
  const type = request.header('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new NvrError('invalid-argument', 'the body is not declared as JSON', {
      field: 'Content-Type',
      cure: 'Send the header Content-Type: application/json.',
    });
  }
  const text = await request.body(mostBytes);
  let value: unknown;
  try {
    value = JSON.parse(text.toString('utf8'));
  } catch {
    throw new NvrError('invalid-argument', 'the body is not valid JSON', { cure: 'Send a JSON object.' });
  }
  if (isDeeper(value, MAX_JSON_DEPTH)) throw new NvrError('invalid-argument', 'the JSON is nested too deeply');
  // To a schema of fields that may all be left out a list is an object without them.
  return parseInput(schema, Array.isArray(value) ? undefined : value, 'the body');
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some(entry => isDeeper(entry, depth - 1));
}

const WHOLE = 'Use a whole number.';

/** A whole number in a query, within bounds. */
export function integer(min: number, max: number) {
  const cure = `Use a whole number from ${min} to ${max}.`;
  return v.pipe(
    v.string(WHOLE),
    v.regex(/^\d{1,15}$/, cure),
    v.transform(Number),
    v.minValue(min, cure),
    v.maxValue(max, cure),
  );
}

/** The end of the year 9999: file names have four digits for the year. */
export const MAX_TIME_MS = 253_402_300_799_999;

/** A point in time in a query, UTC milliseconds. */
export const timeMs = integer(0, MAX_TIME_MS);

export const cameraId = integer(1, 999_999_999);

export const streamName = v.picklist(['main', 'sub'], 'Use main or sub.');

/** Yes or no in a query. */
export const flag = v.pipe(
  v.picklist(['true', 'false'], 'Use true or false.'),
  v.transform(text => text === 'true'),
);

/** For routes without a query. */
export const nothing = v.strictObject({});
