// What may be written into a camera: schemas with defaults and cures.
import * as v from 'valibot';
import { parseInput } from '../core/index.ts';
import { type CameraRecord, type EventSettings, HUB_CHOICES, RECORDED_STREAMS, TRANSPORTS } from './camera.ts';
import { MAX_URL_CHARS } from './camera-url.ts';
import { newOnvifSchema, onvifPatchSchema, storedCapabilitiesSchema, storedOnvifSchema } from './onvif-schema.ts';

const PRINTABLE = /^[^\p{Cc}\u2028\u2029]*$/u;

const name = v.pipe(
  v.string('Write a name.'),
  v.trim(),
  v.minLength(1, 'Write a name.'),
  v.maxLength(64, 'Use at most 64 characters.'),
  v.regex(PRINTABLE, 'Leave control characters out.'),
);
export const urlSchema = v.pipe(
  v.string('Write rtsp://host/path.'),
  v.maxLength(MAX_URL_CHARS, `Use at most ${MAX_URL_CHARS} characters.`),
);
export const transportSchema = v.picklist(TRANSPORTS, `Use ${TRANSPORTS.join(', ')}.`);
const hub = v.picklist(HUB_CHOICES, `Use ${HUB_CHOICES.join(', ')}.`);
const fallbackUrls = v.pipe(v.array(urlSchema, 'Write a list of URLs.'), v.maxLength(3, 'Use at most 3 further URLs.'));
const priority = v.pipe(
  v.number('Use a whole number from 0 to 100.'),
  v.integer('Use a whole number from 0 to 100.'),
  v.minValue(0, 'Use a whole number from 0 to 100.'),
  v.maxValue(100, 'Use a whole number from 0 to 100.'),
);
const flag = v.boolean('Use true or false.');
const login = (what: string) =>
  v.pipe(
    v.string(`Write the ${what}, or null for none.`),
    v.maxLength(256, 'Use at most 256 characters.'),
    v.regex(PRINTABLE, 'Leave control characters out.'),
  );
export const loginSchemas = { username: login('user name'), password: login('password') };
const mode = v.picklist(['off', 'continuous', 'events'], 'Use off, continuous or events.');
const schedule = v.pipe(
  v.string('Write 168 letters, or null for none.'),
  v.regex(
    /^[cer-]{168}$/u,
    'Write 168 letters, one for each hour from Monday 0:00: c continuous, e events, r one event all the time, - off.',
  ),
);
const milliseconds = (least: number, most: number) => {
  const cure = `Use ${least} to ${most} milliseconds.`;
  return v.pipe(v.number(cure), v.integer(cure), v.minValue(least, cure), v.maxValue(most, cure));
};
const ALSO_CURE = 'List at most 16 numbers of cameras.';
const eventFields = {
  preRollMs: milliseconds(0, 30_000),
  postRollMs: milliseconds(0, 300_000),
  mergeMs: milliseconds(0, 600_000),
  maxMs: milliseconds(10_000, 3_600_000),
  alsoTrigger: v.pipe(
    v.array(v.pipe(v.number(ALSO_CURE), v.integer(ALSO_CURE), v.minValue(1, ALSO_CURE)), ALSO_CURE),
    v.maxLength(16, ALSO_CURE),
  ),
};
const events = v.optional(
  v.strictObject({
    preRollMs: v.optional(eventFields.preRollMs, 5000),
    postRollMs: v.optional(eventFields.postRollMs, 10_000),
    mergeMs: v.optional(eventFields.mergeMs, 10_000),
    maxMs: v.optional(eventFields.maxMs, 600_000),
    alsoTrigger: v.optional(eventFields.alsoTrigger, []),
  }),
  {},
);
/** Of cameras that nobody wrote settings for. */
export const DEFAULT_EVENTS: EventSettings = v.parse(events, {});
const streams = v.picklist(RECORDED_STREAMS, 'Use auto, main or both.');
const SEGMENT_CURE = 'Use 5000 to 3600000 milliseconds.';
const segmentMs = v.pipe(
  v.number(SEGMENT_CURE),
  v.integer(SEGMENT_CURE),
  v.minValue(5000, SEGMENT_CURE),
  v.maxValue(3_600_000, SEGMENT_CURE),
);

