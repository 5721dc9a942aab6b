// Events over HTTP: triggers and recording by hand, lists, changes, pictures and clips.
import * as v from 'valibot';
import type { AuditEntry, Caller } from '../accounts/index.ts';
import { type CameraId, NvrError } from '../core/index.ts';
import { triggerSchema } from '../events/index.ts';
import { parseEventId, TRIGGER_SOURCES } from '../storage/index.ts';
import { cameraInPath, parseCameraId } from './camera-routes.ts';
import type { EventList, RecordReply, TriggerReply } from './contract.ts';
import type { ExportPlans } from './export-plans.ts';
import { sendExport } from './export-routes.ts';
import { fileSource, openFile } from './file-source.ts';
import { cameraId, flag, integer, timeMs } from './input.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import { endBeforeStart, plan } from './segment-routes.ts';
import type { HttpReply, HttpRequest } from './server.ts';
import type { ApiServices } from './services.ts';

const DEFAULT_LIMIT = 30;
const MAX_LIMIT = 200;
const MAX_CAMERAS = 64;
/** Of a recording by hand. */
const MAX_RECORD_MS = 24 * 3_600_000;

const WORD_CURE = 'Use at most 32 characters.';
const CURSOR_CURE = 'Use the cursor of the answer before.';
const NOTE_CURE = 'Use at most 500 characters, or null for none.';
const RECORD_CURE = `Use 1000 to ${MAX_RECORD_MS} milliseconds.`;
const CAMERAS_CURE = `Name at most ${MAX_CAMERAS} cameras: camera=1&camera=2.`;

const word = v.pipe(v.string(WORD_CURE), v.maxLength(32, WORD_CURE));
const listQuery = v.strictObject({
  camera: v.optional(
    v.pipe(
      v.union([v.string(), v.array(v.string())], CAMERAS_CURE),
      v.transform(value => [value].flat()),
      v.array(cameraId),
      v.maxLength(MAX_CAMERAS, CAMERAS_CURE),
    ),
  ),
  label: v.optional(word),
  zone: v.optional(word),
  source: v.optional(v.picklist(TRIGGER_SOURCES, `Use ${TRIGGER_SOURCES.join(', ')}.`)),
  startMs: v.optional(timeMs),
  endMs: v.optional(timeMs),
  reviewed: v.optional(flag),
  locked: v.optional(flag),
  limit: v.optional(integer(1, MAX_LIMIT), String(DEFAULT_LIMIT)),
  cursor: v.optional(v.pipe(v.string(CURSOR_CURE), v.maxLength(64, CURSOR_CURE))),
});

const choice = v.boolean('Use true or false.');
const patchSchema = v.strictObject({
  locked: v.optional(choice),
  reviewed: v.optional(choice),
  note: v.optional(v.nullable(v.pipe(v.string(NOTE_CURE), v.maxLength(500, NOTE_CURE)))),
});

const recordFields = v.strictObject({
  action: v.optional(v.picklist(['start', 'stop'], 'Use start or stop.')),
  durationMs: v.optional(
    v.pipe(
      v.number(RECORD_CURE),
      v.integer(RECORD_CURE),
      v.minValue(1000, RECORD_CURE),
      v.maxValue(MAX_RECORD_MS, RECORD_CURE),
    ),
  ),
  mode: v.optional(v.picklist(['off', 'continuous', 'events'], 'Use off, continuous or events.')),
});
const recordSchema = v.pipe(
  recordFields,
  v.forward(
    v.check(({ action, mode }) => (action === undefined) !== (mode === undefined), 'Give either "action" or "mode".'),
    ['action'],
  ),
  v.forward(
    v.check(({ durationMs, mode }) => durationMs === undefined || mode === undefined, 'Leave it out with "mode".'),
    ['durationMs'],
  ),
);

