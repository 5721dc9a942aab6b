// The shapes of the contract as schemas, for the API reference and for tests of what is really answered: cameras, events, footage.
import * as v from 'valibot';
import { type CameraProblem, HUB_CHOICES, RECORDED_STREAMS, TRANSPORTS } from '../cameras/index.ts';
import { END_REASONS, GAP_REASONS } from '../core/index.ts';
import { ONVIF_PROBLEMS } from '../onvif/index.ts';
import { TRIGGER_SOURCES } from '../storage/index.ts';
import * as onvif from './onvif-answers.ts';
import { flag, list, maybe, named, number, text } from './schema-parts.ts';

export * from './schema-parts.ts';

export const streamName = v.picklist(['main', 'sub']);
const stateNames = ['disabled', 'starting', 'live', 'stalled', 'reconnecting', 'failed'] as const;
export const stateName = v.picklist(stateNames);
export const mode = v.picklist(['off', 'continuous', 'events']);
export const streamProblem = v.picklist(['bad-clock', 'long-gop', 'no-audio', 'flapping-parameters']);
export const ids = list(number);

const stream = v.object({ url: text, transport: v.picklist(TRANSPORTS), fallbackUrls: maybe(list(text)) });
const streamFacts = {
  codec: v.picklist(['h264', 'h265']),
  width: number,
  height: number,
  fps: number,
  bitrateBps: number,
  gopMs: number,
  audio: maybe(v.picklist(['aac', 'opus'])),
  audioSource: maybe(text),
  audioLeftOut: maybe(text),
};
const facts = v.object(streamFacts);
const link = {
  reason: maybe(
    v.picklist([
      ...['refused', 'unreachable', 'unknown-host', 'address-forbidden', 'unauthorized', 'not-found'],
      ...['no-video', 'unsupported-codec', 'unsupported-transport', 'busy', 'not-rtsp', 'server-error'],
      ...['timeout', 'closed', 'stalled', 'no-keyframe', 'password-unreadable', 'demo-off', 'not-listed', 'hub'],
    ] as CameraProblem[]),
  ),
  message: maybe(text),
  cure: maybe(text),
  sinceMs: number,
  lastPacketMs: number,
  retryAtMs: maybe(number),
  problems: v.pipe(list(streamProblem), v.readonly()),
  reconnects: number,
  droppedBytes: number,
};
const subFacts = {
  ...streamFacts,
  codec: maybe(streamFacts.codec),
  width: maybe(number),
  height: maybe(number),
  fps: maybe(number),
  bitrateBps: maybe(number),
  gopMs: maybe(number),
};
const state = v.object({
  ...link,
  name: stateName,
  main: maybe(facts),
  sub: maybe(v.object({ ...link, ...subFacts, name: v.picklist([...stateNames, 'idle']) })),
  onvif: maybe(onvif.state),
});

const settings = {
  id: number,
  name: text,
  enabled: flag,
  priority: number,
  hub: maybe(v.picklist(HUB_CHOICES)),
  main: stream,
  sub: maybe(stream),
  username: maybe(text),
  hasPassword: flag,
  audio: flag,
  record: v.object({ mode, schedule: maybe(text), streams: v.picklist(RECORDED_STREAMS), segmentMs: number }),
  events: v.object({ preRollMs: number, postRollMs: number, mergeMs: number, maxMs: number, alsoTrigger: ids }),
  retention: v.object({
    days: v.nullable(number),
    eventDays: v.nullable(number),
    quotaBytes: v.nullable(number),
  }),
  onvif: maybe(onvif.settings),
};
const hindrance = v.object({
  reason: v.picklist(['go2rtc', 'disabled', 'no-speaker', 'speaker-codec', 'unknown']),
  message: text,
  cure: maybe(text),
});
export const backupCamera = v.object(settings);
export const camera = named(
  'Camera',
  v.object({
    ...settings,
    can: v.object({
      ...{ ptz: flag, presets: flag, relays: flag, dayNight: flag },
      ...{ talk: flag, audio: flag, webrtc: flag, privacy: flag },
    }),
    cannot: v.object({ webrtc: maybe(hindrance), talk: maybe(hindrance) }),
    demo: maybe(v.literal(true)),
    provisioned: maybe(text),
    state,
  }),
);
const { gopMs: _, ...probed } = streamFacts;
export const probe = v.object({
  ok: flag,
  streams: list(v.object(probed)),
  picture: maybe(text),
  onvif: maybe(onvif.probed),
  problem: maybe(
    v.object({
      kind: v.picklist([
        ...(['not-rtsp', 'no-video', 'no-stream', 'unsupported-codec'] as const),
        // Among them those that there are over RTSP too.
        ...ONVIF_PROBLEMS,
      ]),
      message: text,
      cure: text,
    }),
  ),
});

export const event = named(
  'Event',
  v.object({
    id: text,
    camera: number,
    startMs: number,
    endMs: maybe(number),
    labels: list(text),
    zones: list(text),
    sources: list(v.picklist(TRIGGER_SOURCES)),
    score: maybe(number),
    boxes: list(
      v.object({
        label: maybe(text),
        box: v.tuple([number, number, number, number]),
        score: maybe(number),
        atMs: number,
      }),
    ),
    preRoll: v.object({ promisedMs: number, deliveredMs: number }),
    postRollMs: number,
    picture: maybe(v.object({ atMs: number, width: number, height: number, sizeBytes: number })),
    locked: flag,
    reviewed: flag,
    note: maybe(text),
    continues: maybe(text),
    payload: maybe(v.unknown()),
  }),
);

export const gap = v.object({ startMs: number, endMs: maybe(number), reason: v.picklist(GAP_REASONS) });
export const segment = named(
  'Segment',
  v.object({
    id: text,
    camera: number,
    stream: streamName,
    startMs: number,
    endMs: number,
    sizeBytes: number,
    codecs: text,
    open: flag,
    locked: flag,
    hasEvents: flag,
    endReason: maybe(v.picklist(END_REASONS)),
  }),
);
export const timeline = v.object({
  cameras: list(
    v.object({
      camera: number,
      footage: list(v.tuple([number, number])),
      gaps: list(gap),
      events: list(
        v.object({ id: text, startMs: number, endMs: maybe(number), label: text, picture: maybe(v.literal(true)) }),
      ),
      more: number,
      activity: maybe(v.union([list(number), text])),
    }),
  ),
});
export const days = v.object({
  days: list(v.object({ startMs: number, endMs: number, date: maybe(text), hasFootage: flag, hasEvents: flag })),
});
export const playback = v.object({
  endMs: number,
  inits: list(v.object({ id: text, codecs: text, url: text, sizeBytes: number })),
  segments: list(
    v.object({
      id: text,
      startMs: number,
      endMs: number,
      open: flag,
      init: text,
      url: text,
      firstPts90k: number,
      fragments: list(v.tuple([number, number, number, v.picklist([0, 1])])),
    }),
  ),
  gaps: list(gap),
});
const layout = v.picklist(['auto', '1', '2x2', '3x3', '4x4', '1+5', '1+7', 'list']);
const groupFields = { name: text, cameras: ids, layout };
export const newGroup = v.object(groupFields);
export const group = named('Group', v.object({ id: number, ...groupFields }));
