// What may be written into a camera: schemas with defaults and cures, and the merge of a change into a stored record.
import * as v from 'valibot';
import { NvrError, parseInput } from '../core/index.ts';
import type { CameraRecord, MainStream } from './camera.ts';
import { type CameraUrl, MAX_URL_CHARS, parseCameraUrl } from './camera-url.ts';

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
export const transportSchema = v.picklist(['tcp'], 'Use tcp: udp, http and tls are not in this version.');
const fallbackUrls = v.pipe(
  v.array(urlSchema, 'Write a list of RTSP URLs.'),
  v.maxLength(3, 'Use at most 3 further URLs.'),
);
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
const mode = v.picklist(['off', 'continuous'], 'Use off or continuous.');
const streams = v.pipe(
  v.array(v.literal('main', 'Use ["main"]: this version records the main stream.'), 'Use ["main"].'),
  v.length(1, 'Use ["main"]; to stop recording use the mode off.'),
);
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
  v.strictObject({ days: v.optional(days, null), quotaBytes: v.optional(quotaBytes, null) }),
  {},
);

/** The body of `POST /api/cameras`. */
export const newCameraSchema = v.strictObject({
  name,
  enabled: v.optional(flag, true),
  priority: v.optional(priority, 50),
  main: v.strictObject({
    url: urlSchema,
    transport: v.optional(transportSchema, 'tcp'),
    fallbackUrls: v.optional(v.nullable(fallbackUrls)),
  }),
  username: v.optional(v.nullable(login('user name'))),
  password: v.optional(v.nullable(login('password'))),
  audio: v.optional(flag, true),
  record: v.optional(
    v.strictObject({
      mode: v.optional(mode, 'continuous'),
      streams: v.optional(streams, ['main']),
      segmentMs: v.optional(segmentMs, 300_000),
    }),
    {},
  ),
  retention,
});
export type NewCamera = v.InferOutput<typeof newCameraSchema>;

/** The body of `PATCH /api/cameras/{id}`: what is left out stays. */
export const cameraPatchSchema = v.strictObject({
  name: v.optional(name),
  enabled: v.optional(flag),
  priority: v.optional(priority),
  main: v.optional(
    v.strictObject({
      url: v.optional(urlSchema),
      transport: v.optional(transportSchema),
      fallbackUrls: v.optional(v.nullable(fallbackUrls)),
    }),
  ),
  username: v.optional(v.nullable(login('user name'))),
  password: v.optional(v.nullable(login('password'))),
  audio: v.optional(flag),
  record: v.optional(
    v.strictObject({
      mode: v.optional(mode),
      streams: v.optional(streams),
      segmentMs: v.optional(segmentMs),
    }),
  ),
  retention: v.optional(v.strictObject({ days: v.optional(days), quotaBytes: v.optional(quotaBytes) })),
});
export type CameraPatch = v.InferOutput<typeof cameraPatchSchema>;

/** What comes back from the store: files are as little to be trusted as browsers. */
const recordSchema = v.strictObject({
  id: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(999_999_999)),
  name,
  enabled: flag,
  priority,
  main: v.strictObject({ url: urlSchema, transport: transportSchema, fallbackUrls: v.optional(fallbackUrls) }),
  username: v.optional(login('user name')),
  sealedPassword: v.optional(v.pipe(v.string(), v.maxLength(2048))),
  audio: flag,
  record: v.strictObject({ mode, streams, segmentMs }),
  retention,
  demo: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(99))),
});

/** A stored record; throws `invalid-argument` when it is none. */
export function parseRecord(stored: unknown): CameraRecord {
  return parseInput(recordSchema, stored, 'the stored camera') as CameraRecord;
}

export interface MergeOptions {
  allowLoopback: boolean;
  seal: (password: string) => string;
}

/** The record of a new camera. */
export function createRecord(id: number, input: NewCamera, options: MergeOptions): CameraRecord {
  const { name, enabled, priority, audio, record, retention } = input;
  const main: MainStream = { url: input.main.url, transport: input.main.transport };
  return mergeRecord({ id, name, enabled, priority, main, audio, record, retention }, input, options);
}

