// What WebRTC needs around it in tests: offers as browsers write them, a go2rtc that answers them, a camera, and addresses of a machine.
import type { Camera } from '../../src/cameras/index.ts';
import { EventBus, type PeerEnd } from '../../src/core/index.ts';
import { type PeerServer, type Visit, WebRtc } from '../../src/webrtc/index.ts';
import { FakeClock } from './fake-clock.ts';
import { type FakeLog, fakeLog } from './fake-log.ts';

const UFRAG = 'aB3+';
const PASSWORD = 'aaaaaaaaaaaaaaaaaaaaaa/+';
const FINGERPRINT = `sha-256 ${Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0').toUpperCase()).join(':')}`;

export interface OfferShape {
  video?: { direction?: string; codecs?: string[]; mid?: string } | null;
  audio?: { direction?: string; codecs?: string[]; mid?: string } | null;
  /** Lines for every part. */
  more?: string[];
  /** In place of parts of the whole. */
  replace?: [string | RegExp, string][];
}

const RTPMAPS: Readonly<Record<string, string>> = {
  vp8: 'VP8/90000',
  h264: 'H264/90000',
  h265: 'H265/90000',
  opus: 'opus/48000/2',
  pcmu: 'PCMU/8000',
  pcma: 'PCMA/8000',
  red: 'red/48000/2',
};
const TYPES: Readonly<Record<string, number>> = { vp8: 96, h264: 102, h265: 116, opus: 111, pcmu: 0, pcma: 8, red: 63 };

/** As Chromium writes it, candidates and addresses of its machine included. */
export function offer({ video = {}, audio = {}, more = [], replace = [] }: OfferShape = {}): string {
  const part = (kind: string, codecs: string[], direction: string, mid: string) => [
    `m=${kind} 54321 UDP/TLS/RTP/SAVPF ${codecs.map(name => TYPES[name]).join(' ')}`,
    'c=IN IP4 192.168.77.5',
    'a=rtcp:9 IN IP4 0.0.0.0',
    'a=candidate:1 1 udp 2113937151 2f1c7d2e-0b1d-4b5e-9a57-3f6f4a4a4a4a.local 54321 typ host generation 0',
    'a=candidate:2 1 udp 1677729535 203.0.113.7 54321 typ srflx raddr 192.168.77.5 rport 54321',
    'a=end-of-candidates',
    `a=ice-ufrag:${UFRAG}`,
    `a=ice-pwd:${PASSWORD}`,
    'a=ice-options:trickle',
    `a=fingerprint:${FINGERPRINT}`,
    'a=setup:actpass',
    `a=mid:${mid}`,
    'a=extmap:1 urn:ietf:params:rtp-hdrext:toffset',
    'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
    `a=${direction}`,
    'a=rtcp-mux',
    'a=rtcp-rsize',
    ...codecs.flatMap(name => [`a=rtpmap:${TYPES[name]} ${RTPMAPS[name]}`, `a=rtcp-fb:${TYPES[name]} transport-cc`]),
    ...(codecs.includes('h264')
      ? ['a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f']
      : []),
    ...(direction.startsWith('send') ? ['a=ssrc:3735928559 cname:Zq0', 'a=ssrc:3735928559 msid:- b2c1'] : []),
    ...more,
  ];
  const parts = [
    ...(video
      ? part('video', video.codecs ?? ['vp8', 'h264', 'h265'], video.direction ?? 'recvonly', video.mid ?? '0')
      : []),
    ...(audio
      ? part('audio', audio.codecs ?? ['opus', 'red', 'pcmu', 'pcma'], audio.direction ?? 'recvonly', audio.mid ?? '1')
      : []),
  ];
  const lines = [
    ...['v=0', 'o=- 4611731400430051336 2 IN IP4 192.168.77.5', 's=-', 't=0 0', 'a=group:BUNDLE 0 1'],
    ...['a=extmap-allow-mixed', 'a=msid-semantic: WMS', ...parts],
  ];
  return replace.reduce((text, [from, to]) => text.replace(from, to), `${lines.join('\r\n')}\r\n`);
}

