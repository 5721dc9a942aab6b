// What each route answers, as schemas: the compiler compares them with the contract.
import * as v from 'valibot';
import { AUDIT_ACTIONS, RIGHTS, ROLES } from '../accounts/index.ts';
import { LOG_LEVELS } from '../core/index.ts';
import { WEBHOOK_OCCASIONS } from '../events/index.ts';
import { ONVIF_PROBLEMS } from '../onvif/index.ts';
import * as shape from './answer-shapes.ts';
import type { RouteAnswer, RouteName } from './contract.ts';
import * as go2rtc from './go2rtc-answers.ts';
import * as mqtt from './mqtt-answers.ts';
import * as onvif from './onvif-answers.ts';
import * as restream from './restream-answers.ts';

const { number, text, flag, maybe, list, ids } = shape;
const cursor = maybe(text);
const level = v.picklist(LOG_LEVELS);
const role = v.picklist(ROLES);
const rights = list(v.picklist(RIGHTS));
const seen = maybe(ids);
const footage = { segments: number, sizeBytes: number };
const cause = v.picklist(['age', 'camera-quota', 'total-quota', 'floor']);

const problem = shape.named(
  'Problem',
  v.object({
    kind: v.picklist([
      ...(['index-unwritable', 'index-full', 'index-damaged', 'index-restored', 'deletion-failed'] as const),
      ...(['volume-missing', 'no-space', 'recording', 'camera', 'camera-settings', 'sub-stream'] as const),
      ...([
        'bad-clock',
        'long-gop',
        'no-audio',
        'flapping-parameters',
        'short-pre-roll',
        'go2rtc',
        'mqtt',
        'restream',
        'configuration',
        'onvif-events',
      ] as const),
      ...ONVIF_PROBLEMS.map(kind => `onvif-${kind}` as const),
    ]),
    message: text,
    camera: maybe(number),
    cure: maybe(text),
    sinceMs: maybe(number),
  }),
);
const status = v.object({
  service: v.object({
    version: text,
    startedMs: number,
    uptimeMs: number,
    pid: number,
    https: maybe(v.object({ url: text, fingerprint: text, selfSigned: flag, validUntilMs: number })),
  }),
  memory: v.object({
    rssBytes: number,
    anonymousBytes: maybe(number),
    heapBytes: number,
    externalBytes: number,
    ringBytes: number,
    writerQueueBytes: number,
    indexBytes: number,
    webhookQueueBytes: number,
    mqttQueueBytes: number,
  }),
  storage: v.object({
    dataDir: text,
    freeBytes: maybe(number),
    totalBytes: maybe(number),
    ...footage,
    writer: v.object({ writtenBytes: number, mediaBytes: number, syncs: number, slowestSyncMs: number }),
  }),
  events: v.object({
    ongoing: number,
    droppedStarts: number,
    pictures: v.object({ waiting: number, made: number, failed: number }),
    triggers: number,
    opened: number,
    webhooks: v.object({ queued: number, queuedBytes: number, sent: number, failed: number, dropped: number }),
  }),
  hub: v.picklist(['auto', 'direct', 'go2rtc']),
  go2rtc: v.object({
    name: v.picklist(['absent', 'unusable', 'idle', 'starting', 'ready', 'restarting', 'resting']),
    version: maybe(text),
    message: maybe(text),
    cure: maybe(text),
    sinceMs: number,
    restarts: number,
    pid: maybe(number),
    webrtc: flag,
    rssBytes: maybe(number),
    fds: maybe(number),
    cpu01: maybe(number),
  }),
  cameras: list(v.object({ id: number, name: text, state: shape.stateName, lastPacketMs: number })),
  problems: list(problem),
  timeMs: number,
  clock: v.object({ trusted: flag, generation: number }),
});