/** `base` with the change in it. Throws `invalid-argument` naming the field; `base` itself stays as it is. */
export function mergeRecord(base: CameraRecord, patch: CameraPatch, options: MergeOptions): CameraRecord {
  const merged: CameraRecord = {
    ...base,
    name: patch.name ?? base.name,
    enabled: patch.enabled ?? base.enabled,
    priority: patch.priority ?? base.priority,
    audio: patch.audio ?? base.audio,
    record: {
      mode: patch.record?.mode ?? base.record.mode,
      streams: patch.record?.streams ?? base.record.streams,
      segmentMs: patch.record?.segmentMs ?? base.record.segmentMs,
    },
    retention: {
      days: kept(patch.retention?.days, base.retention.days),
      quotaBytes: kept(patch.retention?.quotaBytes, base.retention.quotaBytes),
    },
  };
  if (patch.main) mergeMain(merged, patch.main, patch, options);
  setLogin(merged, patch, options);
  return merged;
}

/** Null is a value: no limit. */
function kept<T>(changed: T | undefined, base: T): T {
  return changed === undefined ? base : changed;
}

function mergeMain(
  merged: CameraRecord,
  main: NonNullable<CameraPatch['main']>,
  patch: CameraPatch,
  options: MergeOptions,
): void {
  if (merged.demo !== undefined) {
    throw invalid('main', 'the streams of a demo camera cannot be changed', 'Add a camera of your own.');
  }
  const next: MainStream = { ...merged.main };
  let primary: CameraUrl | undefined;
  if (main.url !== undefined) {
    primary = parseCameraUrl(main.url, 'main.url', options.allowLoopback);
    next.url = primary.url;
    if (primary.login) takeLogin(merged, primary.login, patch, options);
  }
  if (main.fallbackUrls === null || main.fallbackUrls?.length === 0) delete next.fallbackUrls;
  else if (main.fallbackUrls) {
    next.fallbackUrls = main.fallbackUrls.map((text, index) => fallback(text, index, primary, options));
  }
  merged.main = next;
}

function fallback(text: string, index: number, primary: CameraUrl | undefined, options: MergeOptions): string {
  const field = `main.fallbackUrls.${index}`;
  const parsed = parseCameraUrl(text, field, options.allowLoopback);
  const { login } = parsed;
  if (login && (login.username !== primary?.login?.username || login.password !== primary.login.password)) {
    throw invalid(field, 'has a login of its own', 'Leave it out: all URLs of a camera share the login of main.url.');
  }
  return parsed.url;
}

/** The login of a URL replaces the one stored: whoever writes it there means all of it. */
function takeLogin(
  merged: CameraRecord,
  login: { username: string; password: string },
  patch: CameraPatch,
  options: MergeOptions,
): void {
  if (typeof patch.username === 'string' || typeof patch.password === 'string') {
    throw invalid('main.url', 'holds a login, and there is one beside it', 'Give user name and password once.');
  }
  const checked = v.safeParse(login256, login);
  if (!checked.success) {
    throw invalid('main.url', 'holds an unusable login', 'Use at most 256 printable characters each.');
  }
  setLogin(merged, login, options);
}

const login256 = v.object({ username: login('user name'), password: login('password') });

function setLogin(
  merged: CameraRecord,
  patch: Pick<CameraPatch, 'username' | 'password'>,
  options: MergeOptions,
): void {
  if (patch.username === null || patch.username === '') {
    delete merged.username;
    delete merged.sealedPassword;
  } else if (patch.username !== undefined) merged.username = patch.username;
  if (patch.password === null || patch.password === '') delete merged.sealedPassword;
  else if (patch.password !== undefined) merged.sealedPassword = options.seal(patch.password);
  if (merged.sealedPassword !== undefined && merged.username === undefined) {
    throw invalid('username', 'is missing beside the password', 'Write the user name, too.');
  }
}

function invalid(field: string, what: string, cure: string): NvrError {
  return new NvrError('invalid-argument', `"${field}" ${what}`, { field, cure });
}
