// Where go2rtc sends what somebody says: the camera's own address, on a connection beside that of recording.
import type { CameraAddress } from '../cameras/index.ts';

/**
 * For the setting of a source in go2rtc; undefined for what is no RTSP, or has characters that mean something else to go2rtc. Without its
 * `#` a source has the speaker on by itself, and with any it is off.
 */
export function talkSource(address: Omit<CameraAddress, 'ours'>): string | undefined {
  return sourceOf(address, 'media=audio#backchannel=1');
}

/** The same for its pictures: no restream is there to ask. */
export function pictureSource(address: Omit<CameraAddress, 'ours'>): string | undefined {
  return sourceOf(address, 'backchannel=0');
}

function sourceOf({ url, username, password }: Omit<CameraAddress, 'ours'>, rules: string): string | undefined {
  const [, scheme, rest] = /^(rtsps?):\/\/([^\s#{}$@]+)$/i.exec(url) ?? [];
  if (scheme === undefined) return undefined;
  const login = username === '' ? '' : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  return `${scheme.toLowerCase()}://${login}${rest}#${rules}`;
}
