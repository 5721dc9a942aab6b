// Asks a camera whether it has a speaker: one DESCRIBE of RTSP on a connection of its own, as ONVIF Streaming 5.3 has it. Bounded in time and bytes.
import { lookup } from 'node:dns';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { CameraAddress } from '../cameras/index.ts';
import { addressKind, type Clock } from '../core/index.ts';
import { chooseChallenge, digestAuthorization, type Login } from '../onvif/index.ts';

export interface ProbeRules {
  allowLoopback: boolean;
  clock: Pick<Clock, 'after'>;
  userAgent: string;
}

/** Codecs of its speaker, lower case; empty = it has none. Undefined when it could not be asked. */
export type Speaker = readonly string[] | undefined;

const TIMEOUT_MS = 6000;
const MOST_BYTES = 64 * 1024;
/** Of all its kinds, as go2rtc has it. */
const RTSP_PORT = 554;
const REQUIRE = 'www.onvif.org/ver20/backchannel';
/** RFC 3551 section 6. */
const STATIC_TYPES: Readonly<Record<string, string>> = { 0: 'pcmu', 8: 'pcma' };

/** Never rejects. */
export async function askSpeaker(camera: Omit<CameraAddress, 'ours'>, rules: ProbeRules): Promise<Speaker> {
  const target = /^(rtsp[sx]?):\/\/(\[[0-9a-f:.]+\]|[^:/?#[\]]+)(?::(\d{1,5}))?([/?][^#]*)?$/i.exec(camera.url);
  if (!target) return undefined;
  const [, scheme = '', authority = '', port, path = '/'] = target;
  const secure = scheme.toLowerCase() !== 'rtsp';
  const host = authority.replace(/^\[|\]$/g, '');
  const number = Number(port ?? RTSP_PORT);
  const address = await resolve(host, rules);
  if (address === undefined) return undefined;
  const uri = `${secure ? 'rtsps' : 'rtsp'}://${authority}${port === undefined ? '' : `:${port}`}${path}`;
  const { username, password } = camera;
  const login = username === '' ? undefined : { username, password };
  const open = (): Socket =>
    secure
      ? connectTls({
          host: address,
          port: number,
          // As go2rtc: the login goes to whoever answers, so that a name has to be proved.
          rejectUnauthorized: scheme.toLowerCase() === 'rtsps' && !isIP(host),
          ...(isIP(host) ? {} : { servername: host }),
        })
      : connect({ host: address, port: number });
  return await converse(open, uri, login, rules);
}

/** One address that may be gone to. */
function resolve(host: string, { allowLoopback }: ProbeRules): Promise<string | undefined> {
  const isAllowed = (address: string) => {
    const kind = addressKind(address);
    return kind === 'ordinary' || (kind === 'loopback' && allowLoopback);
  };
  if (isIP(host)) return Promise.resolve(isAllowed(host) ? host : undefined);
  return new Promise(done => {
    lookup(host, { all: true }, (error, found) => {
      done(error ? undefined : found.map(({ address }) => address).find(isAllowed));
    });
  });
}

/** At most twice: without login, and with the one that the camera asks for. */
function converse(open: () => Socket, uri: string, login: Login | undefined, rules: ProbeRules): Promise<Speaker> {
  return new Promise(done => {
    const socket = open();
    let text = '';
    let asked = 0;
    const end = (speaker: Speaker) => {
      cancel();
      socket.destroy();
      done(speaker);
    };
    const cancel = rules.clock.after(TIMEOUT_MS, () => end(undefined));
    const ask = (authorization?: string) => {
      asked++;
      const lines = [`DESCRIBE ${uri} RTSP/1.0`, `CSeq: ${asked}`, 'Accept: application/sdp', `Require: ${REQUIRE}`];
      lines.push(`User-Agent: ${rules.userAgent}`, ...(authorization === undefined ? [] : [authorization]));
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    };
    socket.setEncoding('latin1');
    socket.once(socket instanceof Object && 'authorized' in socket ? 'secureConnect' : 'connect', () => ask());
    socket.on('error', () => end(undefined));
    socket.on('close', () => end(undefined));
    socket.on('data', (piece: string) => {
      text += piece;
      if (text.length > MOST_BYTES) return end(undefined);
      const answer = readAnswer(text);
      if (!answer) return;
      text = '';
      if (answer.status !== 401 || asked > 1 || !login) return end(verdict(answer));
      const authorization = authorize(answer.challenges, login, uri);
      if (authorization === undefined) return end(undefined);
      ask(authorization);
    });
  });
}

interface Answer {
  status: number;
  challenges: string[];
  body: string;
}

/** Undefined while some of it is missing. */
function readAnswer(text: string): Answer | undefined {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, head).split('\r\n');
  const header = (name: string) =>
    lines.filter(line => line.toLowerCase().startsWith(`${name}:`)).map(line => line.slice(name.length + 1).trim());
  const length = Number(header('content-length')[0] ?? 0);
  const body = text.slice(head + 4);
  if (!(length <= body.length)) return undefined;
  return {
    status: Number(/^RTSP\/1\.0 (\d{3})/.exec(first)?.[1] ?? 0),
    challenges: header('www-authenticate'),
    body: body.slice(0, length),
  };
}

/** Basic is what some cameras know only; the reader of recording answers it too. */
function authorize(challenges: readonly string[], login: Login, uri: string): string | undefined {
  const challenge = chooseChallenge(challenges);
  if (challenge)
    return `Authorization: ${digestAuthorization(challenge, login, { method: 'DESCRIBE', uri, count: 1 })}`;
  if (!challenges.some(one => /^basic\b/i.test(one))) return undefined;
  return `Authorization: Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
}

/** 551: it does not know what is required (RFC 2326 section 12.32); others answer 4xx and mean the same. */
function verdict({ status, body }: Answer): Speaker {
  if (status === 200) return speakerCodecs(body);
  return status === 551 || [400, 404, 406, 415, 451, 456, 461, 501].includes(status) ? [] : undefined;
}

/** What a camera takes is `sendonly` in its description: the side that reads it is meant. */
export function speakerCodecs(sdp: string): string[] {
  const parts = sdp.split(/\r?\n(?=m=)/).slice(1, 17);
  return parts.flatMap(part => {
    const lines = part.split(/\r?\n/);
    const [, formats] = /^m=audio \d+ \S+ (.*)$/.exec(lines[0] ?? '') ?? [];
    if (formats === undefined || !lines.includes('a=sendonly')) return [];
    return formats.split(' ').flatMap(type => {
      const map = lines.find(line => line.startsWith(`a=rtpmap:${type} `));
      const name = /^a=rtpmap:\d+ ([\w-]{1,32})\//.exec(map ?? '')?.[1]?.toLowerCase() ?? STATIC_TYPES[type];
      return name === undefined ? [] : [name];
    });
  });
}