const DAYS_CURE = 'Use a whole number of days from 1 to 3650, or null for no limit.';
const days = v.nullable(
  v.pipe(v.number(DAYS_CURE), v.integer(DAYS_CURE), v.minValue(1, DAYS_CURE), v.maxValue(3650, DAYS_CURE)),
);
const QUOTA_CURE = 'Use a whole number of bytes, at least 16777216, or null for no limit.';
const quotaBytes = v.nullable(
  v.pipe(v.number(QUOTA_CURE), v.integer(QUOTA_CURE), v.minValue(2 ** 24, QUOTA_CURE), v.maxValue(2 ** 50, QUOTA_CURE)),
);
const retention = v.optional(
  v.strictObject({
    days: v.optional(days, null),
    eventDays: v.optional(days, null),
    quotaBytes: v.optional(quotaBytes, null),
  }),
  {},
);

const newStream = v.strictObject({
  url: urlSchema,
  transport: v.optional(transportSchema, 'tcp'),
  fallbackUrls: v.optional(v.nullable(fallbackUrls)),
});
const streamPatch = v.strictObject({
  url: v.optional(urlSchema),
  transport: v.optional(transportSchema),
  fallbackUrls: v.optional(v.nullable(fallbackUrls)),
});
const storedStream = v.strictObject({
  url: urlSchema,
  transport: transportSchema,
  fallbackUrls: v.optional(fallbackUrls),
});
export type StreamPatch = v.InferOutput<typeof streamPatch>;

/** The body of `POST /api/cameras`. */
export const newCameraSchema = v.strictObject({
  name,
  enabled: v.optional(flag, true),
  priority: v.optional(priority, 50),
  hub: v.optional(v.nullable(hub)),
  main: newStream,
  sub: v.optional(v.nullable(newStream)),
  username: v.optional(v.nullable(login('user name'))),
  password: v.optional(v.nullable(login('password'))),
  audio: v.optional(flag, true),
  record: v.optional(
    v.strictObject({
      mode: v.optional(mode, 'continuous'),
      streams: v.optional(streams, 'auto'),
      segmentMs: v.optional(segmentMs, 300_000),
      schedule: v.optional(v.nullable(schedule)),
    }),
    {},
  ),
  events,
  retention,
  onvif: v.optional(v.nullable(newOnvifSchema)),
});
export type NewCamera = v.InferOutput<typeof newCameraSchema>;

/** The body of `PATCH /api/cameras/{id}`: what is left out stays. */
export const cameraPatchSchema = v.strictObject({
  name: v.optional(name),
  enabled: v.optional(flag),
  priority: v.optional(priority),
  hub: v.optional(v.nullable(hub)),
  main: v.optional(streamPatch),
  sub: v.optional(v.nullable(streamPatch)),
  username: v.optional(v.nullable(login('user name'))),
  password: v.optional(v.nullable(login('password'))),
  audio: v.optional(flag),
  record: v.optional(
    v.strictObject({
      mode: v.optional(mode),
      streams: v.optional(streams),
      segmentMs: v.optional(segmentMs),
      schedule: v.optional(v.nullable(schedule)),
    }),
  ),
  events: v.optional(v.partial(v.strictObject(eventFields))),
  retention: v.optional(
    v.strictObject({ days: v.optional(days), eventDays: v.optional(days), quotaBytes: v.optional(quotaBytes) }),
  ),
  onvif: v.optional(v.nullable(onvifPatchSchema)),
});
export type CameraPatch = v.InferOutput<typeof cameraPatchSchema>;

/** Before there were sub streams a list was stored, of main alone. */
const storedStreams = v.union([
  streams,
  v.pipe(
    v.tuple([v.literal('main')]),
    v.transform(() => 'auto' as const),
  ),
]);

/** What comes back from the store: files are as little to be trusted as browsers. */
const recordSchema = v.strictObject({
  id: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(999_999_999)),
  name,
  enabled: flag,
  priority,
  hub: v.optional(hub),
  main: storedStream,
  sub: v.optional(storedStream),
  username: v.optional(login('user name')),
  sealedPassword: v.optional(v.pipe(v.string(), v.maxLength(2048))),
  audio: flag,
  record: v.strictObject({ mode, streams: storedStreams, segmentMs, schedule: v.optional(schedule) }),
  events,
  retention,
  onvif: v.optional(storedOnvifSchema),
  capabilities: storedCapabilitiesSchema,
  demo: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(99))),
  provisioned: v.optional(
    v.strictObject({ key: v.pipe(v.string(), v.maxLength(64)), state: v.picklist(['listed', 'left', 'owner']) }),
  ),
});

/** A stored record; throws `invalid-argument` when it is none. */
export function parseRecord(stored: unknown): CameraRecord {
  return parseInput(recordSchema, stored, 'the stored camera') as CameraRecord;
}