export function eventRoutes(services: ApiServices, plans: ExportPlans) {
  const { events } = services;
  return [
    route('POST', '/api/cameras/{id}/trigger', {
      identity: 'operator',
      summary: 'Says that something happens at a camera.',
      // Machines send as many as they see.
      rate: 'free',
      cameras: cameraInPath,
      body: triggerSchema,
      handle: ({ params, body }) => {
        const event = events.trigger({ ...body, camera: parseCameraId(params.id), source: 'http' });
        return jsonReply(202, (event === undefined ? {} : { event }) satisfies TriggerReply);
      },
    }),
    route('POST', '/api/cameras/{id}/record', {
      identity: 'operator',
      summary: 'Records by hand, or changes what is recorded.',
      audit: 'change',
      cameras: cameraInPath,
      body: recordSchema,
      handle: async ({ params, body: { action, durationMs, mode } }) => {
        const id = parseCameraId(params.id);
        if (action) return jsonReply(202, (await events.record(id, action, durationMs)) satisfies RecordReply);
        const camera = await services.cameras.update(id, { record: { mode } });
        await services.recordingSettled(id);
        return jsonReply(200, { mode: camera.record.mode } satisfies RecordReply);
      },
    }),
    route('GET', '/api/events', {
      identity: 'viewer',
      summary: 'Events, newest first.',
      cameras: ({ query }) => query.camera ?? [],
      query: listQuery,
      handle: ({ query: { camera, ...filters }, caller }) => {
        const { startMs, endMs } = filters;
        if (startMs !== undefined && endMs !== undefined && endMs < startMs) throw endBeforeStart();
        const cameras = camera ?? (caller.cameras && [...caller.cameras]);
        const wanted = { ...given(filters), limit: filters.limit, ...(cameras ? { cameras } : {}) };
        return jsonReply(200, events.list(wanted, caller.user) satisfies EventList);
      },
    }),
    route('GET', '/api/events/{id}', {
      identity: 'viewer',
      summary: 'One event.',
      cameras: eventCamera,
      handle: ({ params, caller }) => jsonReply(200, events.get(params.id ?? '', caller.user)),
    }),
    route('PATCH', '/api/events/{id}', {
      // Everybody marks for itself; the rest is everybody's.
      identity: 'viewer',
      summary: 'Marks an event as reviewed by whoever asks; operators lock it, or add a note.',
      cameras: eventCamera,
      body: patchSchema,
      handle: async ({ params, body, caller, request }) => {
        const { id = '' } = params;
        const isOwnMark = body.locked === undefined && body.note === undefined;
        if (caller.role === 'viewer' && !isOwnMark) {
          throw new NvrError('permission-denied', 'this needs the role operator');
        }
        const event = await events.change(id, body, caller.user);
        // What somebody has seen is nobody else's business, and would wash the rest out.
        if (!isOwnMark) tell(services, caller, request, { action: 'change', target: `event ${id}` });
        return jsonReply(200, event);
      },
    }),
    route('DELETE', '/api/events/{id}', {
      identity: 'viewer',
      right: 'delete',
      summary: 'Deletes an event that is not locked. Its footage stays.',
      audit: 'remove',
      cameras: eventCamera,
      handle: async ({ params }) => {
        await events.remove(params.id ?? '');
        return { status: 204 };
      },
    }),
    route('GET', '/api/events/{id}/picture.jpg', {
      identity: 'viewer',
      summary: 'The picture of an event.',
      rate: 'media',
      media: 'image/jpeg',
      linkable: true,
      cameras: eventCamera,
      handle: ({ params, request }) => sendPicture(services, params.id ?? '', request),
    }),
    route('GET', '/api/events/{id}/clip.mp4', {
      identity: 'viewer',
      right: 'export',
      summary: 'The footage of an event as one MP4 file.',
      audit: 'export',
      rate: 'media',
      media: 'video/mp4',
      linkable: true,
      cameras: eventCamera,
      handle: ({ params, request }) => {
        const range = events.footage(params.id ?? '');
        return sendExport(services, plans, { ...range, stream: 'main', timeZone: undefined }, request);
      },
    }),
  ];
}

function tell(
  { accounts }: ApiServices,
  { by, name }: Caller,
  { remoteAddress }: HttpRequest,
  entry: AuditEntry,
): void {
  const who = by === 'nobody' ? {} : { by, user: name };
  accounts.audit.record({ ...who, address: remoteAddress, ...entry });
}

/** Throws `not-found` for what is no id of an event. */
function eventCamera({ params }: { params: Record<string, string> }): CameraId[] {
  const key = parseEventId(params.id ?? '');
  if (!key) throw new NvrError('not-found', 'there is no such event');
  return [key.camera];
}

/** Without what was left out. */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

async function sendPicture(services: ApiServices, id: string, request: HttpRequest): Promise<HttpReply> {
  const { file, sizeBytes } = await openFile(services.events.picturePath(id), 'picture').catch((error: unknown) => {
    // A power cut may have taken it.
    if (error instanceof NvrError && error.kind === 'data-loss') {
      services.log.warn('the picture of an event is no file', { event: id });
    }
    throw error;
  });
  try {
    const etag = `"${id}-${sizeBytes}"`;
    const reply = plan(request, sizeBytes, etag);
    const headers = {
      'Content-Type': 'image/jpeg',
      'Accept-Ranges': 'bytes',
      'Content-Disposition': `inline; filename="${id}.jpg"`,
      // It is made once, and no browser may show it any more when it is gone.
      'Cache-Control': 'private, no-cache',
      ETag: etag,
      ...reply.headers,
    };
    if (reply.range) return { status: reply.status, headers, body: fileSource(file, reply.range) };
    await file.close();
    return { status: reply.status, headers, ...(reply.status === 304 ? {} : { body: Buffer.alloc(0) }) };
  } catch (error) {
    await file.close();
    throw error;
  }
}