const storageSettings = v.object({
  floorBytes: v.nullable(number),
  floorPercent: v.nullable(number),
  totalQuotaBytes: v.nullable(number),
  leastKeptPercent: number,
  clockConfirmed: flag,
});
const webhooks = list(
  v.object({
    id: text,
    url: text,
    hasSecret: flag,
    cameras: seen,
    labels: maybe(list(text)),
    on: list(v.picklist(WEBHOOK_OCCASIONS)),
  }),
);
const settings = v.object({
  storage: storageSettings,
  log: v.object({ level, tags: v.record(text, level) }),
  webhooks,
  mqtt: mqtt.settings,
  go2rtc: go2rtc.settings,
  restream: restream.settings,
  hosts: list(text),
  provisioned: list(v.picklist(['storage', 'mqtt', 'go2rtc', 'restream'])),
});
const deleted = v.object(footage);
const storage = v.object({
  freeBytes: number,
  totalBytes: number,
  floorBytes: number,
  totalQuotaBytes: v.nullable(number),
  ...footage,
  lockedBytes: number,
  cameras: list(
    v.object({
      camera: number,
      ...footage,
      lockedBytes: number,
      oldestMs: maybe(number),
      newestMs: maybe(number),
      days: v.nullable(number),
      quotaBytes: v.nullable(number),
    }),
  ),
  deleted: v.object({ age: deleted, 'camera-quota': deleted, 'total-quota': deleted, floor: deleted }),
});

const loggedIn = v.object({ name: text, role });
const me = v.object({
  ...{ id: number, name: text, role, cameras: seen, rights },
  by: v.picklist(['session', 'token']),
  boardTimeMs: number,
  timeZone: text,
  expiresMs: maybe(number),
});
const user = shape.named(
  'User',
  v.object({
    ...{ id: number, name: text, role, cameras: seen, rights },
    createdMs: number,
    lastSeenMs: maybe(number),
    provisioned: maybe(text),
    sessions: number,
    tokens: number,
  }),
);
const token = {
  ...{ id: text, user: number, name: text, role, cameras: seen, rights },
  createdMs: number,
  expiresMs: maybe(number),
  lastUsedMs: maybe(number),
};
const session = v.object({
  id: text,
  user: number,
  createdMs: number,
  lastSeenMs: number,
  expiresMs: number,
  address: text,
  userAgent: maybe(text),
  current: flag,
});
const auditEntry = v.object({
  id: number,
  timeMs: number,
  action: v.picklist(AUDIT_ACTIONS),
  user: maybe(text),
  by: maybe(v.picklist(['session', 'token', 'link'])),
  address: maybe(text),
  target: maybe(text),
  detail: maybe(text),
  count: maybe(number),
});

const backup = v.object({
  format: v.literal('thimble-backup'),
  version: v.literal(1),
  madeMs: number,
  service: text,
  cameras: list(shape.backupCamera),
  users: list(v.object({ name: text, role, cameras: seen, rights })),
  groups: list(shape.newGroup),
  settings: v.object({
    storage: storageSettings,
    webhooks,
    mqtt: maybe(mqtt.settings),
    go2rtc: maybe(go2rtc.settings),
    restream: maybe(restream.settings),
    hosts: list(text),
  }),
});
const restored = v.object({
  applied: flag,
  steps: list(
    v.object({
      what: v.picklist(['camera', 'user', 'group', 'setting']),
      name: text,
      action: v.picklist(['add', 'change', 'same', 'skip', 'failed']),
      fields: maybe(list(text)),
      note: maybe(text),
      needs: maybe(v.picklist(['password', 'secret'])),
    }),
  ),
});
const logLine = v.looseObject({ timeMs: number, level, tag: text, msg: text, repeated: maybe(number) });
const groups = v.object({ groups: list(shape.group) });

