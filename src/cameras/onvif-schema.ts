// What may be written into a camera about ONVIF, and what may come back from the store.
import * as v from 'valibot';
import { ONVIF_EVENT_KINDS } from '../onvif/index.ts';
import type { OnvifKind } from './onvif-settings.ts';

const PRINTABLE = /^[^\p{Cc}\u2028\u2029]*$/u;
const KINDS = ONVIF_EVENT_KINDS.filter((kind): kind is OnvifKind => kind !== 'other');
const KINDS_CURE = `List some of ${KINDS.join(', ')}; null = all.`;

const text = (cure: string, most: number) =>
  v.pipe(
    v.string(cure),
    v.maxLength(most, `Use at most ${most} characters.`),
    v.regex(PRINTABLE, 'Leave control characters out.'),
  );
const flag = v.boolean('Use true or false.');
const address = v.pipe(
  text('Write the address of the camera, as in 192.168.1.40 or http://192.168.1.40:8000/onvif/device_service.', 512),
  v.trim(),
  v.minLength(1, 'Write the address of the camera.'),
);
const kinds = v.pipe(
  v.array(v.picklist(KINDS, KINDS_CURE), KINDS_CURE),
  v.maxLength(KINDS.length, KINDS_CURE),
  v.transform(list => KINDS.filter(kind => list.includes(kind))),
);
const videoSource = v.pipe(text('Write the token of a video source, or null for any.', 256), v.minLength(1));
const username = text('Write the user name, or null for that of the camera.', 256);
const password = text('Write the password, or null for none.', 256);

const fields = {
  events: v.optional(flag),
  kinds: v.optional(v.nullable(kinds)),
  videoSource: v.optional(v.nullable(videoSource)),
  checkCertificate: v.optional(flag),
  allowBasic: v.optional(flag),
  username: v.optional(v.nullable(username)),
  password: v.optional(v.nullable(password)),
  /** As it was told; of no effect. */
  hasPassword: v.optional(flag),
};
/** Of a camera that has no such settings yet. */
export const newOnvifSchema = v.strictObject({ address, ...fields });
export const onvifPatchSchema = v.strictObject({ address: v.optional(address), ...fields });
export type OnvifPatch = v.InferOutput<typeof onvifPatchSchema>;

/** How a camera is tried that is not added yet. */
export const onvifProbeSchema = v.strictObject({
  address,
  videoSource: v.optional(v.nullable(videoSource)),
  checkCertificate: v.optional(flag),
  allowBasic: v.optional(flag),
});

export const storedOnvifSchema = v.strictObject({
  address,
  events: flag,
  kinds: v.optional(kinds),
  videoSource: v.optional(videoSource),
  checkCertificate: flag,
  allowBasic: flag,
  username: v.optional(username),
  sealedPassword: v.optional(v.pipe(v.string(), v.maxLength(2048))),
});

const told = v.pipe(v.string(), v.maxLength(512));
const count = v.pipe(v.number(), v.minValue(-1e15), v.maxValue(1e15));
const profile = v.strictObject({
  token: told,
  name: told,
  videoSource: v.optional(told),
  codec: v.optional(v.picklist(['h264', 'h265', 'mjpeg', 'mpeg4', 'other'])),
  width: v.optional(count),
  height: v.optional(count),
  fps: v.optional(count),
  bitrateKbps: v.optional(count),
  audio: v.optional(told),
  ptz: v.boolean(),
});
const information = v.strictObject({
  manufacturer: v.optional(told),
  model: v.optional(told),
  firmware: v.optional(told),
  serial: v.optional(told),
});
/** What a camera was found to be. It is asked anew anyway: what cannot be read is none. */
export const storedCapabilitiesSchema = v.fallback(
  v.optional(
    v.strictObject({
      information,
      clockOffsetMs: count,
      media: v.optional(v.picklist(['media', 'media2'])),
      profiles: v.pipe(v.array(profile), v.maxLength(128)),
      events: v.boolean(),
      eventKinds: v.pipe(v.array(v.picklist(KINDS)), v.maxLength(KINDS.length)),
      ptz: v.nullable(
        v.strictObject({
          ...{ continuous: v.boolean(), absolute: v.boolean(), relative: v.boolean() },
          ...{ zoom: v.boolean(), presets: count, home: v.boolean() },
        }),
      ),
      relays: v.pipe(v.array(v.strictObject({ token: told, mode: v.optional(told) })), v.maxLength(64)),
      dayNight: v.boolean(),
    }),
  ),
  undefined,
);
