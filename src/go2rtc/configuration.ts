// The file that go2rtc is started with: what it may do, where it listens, who may ask it.
import { addressKind } from '../core/index.ts';

export interface Configuration {
  /** Where its API listens, and nowhere else. */
  socketPath: string;
  /** Of its API, made anew for each start. */
  username: string;
  password: string;
  /** On 127.0.0.1. */
  rtspPort: number;
  /** Absent = no WebRTC. */
  webrtc?: { port: number; addresses: readonly string[] };
}

/** Without what runs programs (exec, ffmpeg, echo, expr), what leaves the network (ngrok, webtorrent) and what others would reach. */
const MODULES = ['api', 'rtsp', 'http', 'onvif', 'rtmp', 'mp4', 'mjpeg'];

/** Protocols of cameras that are only clients, and take nothing but an address. */
const CAMERA_MODULES = ['bubble', 'dvrip', 'gopro', 'isapi', 'kasa', 'multitrans', 'tapo'];

/** Of sources that go2rtc is able to open with these modules. */
export const SOURCE_SCHEMES: readonly string[] = [
  ...['rtsp', 'rtsps', 'rtspx', 'http', 'https', 'httpx', 'tcp', 'onvif', 'rtmp', 'rtmps', 'rtmpx'],
  ...['bubble', 'dvrip', 'gopro', 'isapi', 'kasa', 'multitrans', 'tapo'],
];

/** What the API answers; each other path is a 404. */
const PATHS = ['/api/streams', '/api/webrtc', '/api/frame.mp4', '/api/frame.jpeg'];

/**
 * YAML, written as JSON, which is a part of it: a key that stood there twice would make go2rtc ignore all of the file and listen
 * everywhere.
 */
export function configurationText({ socketPath, username, password, rtspPort, webrtc }: Configuration): string {
  const text = JSON.stringify(
    {
      app: { modules: [...MODULES, ...CAMERA_MODULES, ...(webrtc ? ['webrtc'] : [])] },
      log: { format: 'json', level: 'info', output: 'stderr', time: 'UNIXMS' },
      api: { listen: '', unix_listen: socketPath, username, password, local_auth: true, allow_paths: PATHS },
      rtsp: { listen: `127.0.0.1:${rtspPort}`, default_query: 'video&audio' },
      rtmp: { listen: '' },
      ...(webrtc && { webrtc: webrtcSection(webrtc) }),
    },
    undefined,
    2,
  );
  // go2rtc puts its environment in the place of ${...}, wherever it stands.
  return `${text.replaceAll('$', '\\u0024')}\n`;
}

/** One port; no STUN, so that nobody elsewhere hears of viewers. */
function webrtcSection({ port, addresses }: NonNullable<Configuration['webrtc']>) {
  const [only] = addresses;
  const isLoopback = addresses.some(address => addressKind(address) === 'loopback');
  const hasV6 = addresses.some(address => address.includes(':'));
  return {
    // Given one address it listens there only; else on all, and tells viewers of those that are named.
    listen: addresses.length === 1 && only !== undefined ? `${hasV6 ? `[${only}]` : only}:${port}` : `:${port}`,
    candidates: [],
    ice_servers: [],
    filters: {
      networks: hasV6 ? ['udp4', 'udp6', 'tcp4', 'tcp6'] : ['udp4', 'tcp4'],
      ...(addresses.length > 0 && { ips: addresses }),
      ...(isLoopback && { loopback: true }),
    },
  };
}
