// The shapes of the contract about ONVIF as schemas, for the API reference and for tests of what is really answered.
import * as v from 'valibot';
import type { OnvifKind } from '../cameras/index.ts';
import { ONVIF_EVENT_KINDS, ONVIF_PROBLEMS } from '../onvif/index.ts';
import { flag, list, maybe, number, text } from './schema-parts.ts';

const kind = v.picklist(ONVIF_EVENT_KINDS.filter((one): one is OnvifKind => one !== 'other'));
const problem = v.object({ kind: v.picklist(ONVIF_PROBLEMS), message: text, cure: text });
const mode = v.picklist(['day', 'night', 'auto']);

/** Beside a camera's other settings. */
export const settings = v.object({
  address: text,
  events: flag,
  kinds: maybe(list(kind)),
  videoSource: maybe(text),
  checkCertificate: flag,
  allowBasic: flag,
  username: maybe(text),
  hasPassword: flag,
});

export const state = v.object({
  name: v.picklist(['off', 'waiting', 'idle', 'connecting', 'ready', 'failed', 'closed']),
  events: v.picklist(['off', 'absent', 'starting', 'live', 'interrupted']),
  problem: maybe(problem),
  sinceMs: number,
  silentSinceMs: maybe(number),
});

const profile = v.object({
  token: text,
  name: text,
  videoSource: maybe(text),
  codec: maybe(v.picklist(['h264', 'h265', 'mjpeg', 'mpeg4', 'other'])),
  width: maybe(number),
  height: maybe(number),
  fps: maybe(number),
  bitrateKbps: maybe(number),
  audio: maybe(text),
  ptz: flag,
});
const capabilities = v.object({
  information: v.object({
    manufacturer: maybe(text),
    model: maybe(text),
    firmware: maybe(text),
    serial: maybe(text),
  }),
  clockOffsetMs: number,
  media: maybe(v.picklist(['media', 'media2'])),
  profiles: list(profile),
  events: flag,
  eventKinds: list(kind),
  ptz: v.nullable(
    v.object({ continuous: flag, absolute: flag, relative: flag, zoom: flag, presets: number, home: flag }),
  ),
  relays: list(v.object({ token: text, mode: maybe(text) })),
  dayNight: flag,
});
const stream = maybe(v.object({ profile, url: text }));
export const probed = v.object({
  address: text,
  capabilities,
  streams: v.object({ main: stream, sub: stream, snapshotUrl: maybe(text) }),
});

const event = v.object({
  kind,
  change: v.picklist(['begin', 'end', 'moment']),
  topic: text,
  source: text,
  property: text,
  arrivalMs: number,
  cameraTimeMs: maybe(number),
  isAssumed: maybe(v.literal(true)),
  isUsed: flag,
});
const figures = v.object({ subscriptions: number, renewals: number, messages: number });
const log = v.object({
  on: flag,
  untilMs: maybe(number),
  entries: list(
    v.object({
      timeMs: number,
      direction: v.picklist(['request', 'answer', 'failure']),
      operation: text,
      status: maybe(number),
      text,
    }),
  ),
});
const preset = { token: text, name: text };

export const answers = {
  'POST /api/cameras/discover': v.object({
    devices: list(
      v.object({
        ...{ address: text, host: text, name: maybe(text), hardware: maybe(text), location: maybe(text) },
        cameras: list(number),
      }),
    ),
    failed: list(v.object({ address: text, reason: text })),
  }),
  'GET /api/cameras/{id}/onvif': v.object({
    state,
    capabilities: maybe(capabilities),
    events: list(event),
    figures: maybe(figures),
  }),
  'GET /api/cameras/{id}/onvif/log': log,
  'PUT /api/cameras/{id}/onvif/log': log,
  'GET /api/cameras/{id}/ptz/presets': v.object({ presets: list(v.object(preset)) }),
  'POST /api/cameras/{id}/ptz/presets': v.object(preset),
  'GET /api/cameras/{id}/day-night': v.object({ mode: maybe(mode) }),
};
