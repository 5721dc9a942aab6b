// Backups: what the owner has set up, as one file without secrets, and the schema of such a file when it comes back.
import * as v from 'valibot';
import { camerasSchema, nameSchema, rightsSchema, roleSchema } from '../accounts/index.ts';
import { MAX_CAMERAS, newCameraSchema } from '../cameras/index.ts';
import { redactText } from '../core/index.ts';
import { webhooksPatchSchema } from '../events/index.ts';
import { go2rtcPatchSchema } from '../go2rtc/index.ts';
import { mqttPatchSchema } from '../mqtt/index.ts';
import { storagePatchSchema } from '../recording/index.ts';
import { restreamPatchSchema } from '../restream/index.ts';
import type { Backup, BackupCamera } from './contract.ts';
import { newGroupSchema } from './groups.ts';
import { hostsSchema } from './host-names.ts';
import { redactedStream } from './seen-camera.ts';
import type { ApiServices } from './services.ts';

const MAX_USERS = 200;
const MAX_GROUPS = 32;

/** What a camera is made from, but for its password, which is never told. */
const { password: _, ...entries } = newCameraSchema.entries;
const CAMERA_FIELDS = Object.keys(entries) as (keyof typeof entries)[];
const NUMBER_CURE = 'Use the number of a camera.';
const cameraSchema = v.strictObject({
  ...entries,
  id: v.pipe(v.number(NUMBER_CURE), v.integer(NUMBER_CURE), v.minValue(1, NUMBER_CURE), v.maxValue(999_999_999)),
  hasPassword: v.boolean('Use true or false.'),
});
const userSchema = v.strictObject({
  name: nameSchema,
  role: roleSchema,
  cameras: v.optional(camerasSchema),
  rights: rightsSchema,
});
const FORMAT_CURE = 'Use a file that GET /api/backup has given.';

/** Files are as little to be trusted as browsers. */
export const backupSchema = v.strictObject({
  format: v.literal('thimble-backup', FORMAT_CURE),
  version: v.literal(1, 'It was made by a later version: use that one.'),
  madeMs: v.number(FORMAT_CURE),
  service: v.pipe(v.string(FORMAT_CURE), v.maxLength(64, FORMAT_CURE)),
  cameras: v.pipe(v.array(cameraSchema, FORMAT_CURE), v.maxLength(MAX_CAMERAS, `There are at most ${MAX_CAMERAS}.`)),
  users: v.pipe(v.array(userSchema, FORMAT_CURE), v.maxLength(MAX_USERS, `There are at most ${MAX_USERS}.`)),
  groups: v.pipe(v.array(newGroupSchema, FORMAT_CURE), v.maxLength(MAX_GROUPS, `There are at most ${MAX_GROUPS}.`)),
  settings: v.strictObject({
    storage: storagePatchSchema,
    webhooks: webhooksPatchSchema,
    mqtt: v.optional(mqttPatchSchema),
    go2rtc: v.optional(go2rtcPatchSchema),
    restream: v.optional(restreamPatchSchema),
    hosts: hostsSchema,
  }),
});
export type ReadBackup = v.InferOutput<typeof backupSchema>;
export type ReadCamera = v.InferOutput<typeof cameraSchema>;

/** The cameras of the demo are left out: they come with the service. */
export function makeBackup(services: ApiServices): Backup {
  const { accounts, cameras, groups, storage, webhooks, mqtt, go2rtc, restream, hosts, facts, clock } = services;
  return {
    format: 'thimble-backup',
    version: 1,
    madeMs: clock.nowMs(),
    service: facts.version,
    cameras: cameras
      .list()
      .filter(({ demo }) => !demo)
      .map(backupCamera),
    users: accounts.users.list().map(({ name, role, cameras: seen, rights }) => ({
      ...{ name, role, rights },
      ...(seen && { cameras: seen }),
    })),
    groups: groups.list().map(({ name, cameras: shown, layout }) => ({ name, cameras: shown, layout })),
    settings: {
      storage: storage.settings(),
      webhooks: webhooks.list(),
      mqtt: mqtt.settings(),
      go2rtc: go2rtc.preferences.get(),
      restream: restream.settings(),
      hosts: [...hosts.names()],
    },
  };
}

/** Addresses lose what looks like a password. */
export function backupCamera(camera: BackupCamera): BackupCamera {
  const { id, hasPassword } = camera;
  const own = camera as unknown as Record<string, unknown>;
  const fields = CAMERA_FIELDS.flatMap(field => (own[field] === undefined ? [] : [[field, own[field]]]));
  const { main, sub, onvif, ...rest } = Object.fromEntries(fields) as BackupCamera;
  return {
    ...{ ...rest, id, hasPassword, main: redactedStream(main) },
    ...(sub && { sub: redactedStream(sub) }),
    ...(onvif && { onvif: { ...onvif, address: redactText(onvif.address) } }),
  };
}