export const ANSWERS = {
  'GET /api/health': v.object({ status: v.picklist(['ok', 'degraded', 'starting', 'stopping']) }),
  'GET /api/openapi.json': v.looseObject({}),
  'GET /api/status': status,
  'GET /api/logs': v.object({ lines: list(logLine) }),
  'GET /api/cameras': v.object({ cameras: list(shape.camera) }),
  'POST /api/cameras': shape.camera,
  'POST /api/cameras/probe': shape.probe,
  'GET /api/cameras/{id}': shape.camera,
  'PATCH /api/cameras/{id}': shape.camera,
  'DELETE /api/cameras/{id}': v.object({ kept: v.object(footage), message: text, cure: text }),
  'POST /api/cameras/{id}/trigger': v.object({ event: maybe(text) }),
  'POST /api/cameras/{id}/record': v.object({ event: maybe(text), untilMs: maybe(number), mode: maybe(shape.mode) }),
  ...onvif.answers,
  'GET /api/segments': v.object({ segments: list(shape.segment), cursor }),
  'PATCH /api/segments/{id}': shape.segment,
  'GET /api/timeline': shape.timeline,
  'GET /api/days': shape.days,
  'GET /api/playback': shape.playback,
  'GET /api/events': v.object({ events: list(shape.event), cursor }),
  'GET /api/events/{id}': shape.event,
  'PATCH /api/events/{id}': shape.event,
  'GET /api/storage': storage,
  'GET /api/storage/forecast': v.object({
    cameras: list(
      v.object({ camera: number, bytesPerDay: number, days: v.nullable(number), limit: v.nullable(cause) }),
    ),
  }),
  'GET /api/go2rtc': go2rtc.info,
  'POST /api/go2rtc/install': go2rtc.info,
  'GET /api/settings': settings,
  'PATCH /api/settings': settings,
  'GET /api/settings/mqtt': mqtt.info,
  'PUT /api/settings/mqtt': mqtt.info,
  'POST /api/settings/mqtt/test': mqtt.tested,
  'GET /api/settings/restream': restream.info,
  'POST /api/settings/restream/users': restream.login,
  'POST /api/settings/restream/users/{name}/secret': restream.login,
  'POST /api/settings/webhooks/test': v.object({
    ok: flag,
    status: maybe(number),
    message: maybe(text),
    tookMs: number,
  }),
  'GET /api/groups': groups,
  'POST /api/groups': shape.group,
  'PATCH /api/groups': groups,
  'PATCH /api/groups/{id}': shape.group,
  'POST /api/links': v.object({ url: text, expiresMs: number }),
  'GET /api/backup': backup,
  'POST /api/restore': restored,
  'GET /api/setup': v.object({ open: flag }),
  'POST /api/setup': loggedIn,
  'POST /api/login': loggedIn,
  'GET /api/me': me,
  'PATCH /api/me': me,
  'GET /api/sessions': v.object({ sessions: list(session) }),
  'GET /api/users': v.object({ users: list(user) }),
  'POST /api/users': user,
  'PATCH /api/users/{id}': user,
  'GET /api/tokens': v.object({ tokens: list(v.object(token)) }),
  'POST /api/tokens': v.object({ ...token, token: text }),
  'POST /api/cameras/{id}/webrtc': v.object({ sdp: text, session: text, sound: flag }),
  'POST /api/cameras/{id}/talk': v.object({ sdp: text, session: text, keepMs: number }),
  'GET /api/audit': v.object({ entries: list(auditEntry), cursor }),
};

/** Routes with an answer in the contract. */
type Answering = { [N in RouteName]: [RouteAnswer<N>] extends [undefined] ? never : N }[RouteName];
type Told = v.InferOutput<v.GenericSchema>;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Shown<N extends RouteName> = N extends keyof typeof ANSWERS ? v.InferOutput<(typeof ANSWERS)[N]> : Told;
/** Names of routes whose schema says something else than the contract, or that have none. */
type Wrong = {
  [N in Answering]: Same<Shown<N>, Exclude<RouteAnswer<N>, undefined>> extends true ? never : N;
}[Answering];
type Foreign = Exclude<keyof typeof ANSWERS, Answering>;

/** Does not compile while there are any: the error names them. */
export const WRONG: [Wrong | Foreign] extends [never] ? 'none' : Wrong | Foreign = 'none';