export function talkOffer(shape: OfferShape = {}): string {
  return offer({ ...shape, video: shape.video ?? null, audio: { direction: 'sendonly', ...shape.audio } });
}

/** As go2rtc answers what it is given. `keep`: which kinds it has tracks for. */
export function answerTo(text: string, keep: readonly string[] = ['video', 'audio']): string {
  const parts = text.split(/\r\n(?=m=)/).slice(1);
  const answered = parts.map((part, index) => {
    const lines = part.split('\r\n').filter(line => line !== '');
    const [, kind = '', types = ''] = /^m=(\w+) \d+ \S+ (.*)$/.exec(lines[0] ?? '') ?? [];
    const wanted = lines.find(line => /^a=(sendonly|recvonly|inactive)$/.test(line));
    const given = wanted === 'a=recvonly' ? 'sendonly' : wanted === 'a=sendonly' ? 'recvonly' : 'inactive';
    return [
      `m=${kind} 9 UDP/TLS/RTP/SAVPF ${types}`,
      'c=IN IP4 0.0.0.0',
      'a=setup:active',
      ...lines.filter(line => line.startsWith('a=mid:')),
      'a=ice-ufrag:PionUfrag',
      'a=ice-pwd:PionPasswordPionPasswordPionPas',
      'a=rtcp-mux',
      'a=rtcp-rsize',
      ...lines.filter(line => /^a=(rtpmap|fmtp|rtcp-fb):/.test(line)),
      `a=ssrc:${1000 + index} cname:go2rtc/${kind}`,
      `a=ssrc:${1000 + index} msid:go2rtc go2rtc/${kind}`,
      `a=msid:go2rtc go2rtc/${kind}`,
      `a=${keep.includes(kind) ? given : 'inactive'}`,
      ...(index === 0
        ? [
            'a=candidate:3628985204 1 udp 2130706431 172.17.0.1 8555 typ host',
            'a=candidate:3628985205 1 tcp 1671430143 fd00::9 8555 typ host tcptype passive',
            'a=end-of-candidates',
          ]
        : []),
    ].join('\r\n');
  });
  const head = ['v=0', 'o=- 123 456 IN IP4 10.9.8.7', 's=-', 't=0 0', `a=fingerprint:${FINGERPRINT}`];
  return `${[...head, 'a=group:BUNDLE 0 1', ...answered].join('\r\n')}\r\n`;
}

/** A go2rtc that does what it is told. */
export class FakeGo2rtc implements PeerServer {
  name: ReturnType<PeerServer['state']>['name'] = 'ready';
  /** Streams that are claimed, with their sources. */
  readonly claimed = new Map<string, string>();
  readonly consumers = new Map<string, number>();
  readonly offers: string[] = [];
  reply: (offer: string) => Promise<string> = async text => answerTo(text);
  #listeners = new Set<() => void>();

  webrtc = true;
  pid: number | undefined = 100;
  listens = { port: 8555, addresses: [] as string[] };

  state() {
    const { name, webrtc, pid } = this;
    return { name, webrtc, ...(pid !== undefined && { pid }) };
  }

  settings() {
    return { webrtc: this.listens };
  }

