// Addresses of cameras as go2rtc is to get them: which it understands, with the login in them and the options behind them.
import type { Transport } from './camera.ts';
import type { NoRoute } from './hub.ts';

/** A source but for the address behind the name of its host. */
export interface Go2rtcSource {
  /** A name, or an address in digits, IPv6 without brackets. */
  host: string;
  /** A name may be replaced by the address that it stands for; false where a certificate is compared with it. */
  replaceable: boolean;
  /** The whole source, with another host if one is given. Holds the login: not to be shown or logged. */
  write(host?: string): string;
}

interface Login {
  username: string;
  password: string;
}

/** By scheme: the port where go2rtc itself finds none behind an address in brackets, and whether certificates are compared. */
const SCHEMES: Readonly<Record<string, { port?: number; tls?: true }>> = {
  rtsp: { port: 554 },
  rtsps: { port: 554, tls: true },
  rtspx: { port: 554 },
  http: {},
  https: { tls: true },
  httpx: {},
  rtmp: { port: 1935 },
  rtmps: { port: 443, tls: true },
  rtmpx: { port: 443 },
  onvif: {},
  dvrip: {},
  bubble: {},
};

/** Of addresses that cameras may have; the first is the one that goes without go2rtc. */
export const CAMERA_SCHEMES: readonly string[] = Object.keys(SCHEMES);

const TRANSPORTS: Readonly<Record<string, readonly Transport[]>> = {
  rtsp: ['tcp', 'udp', 'tls'],
  rtsps: ['tcp', 'tls'],
  rtspx: ['tcp', 'tls'],
  http: ['tcp', 'http'],
  https: ['tcp', 'http', 'tls'],
  httpx: ['tcp', 'http', 'tls'],
};

/** `url` without login, as it is stored. */
export function go2rtcSource(url: string, transport: Transport, login: Login): Go2rtcSource | NoRoute {
  const match = /^([a-z]+):\/\/(\[[^\]]+\]|[^:/?#[\]]+)(?::(\d+))?([/?].*)?$/is.exec(url);
  const scheme = match?.[1]?.toLowerCase() ?? '';
  const known = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  // go2rtc reads options behind #, its environment into ${}, and templates into {}.
  if (/[\s#{}$]/.test(url)) {
    return refusal(
      'url',
      'Its address holds a #, $, { or }, which go2rtc reads as its own.',
      'Write %23, %24, %7B, %7D.',
    );
  }
  if (!match || !known)
    return refusal('url', 'Its address is of no kind that go2rtc is asked for.', 'Write rtsp://host/path.');
  const fitting = TRANSPORTS[scheme] ?? ['tcp'];
  if (!fitting.includes(transport)) {
    const message = `go2rtc does not reach addresses that begin with ${scheme}:// by ${transport}.`;
    return refusal('transport', message, `Use ${fitting.join(' or ')}.`);
  }
  const [, , host = '', port, rest = ''] = match;
  const isBracketed = host.startsWith('[');
  const portOf = (isSix: boolean) => port ?? (isSix ? known.port : undefined);
  // What talks TLS on the ordinary address is a camera with a certificate of its own making.
  const written = scheme === 'rtsp' && transport === 'tls' ? 'rtspx' : scheme;
  return {
    host: isBracketed ? host.slice(1, -1) : host,
    replaceable: !known.tls,
    write: other => {
      const isSix = other === undefined ? isBracketed : other.includes(':');
      const place = other === undefined ? host : isSix ? `[${other}]` : other;
      const at = portOf(isSix);
      return `${written}://${userinfo(login)}${place}${at === undefined ? '' : `:${at}`}${rest}${options(scheme, transport)}`;
    },
  };
}

/** go2rtc opens the loudspeaker of cameras by itself unless it is told not to, and then loses the picture for a moment when somebody talks. */
function options(scheme: string, transport: Transport): string {
  if (!scheme.startsWith('rtsp') && scheme !== 'onvif') return '';
  return `#backchannel=0${transport === 'udp' ? '#transport=udp' : ''}`;
}

function userinfo({ username, password }: Login): string {
  if (username === '') return '';
  return `${encode(username)}${password === '' ? '' : `:${encode(password)}`}@`;
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function refusal(field: 'url' | 'transport', message: string, cure: string): NoRoute {
  return { able: false, field, message, cure };
}
