// Makes camera records of what owners write: splits logins off URLs and seals them, and merges changes into stored records.
import * as v from 'valibot';
import { NvrError } from '../core/index.ts';
import type { CameraRecord, CameraStream } from './camera.ts';
import { type CameraPatch, loginSchemas, type NewCamera, type StreamPatch } from './camera-schema.ts';
import { type CameraUrl, parseCameraUrl, sameAddress } from './camera-url.ts';
import { isSameDevice, mergeOnvif } from './onvif-merge.ts';

export interface MergeOptions {
  allowLoopback: boolean;
  seal: (password: string) => string;
  /** Throws when it cannot be read. */
  unseal: (sealed: string) => string;
}

type Login = NonNullable<CameraUrl['login']>;

/** A login that stood in a URL which is not main's. */
interface FoundLogin {
  field: string;
  login: Login;
}

/** The record of a new camera. */
export function createRecord(id: number, input: NewCamera, options: MergeOptions): CameraRecord {
  const { name, enabled, priority, audio, events, retention } = input;
  const { schedule: _, ...record } = input.record;
  const main: CameraStream = { url: input.main.url, transport: input.main.transport };
  return mergeRecord({ id, name, enabled, priority, main, audio, record, events, retention }, input, options);
}

/** `base` with the change in it. Throws `invalid-argument` naming the field; `base` itself stays as it is. */
export function mergeRecord(base: CameraRecord, patch: CameraPatch, options: MergeOptions): CameraRecord {
  refuseDemo(base, patch);
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
      ...scheduled(kept(patch.record?.schedule, base.record.schedule)),
    },
    events: {
      preRollMs: patch.events?.preRollMs ?? base.events.preRollMs,
      postRollMs: patch.events?.postRollMs ?? base.events.postRollMs,
      mergeMs: patch.events?.mergeMs ?? base.events.mergeMs,
      maxMs: patch.events?.maxMs ?? base.events.maxMs,
      alsoTrigger: patch.events?.alsoTrigger ?? base.events.alsoTrigger,
    },
    retention: {
      days: kept(patch.retention?.days, base.retention.days),
      eventDays: kept(patch.retention?.eventDays, base.retention.eventDays),
      quotaBytes: kept(patch.retention?.quotaBytes, base.retention.quotaBytes),
    },
  };
  if (merged.events.alsoTrigger.includes(base.id)) {
    throw invalid('events.alsoTrigger', 'names the camera itself', 'List other cameras.');
  }
  if (patch.hub === null) delete merged.hub;
  else if (patch.hub !== undefined) merged.hub = patch.hub;
  const found: FoundLogin[] = [];
  if (patch.main) merged.main = mergeStream('main', base.main, patch.main, options, found);
  if (patch.sub === null) delete merged.sub;
  else if (patch.sub) merged.sub = mergeStream('sub', base.sub, patch.sub, options, found);
  setLogins(merged, patch, found, options);
  if (patch.onvif === null) delete merged.onvif;
  else if (patch.onvif) merged.onvif = mergeOnvif(base.onvif, patch.onvif, options);
  if (!isSameDevice(base.onvif, merged.onvif)) delete merged.capabilities;
  if (merged.sub && sameAddress(merged.main.url, merged.sub.url)) {
    const field = patch.sub?.url === undefined ? 'main.url' : 'sub.url';
    throw invalid(
      field,
      'is that of the other stream',
      'Write the address of the small stream in sub, or leave sub out.',
    );
  }
  return merged;
}

function refuseDemo(base: CameraRecord, patch: CameraPatch): void {
  const field = (['main', 'sub', 'hub', 'onvif'] as const).find(name => patch[name] !== undefined);
  if (base.demo === undefined || field === undefined) return;
  throw invalid(field, 'cannot be changed: the demo plays this camera', 'Add a camera of your own.');
}

function scheduled(schedule: string | null | undefined): { schedule?: string } {
  return typeof schedule === 'string' ? { schedule } : {};
}

/** Null is a value: no limit. */
function kept<T>(changed: T | undefined, base: T): T {
  return changed === undefined ? base : changed;
}

/** Adds the logins of its URLs to `found`. */
function mergeStream(
  name: 'main' | 'sub',
  base: CameraStream | undefined,
  patch: StreamPatch,
  { allowLoopback }: MergeOptions,
  found: FoundLogin[],
): CameraStream {
  const parse = (text: string, field: string): string => {
    const { url, login } = parseCameraUrl(text, field, allowLoopback);
    if (login) found.push({ field, login });
    return url;
  };
  const url = patch.url === undefined ? base?.url : parse(patch.url, `${name}.url`);
  if (url === undefined) throw invalid(`${name}.url`, 'is missing', 'Write rtsp://host/path.');
  const next: CameraStream = { ...base, url, transport: patch.transport ?? base?.transport ?? 'tcp' };
  if (patch.fallbackUrls === null || patch.fallbackUrls?.length === 0) delete next.fallbackUrls;
  else if (patch.fallbackUrls) {
    next.fallbackUrls = patch.fallbackUrls.map((text, index) => parse(text, `${name}.fallbackUrls.${index}`));
  }
  return next;
}

/** A camera has one login: beside its URLs or in that of main, where it means all of it. Others may repeat it; sub may bring the first one. */
function setLogins(merged: CameraRecord, patch: CameraPatch, found: FoundLogin[], options: MergeOptions): void {
  const [ofMain] = found.filter(({ field }) => field === 'main.url');
  if (ofMain && (typeof patch.username === 'string' || typeof patch.password === 'string')) {
    throw invalid('main.url', 'holds a login, and there is one beside it', 'Give user name and password once.');
  }
  if (ofMain) takeLogin(merged, ofMain, options);
  setLogin(merged, patch, options);
  for (const other of found) {
    if (other === ofMain) continue;
    if (other.field === 'sub.url' && merged.username === undefined) takeLogin(merged, other, options);
    else if (!isLoginOf(merged, other.login, options)) {
      throw invalid(
        other.field,
        'has a login of its own',
        'Leave it out: all URLs of a camera share one login, in main.url or beside it.',
      );
    }
  }
}

function isLoginOf(record: CameraRecord, login: Login, options: MergeOptions): boolean {
  if (record.username !== login.username) return false;
  try {
    return login.password === (record.sealedPassword === undefined ? '' : options.unseal(record.sealedPassword));
  } catch {
    return false;
  }
}

function takeLogin(merged: CameraRecord, { field, login }: FoundLogin, options: MergeOptions): void {
  if (!v.safeParse(v.object(loginSchemas), login).success) {
    throw invalid(field, 'holds an unusable login', 'Use at most 256 printable characters each.');
  }
  setLogin(merged, login, options);
}

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
