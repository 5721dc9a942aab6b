// A camera as somebody sees it: addresses of some cameras hold a password behind their `?`, which is nobody's business but the admin's.
import type { Caller } from '../accounts/index.ts';
import type { Camera } from '../cameras/index.ts';
import { redactText } from '../core/index.ts';

/** For all but admins without user name, and without what looks like a password in its addresses. */
export function seenCamera(camera: Camera, { role }: Caller): Camera {
  if (role === 'admin') return camera;
  const { username: _, main, sub, onvif, ...rest } = camera;
  return {
    ...rest,
    main: redactedStream(main),
    ...(sub && { sub: redactedStream(sub) }),
    ...(onvif && { onvif: withoutUser(onvif) }),
  };
}

function withoutUser({ username: _, address, ...rest }: NonNullable<Camera['onvif']>): NonNullable<Camera['onvif']> {
  return { address: redactText(address), ...rest };
}

/** Without what looks like a password. */
export function redactedStream({ url, fallbackUrls, ...rest }: Camera['main']): Camera['main'] {
  return { url: redactText(url), ...rest, ...(fallbackUrls && { fallbackUrls: fallbackUrls.map(redactText) }) };
}
