// The shapes of the contract about go2rtc as schemas, for the API reference and for tests of what is really answered.
import * as v from 'valibot';
import { KEEP_CHOICES, type StreamName } from '../go2rtc/index.ts';
import { flag, list, maybe, number, text } from './schema-parts.ts';

export const settings = v.object({ binary: v.nullable(text), keep: v.picklist(KEEP_CHOICES), webrtcPort: number });

const words = v.object({
  message: text,
  cure: text,
  fault: maybe(
    v.picklist([
      ...(['unauthorized', 'refused', 'unreachable', 'unknown-host', 'timeout', 'closed'] as const),
      ...(['not-found', 'other-codecs', 'certificate', 'other'] as const),
    ]),
  ),
  refused: maybe(v.literal(true)),
});
const stream = v.object({
  name: text as v.GenericSchema<StreamName>,
  usable: flag,
  consumers: number,
  moving: flag,
  problem: maybe(words),
});

export const info = v.object({
  state: v.object({
    name: v.picklist(['absent', 'unusable', 'idle', 'starting', 'ready', 'restarting', 'resting']),
    version: maybe(text),
    path: maybe(text),
    message: maybe(text),
    cure: maybe(text),
    sinceMs: number,
    restarts: number,
    pid: maybe(number),
    webrtc: flag,
    rssBytes: maybe(number),
    fds: maybe(number),
    cpu01: maybe(number),
    streams: list(stream),
  }),
  install: v.object({
    name: v.picklist(['idle', 'running', 'installed', 'failed']),
    sinceMs: number,
    receivedBytes: maybe(number),
    sizeBytes: maybe(number),
    message: maybe(text),
    cure: maybe(text),
  }),
  offered: maybe(v.object({ version: text, file: text })),
});
