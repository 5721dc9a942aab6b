// The settings of the service over HTTP.
import * as v from 'valibot';
import { LOG_LEVELS, type LogLevel, NvrError } from '../core/index.ts';
import { webhooksPatchSchema, webhookTestSchema } from '../events/index.ts';
import { go2rtcPatchSchema } from '../go2rtc/index.ts';
import { mqttPatchSchema } from '../mqtt/index.ts';
import { storagePatchSchema } from '../recording/index.ts';
import { restreamPatchSchema } from '../restream/index.ts';
import type { Settings } from './contract.ts';
import { hostsSchema } from './host-names.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { ApiServices } from './services.ts';

/** More than the service has parts. */
const MAX_TAGS = 32;

const level = v.picklist(LOG_LEVELS, `Use ${LOG_LEVELS.join(', ')}.`);
const tag = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,31}$/, 'Use the tag of a log line.'));
const logPatchSchema = v.strictObject({
  level: v.optional(level),
  tags: v.optional(v.record(tag, v.nullable(level))),
});
const patchSchema = v.strictObject({
  storage: v.optional(storagePatchSchema),
  log: v.optional(logPatchSchema),
  webhooks: v.optional(webhooksPatchSchema),
  mqtt: v.optional(mqttPatchSchema),
  go2rtc: v.optional(go2rtcPatchSchema),
  restream: v.optional(restreamPatchSchema),
  hosts: v.optional(hostsSchema),
});

type LogPatch = v.InferOutput<typeof logPatchSchema>;

export function settingsRoutes(services: ApiServices) {
  const { storage, logs, log, webhooks, mqtt, go2rtc, restream, hosts } = services;
  const all = (): Settings => ({
    storage: storage.settings(),
    log: { level: logs.levels.other, tags: logs.levels.tags },
    webhooks: webhooks.list(),
    mqtt: mqtt.settings(),
    go2rtc: go2rtc.preferences.get(),
    restream: restream.settings(),
    hosts: [...hosts.names()],
    provisioned: [
      ...(storage.settingsProvisioned ? (['storage'] as const) : []),
      ...(mqtt.settingsProvisioned ? (['mqtt'] as const) : []),
      ...(go2rtc.preferences.isProvisioned ? (['go2rtc'] as const) : []),
      ...(restream.settingsProvisioned ? (['restream'] as const) : []),
    ],
  });
  return [
    route('GET', '/api/settings', {
      identity: 'admin',
      summary: 'The settings of the service.',
      handle: () => jsonReply(200, all()),
    }),
    route('PATCH', '/api/settings', {
      identity: 'admin',
      summary: 'Changes what is given, and leaves the rest.',
      audit: 'change',
      body: patchSchema,
      handle: async ({ body }) => {
        const levels = body.log && changedLevels(logs.levels, body.log);
        if (body.webhooks) webhooks.check(body.webhooks);
        if (body.mqtt) mqtt.check(body.mqtt);
        if (body.go2rtc) await go2rtc.preferences.check(body.go2rtc);
        if (body.restream) restream.check(body.restream);
        if (body.storage) await storage.updateSettings(body.storage);
        if (body.webhooks) await webhooks.update(body.webhooks);
        if (body.mqtt) await mqtt.update(body.mqtt);
        if (body.go2rtc) await go2rtc.preferences.update(body.go2rtc);
        if (body.restream) await restream.update(body.restream);
        if (body.hosts) {
          await hosts.update(body.hosts);
          log.info('settings changed', { section: 'hosts', hosts: hosts.names() });
        }
        if (levels) {
          logs.levels = levels;
          log.info('settings changed', { section: 'log', levels });
        }
        return jsonReply(200, all());
      },
    }),
    route('POST', '/api/settings/webhooks/test', {
      identity: 'admin',
      summary: 'Sends a message to a webhook, and says what came back.',
      rate: 'heavy',
      body: webhookTestSchema,
      // A webhook that does not work is an answer, not a failure.
      handle: async ({ body: { url, secret } }) => jsonReply(200, await webhooks.test(url, secret ?? undefined)),
    }),
  ];
}

/** Throws `invalid-argument` when there would be too many. */
function changedLevels(before: ApiServices['logs']['levels'], patch: LogPatch): ApiServices['logs']['levels'] {
  const changed = Object.entries({ ...before.tags, ...patch.tags }).filter(
    (entry): entry is [string, LogLevel] => entry[1] !== null,
  );
  if (changed.length > MAX_TAGS) {
    throw new NvrError('invalid-argument', `there are more than ${MAX_TAGS} parts in "log.tags"`, {
      field: 'log.tags',
      cure: 'Take some back with null.',
    });
  }
  return { other: patch.level ?? before.other, tags: Object.fromEntries(changed) };
}