  takers(name: string): number {
    return this.consumers.get(name) ?? 0;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  become(name: FakeGo2rtc['name'], pid: number | undefined = name === 'ready' ? 100 : undefined): void {
    Object.assign(this, { name, pid });
    for (const listener of this.#listeners) listener();
  }

  claim(name: string, source: string) {
    this.claimed.set(name, source);
    return { release: () => void this.claimed.delete(name) };
  }

  rechecks = 0;

  recheck(): void {
    this.rechecks++;
  }

  async answer(name: string, text: string): Promise<string> {
    this.offers.push(text);
    const answer = await this.reply(text);
    this.consumers.set(name, (this.consumers.get(name) ?? 0) + 1);
    return answer;
  }
}

export const INTERFACES = {
  lo: [{ address: '127.0.0.1', netmask: '255.0.0.0', family: 'IPv4', internal: true }],
  eth0: [
    { address: '192.168.1.10', netmask: '255.255.255.0', family: 'IPv4', internal: false },
    { address: 'fd00::10', netmask: 'ffff:ffff:ffff:ffff::', family: 'IPv6', internal: false },
  ],
  docker0: [{ address: '172.17.0.1', netmask: '255.255.0.0', family: 'IPv4', internal: false }],
};

type ShownCamera = Pick<Camera, 'enabled' | 'state' | 'sub' | 'cannot'>;

/** Camera 1 and 2, the service around them, and everything that was told. */
export class WebRtcWorld {
  readonly clock = new FakeClock();
  readonly log: FakeLog = fakeLog();
  readonly bus = new EventBus(error => {
    throw error;
  });
  readonly go2rtc = new FakeGo2rtc();
  readonly cameras = new Map<number, ShownCamera>();
  readonly addresses = new Map<number, { url: string; username: string; password: string; ours: boolean }>();
  readonly speakers = new Map<number, readonly string[]>();
  /** Streams that are needed: `1 sub`. */
  readonly needed: string[] = [];
  /** Sources of pictures that are open. */
  readonly sources = new Set<string>();
  readonly ended: [session: string, reason: PeerEnd][] = [];
  readonly talks: [camera: number, by: string | null][] = [];
  readonly able: number[] = [];
  /** Users whose login is gone. */
  readonly gone = new Set<number>();
  /** Users whose browser does not wait for an answer any more. */
  readonly closed = new Set<number>();
  readonly webrtc: WebRtc;
  #sources = 0;

  constructor() {
    for (const id of [1, 2]) {
      this.cameras.set(id, shownCamera());
      this.addresses.set(id, { url: `rtsp://10.0.0.${id}/live`, username: 'root', password: 'p#s@s', ours: false });
      this.speakers.set(id, ['pcma']);
    }
    const { clock, bus, go2rtc } = this;
    this.webrtc = new WebRtc({
      ...{ clock, bus, go2rtc, log: this.log.logger, interfaces: () => INTERFACES },
      speakers: { of: id => this.speakers.get(id), start: () => undefined, stop: () => undefined },
      cameras: {
        list: () => [...this.cameras.keys()].map(id => ({ id })),
        get: id => {
          const camera = this.cameras.get(id);
          return camera && { ...camera, cannot: this.cannot(id) };
        },
        address: id => this.addresses.get(id),
        need: (id, stream) => {
          this.needed.push(`${id} ${stream}`);
          return () => void this.needed.splice(this.needed.indexOf(`${id} ${stream}`), 1);
        },
      },
      view: async (camera, stream) => {
        const url = `rtsp://127.0.0.1:7000/ring/${camera}/${stream}?v=${++this.#sources}`;
        this.sources.add(url);
        return { url, close: () => void this.sources.delete(url) };
      },
    });
    this.webrtc.start();
    bus.on('webrtc.ended', ({ session, reason }) => this.ended.push([session, reason]));
    bus.on('talk.changed', ({ camera, by }) => this.talks.push([camera, by]));
    bus.on('camera.able', ({ camera }) => this.able.push(camera));
  }

  cannot(id: number): Camera['cannot'] {
    const { url = '', username = '' } = this.addresses.get(id) ?? {};
    return this.webrtc.abilities(id, { url, username, enabled: this.cameras.get(id)?.enabled === true });
  }

  visit(user = 1, name = 'anna', host = '192.168.1.10:8080'): Visit {
    const isStillGood = () => !this.gone.has(user);
    return { user, name, host, remoteAddress: '192.168.1.77', isStillGood, isGone: () => this.closed.has(user) };
  }
}

export function shownCamera(codec = 'h264'): ShownCamera {
  const facts = { codec, width: 640, height: 360, fps: 25, bitrateBps: 1, gopMs: 1000 };
  const link = { sinceMs: 1, problems: [], reconnects: 0, droppedBytes: 0, lastPacketMs: 1 };
  return {
    enabled: true,
    cannot: {},
    sub: { url: 'rtsp://10.0.0.1/sub', transport: 'tcp' },
    state: { name: 'live', ...link, main: facts, sub: { name: 'idle', ...link } },
  } as unknown as ShownCamera;
}
