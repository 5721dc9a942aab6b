// Where go2rtc sends what somebody says: the camera's own address, on a connection beside that of recording.
import type { CameraAddress } from '../cameras/index.ts';

/**
 * For the setting of a source in go2rtc; undefined for what is no RTSP, or has characters that mean something else to go2rtc. Without its
 * `#` a source has the speaker on by itself, and with any it is off.
 */
export function talkSource({ url, username, password }: Omit<CameraAddress, 'ours'>): string | undefined {
  const [, scheme, authority, rest = ''] = /^(rtsp[sx]?):\/\/([^\s#{}$@/?]+)([/?][^\s#{}$@]*)?$/i.exec(url) ?? [];
  if (scheme === undefined || authority === undefined) return undefined;
  // Behind an address in brackets go2rtc finds no port by itself.
  const place = authority.endsWith(']') ? `${authority}:554` : authority;
  const login = username === '' ? '' : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  return `${scheme.toLowerCase()}://${login}${place}${rest}#media=audio#backchannel=1`;
}
