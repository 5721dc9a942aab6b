// Where go2rtc sends what somebody says: the camera's own address, on a connection beside that of recording.

/** As its owner wrote it, with the login in clear. */
export interface CameraAddress {
  /** Without login. */
  url: string;
  /** Empty = none, as is the password. */
  username: string;
  password: string;
}

/**
 * For the setting of a source in go2rtc; undefined for what is no RTSP, or has characters that mean something else to go2rtc. Without its
 * `#` a source has the speaker on by itself, and with any it is off.
 */
export function talkSource({ url, username, password }: CameraAddress): string | undefined {
  const [, scheme, rest] = /^(rtsps?):\/\/([^\s#{}$@]+)$/i.exec(url) ?? [];
  if (scheme === undefined) return undefined;
  const login = username === '' ? '' : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  return `${scheme.toLowerCase()}://${login}${rest}#media=audio#backchannel=1`;
}
