// What a configuration file may hold: the cameras and settings of the API, by the same schemas.
import * as v from 'valibot';
import { newCameraSchema } from '../cameras/index.ts';
import { storageSettingsSchema } from '../recording/index.ts';

/** A camera as `POST /api/cameras` takes it. Its name is its key when left out; its password may stand in a file of its own. */
const cameraSchema = v.strictObject({
  ...newCameraSchema.entries,
  name: v.optional(newCameraSchema.entries.name),
  passwordFile: v.optional(
    v.pipe(
      v.string('Write the path of a file with the password.'),
      v.minLength(1, 'Write the path of a file with the password.'),
      v.maxLength(4096, 'Use a shorter path.'),
      v.check(path => !path.includes('\0'), 'Leave control characters out.'),
    ),
  ),
});
export type CameraInput = v.InferOutput<typeof cameraSchema>;

export const MAX_KEY_CHARS = 64;
/** Keys of cameras: they stand in messages, and one day in addresses. */
export const KEY_PATTERN = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** The schema of a file with these keys of cameras; undefined = without a section of cameras. */
export function fileSchema(keys: readonly string[] | undefined) {
  const cameras = v.strictObject(Object.fromEntries((keys ?? []).map(key => [key, cameraSchema])));
  return v.strictObject({
    cameras: v.optional(cameras),
    settings: v.optional(v.strictObject({ storage: v.optional(storageSettingsSchema) })),
  });
}
