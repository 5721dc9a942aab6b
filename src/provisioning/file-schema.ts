// What a configuration file may hold: the cameras, users and settings of the API, by the same schemas.
import * as v from 'valibot';
import { nameSchema, rightsSchema, roleSchema } from '../accounts/index.ts';
import { newCameraSchema, newOnvifSchema } from '../cameras/index.ts';
import { go2rtcPreferencesSchema } from '../go2rtc/index.ts';
import { mqttSettingsSchema } from '../mqtt/index.ts';
import { storageSettingsSchema } from '../recording/index.ts';
import { newRestreamUserSchema, restreamPatchSchema, restreamSecretSchema } from '../restream/index.ts';

const passwordFileSchema = v.optional(
  v.pipe(
    v.string('Write the path of a file with the password.'),
    v.minLength(1, 'Write the path of a file with the password.'),
    v.maxLength(4096, 'Use a shorter path.'),
    v.check(path => !path.includes('\0'), 'Leave control characters out.'),
  ),
);

const { hasPassword: _hasPassword, ...onvifEntries } = newOnvifSchema.entries;
/** A camera as `POST /api/cameras` takes it. Its name is its key when left out; its passwords may stand in files of their own. */
const cameraSchema = v.strictObject({
  ...newCameraSchema.entries,
  onvif: v.optional(v.nullable(v.strictObject({ ...onvifEntries, passwordFile: passwordFileSchema }))),
  name: v.optional(newCameraSchema.entries.name),
  passwordFile: passwordFileSchema,
});
export type CameraInput = v.InferOutput<typeof cameraSchema>;

const KEYS_CURE = 'Write a list of keys of cameras in this file; [] = none.';
/** A user as `POST /api/users` takes it, but for its cameras, which have keys here. Its name is its key when left out. */
const userSchema = v.strictObject({
  name: v.optional(nameSchema),
  role: roleSchema,
  password: v.optional(v.pipe(v.string('Write a text.'), v.maxLength(1024, 'Use a shorter password.'))),
  passwordFile: passwordFileSchema,
  cameras: v.optional(v.pipe(v.array(v.string(KEYS_CURE), KEYS_CURE), v.maxLength(1000, KEYS_CURE))),
  rights: v.optional(rightsSchema),
});
export type UserInput = v.InferOutput<typeof userSchema>;

/** As `PUT /api/settings/mqtt` takes it; its password and its key may stand in files of their own. */
const { hasPassword: _, hasKey: __, ...mqttEntries } = mqttSettingsSchema.entries;
const mqttSchema = v.strictObject({
  ...mqttEntries,
  passwordFile: passwordFileSchema,
  keyFile: passwordFileSchema,
});
export type MqttFileInput = v.InferOutput<typeof mqttSchema>;

/** Restreaming: each login has a secret, here or in a file of its own, and sees all cameras, or those with these keys. */
const restreamSchema = v.strictObject({
  enabled: v.optional(v.boolean('Use true or false.'), true),
  listen: v.optional(v.unwrap(restreamPatchSchema.entries.listen), '0.0.0.0:8554'),
  users: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          name: newRestreamUserSchema.entries.name,
          secret: v.optional(restreamSecretSchema),
          secretFile: passwordFileSchema,
          cameras: v.optional(v.pipe(v.array(v.string(KEYS_CURE), KEYS_CURE), v.maxLength(1000, KEYS_CURE))),
        }),
        'Write a list of logins.',
      ),
      v.maxLength(16, 'There are at most 16.'),
    ),
    [],
  ),
});
export type RestreamFileInput = v.InferOutput<typeof restreamSchema>;

export const MAX_KEY_CHARS = 64;
/** Keys of cameras and users: they stand in messages, and one day in addresses. */
export const KEY_PATTERN = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Keys that a file has in its sections; undefined = without that section. */
export interface FileKeys {
  cameras: readonly string[] | undefined;
  users: readonly string[] | undefined;
}

/** The schema of a file with these keys. */
export function fileSchema(keys: FileKeys) {
  const cameras = v.strictObject(Object.fromEntries((keys.cameras ?? []).map(key => [key, cameraSchema])));
  const users = v.strictObject(Object.fromEntries((keys.users ?? []).map(key => [key, userSchema])));
  return v.strictObject({
    cameras: v.optional(cameras),
    users: v.optional(users),
    settings: v.optional(
      v.strictObject({
        storage: v.optional(storageSettingsSchema),
        mqtt: v.optional(mqttSchema),
        go2rtc: v.optional(go2rtcPreferencesSchema),
        restream: v.optional(restreamSchema),
      }),
    ),
  });
}
