// The shapes of the contract about MQTT as schemas, for the API reference and for tests of what is really answered.
import * as v from 'valibot';
import { BROKER_FAULTS, MQTT_PROTOCOLS } from '../mqtt/index.ts';
import { flag, list, maybe, number, text } from './schema-parts.ts';

const spoken = v.picklist(['3.1.1', '5']);
const problem = v.object({ kind: v.picklist(BROKER_FAULTS), message: text, cure: text });

export const settings = v.object({
  enabled: flag,
  url: text,
  protocol: v.picklist(MQTT_PROTOCOLS),
  username: maybe(text),
  hasPassword: flag,
  prefix: text,
  discoveryPrefix: v.nullable(text),
  ca: maybe(text),
  cert: maybe(text),
  hasKey: flag,
});

export const info = v.object({
  settings,
  state: v.object({
    name: v.picklist(['off', 'connecting', 'online', 'away']),
    sinceMs: number,
    protocol: maybe(spoken),
    problem: maybe(problem),
    retryAtMs: maybe(number),
    queued: number,
    queuedBytes: number,
    published: number,
    dropped: number,
    commands: v.object({ done: number, refused: number, dropped: number }),
  }),
  devices: list(
    v.object({ camera: maybe(number), name: text, entities: list(v.object({ name: text, platform: text })) }),
  ),
});

export const tested = v.object({ ok: flag, protocol: maybe(spoken), problem: maybe(problem), tookMs: number });
