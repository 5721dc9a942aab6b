// Media profiles of a camera in one shape, whether it speaks Media 1 or 2, and where their streams and pictures are.
import type { Target } from './address.ts';
import { OnvifError } from './problem.ts';
import type { Services } from './services.ts';
import type { SoapClient } from './soap-client.ts';
import { escapeXml, type XmlElement } from './xml.ts';
import { attribute, children, find, label, numberAt, textAt, tokenOf } from './xml-find.ts';

export type OnvifCodec = 'h264' | 'h265' | 'mjpeg' | 'mpeg4' | 'other';

export interface OnvifProfile {
  token: string;
  name: string;
  /** The sensor; a recorder has one for each channel. */
  videoSource?: string;
  codec?: OnvifCodec;
  width?: number;
  height?: number;
  fps?: number;
  bitrateKbps?: number;
  /** As the camera names the coding: `AAC`, `G711`, `PCMU`. */
  audio?: string;
  /** It can be moved over this profile. */
  ptz: boolean;
}

export interface OnvifMedia {
  profiles: OnvifProfile[];
  /** Which of the services told of them, and is asked for their addresses. */
  service: 'media' | 'media2';
}

const MAX_PROFILES = 128;

/** Media 2 first, since Media 1 cannot say H.265. */
export async function askProfiles(client: SoapClient, services: Services, signal: AbortSignal): Promise<OnvifMedia> {
  const second = services.get('media2');
  if (second) {
    try {
      const inside = '<tr2:Type>All</tr2:Type>';
      const answer = await client.call({ target: second, prefix: 'tr2', operation: 'GetProfiles', inside }, signal);
      const profiles = readProfiles(answer, readSecond);
      if (profiles.length > 0) return { profiles, service: 'media2' };
    } catch (error) {
      if (!services.has('media') || !mayBeOther(error)) throw error;
    }
  }
  const first = services.get('media');
  if (!first) throw new OnvifError('unsupported');
  const answer = await client.call({ target: first, prefix: 'trt', operation: 'GetProfiles' }, signal);
  return { profiles: readProfiles(answer, readFirst), service: 'media' };
}

function mayBeOther(error: unknown): boolean {
  return error instanceof OnvifError && error.problem !== 'unauthorized';
}

function readProfiles(answer: XmlElement, read: (profile: XmlElement) => Details): OnvifProfile[] {
  return children(answer, 'Profiles')
    .slice(0, MAX_PROFILES)
    .flatMap(profile => {
      const token = tokenOf(profile);
      if (token === undefined) return [];
      const { encoder, source, audio, ptz } = read(profile);
      const name = label(textAt(profile, 'Name')) ?? token;
      const values = {
        videoSource: label(textAt(source, 'SourceToken'), 256),
        codec: codecOf(textAt(encoder, 'Encoding')),
        width: numberAt(encoder, 'Resolution/Width'),
        height: numberAt(encoder, 'Resolution/Height'),
        fps: numberAt(encoder, 'RateControl/FrameRateLimit'),
        bitrateKbps: numberAt(encoder, 'RateControl/BitrateLimit'),
        audio: label(textAt(audio, 'Encoding'), 32),
      };
      const present = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
      return [{ token, name, ptz: ptz !== undefined, ...present }];
    });
}

interface Details {
  encoder: XmlElement | undefined;
  source: XmlElement | undefined;
  audio: XmlElement | undefined;
  ptz: XmlElement | undefined;
}

function readFirst(profile: XmlElement): Details {
  return {
    encoder: find(profile, 'VideoEncoderConfiguration'),
    source: find(profile, 'VideoSourceConfiguration'),
    audio: find(profile, 'AudioEncoderConfiguration'),
    ptz: find(profile, 'PTZConfiguration'),
  };
}

function readSecond(profile: XmlElement): Details {
  const all = find(profile, 'Configurations');
  return {
    encoder: find(all, 'VideoEncoder'),
    source: find(all, 'VideoSource'),
    audio: find(all, 'AudioEncoder'),
    ptz: find(all, 'PTZ'),
  };
}

function codecOf(text: string | undefined): OnvifCodec | undefined {
  if (text === undefined) return undefined;
  const [codec] = /h264|h265|hevc|mpeg4|jpeg/i.exec(text.replace(/[.-]/g, '')) ?? [];
  if (codec === undefined) return 'other';
  const known: Readonly<Record<string, OnvifCodec>> = { hevc: 'h265', jpeg: 'mjpeg' };
  return known[codec.toLowerCase()] ?? (codec.toLowerCase() as OnvifCodec);
}

/** RTSP address of a profile on the camera's own host, without login. */
export async function askStreamUrl(
  client: SoapClient,
  services: Services,
  { service }: OnvifMedia,
  token: string,
  signal: AbortSignal,
): Promise<string> {
  const profile = escapeXml(token);
  const answer =
    service === 'media2'
      ? await client.call(
          {
            ...{ target: targetOf(services, service), prefix: 'tr2', operation: 'GetStreamUri' },
            inside: `<tr2:Protocol>RTSP</tr2:Protocol><tr2:ProfileToken>${profile}</tr2:ProfileToken>`,
          },
          signal,
        )
      : await client.call(
          {
            ...{ target: targetOf(services, service), prefix: 'trt', operation: 'GetStreamUri' },
            inside: `<trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport></trt:StreamSetup><trt:ProfileToken>${profile}</trt:ProfileToken>`,
          },
          signal,
        );
  const url = client.addresses.streamUrl(uriOf(answer));
  if (url === undefined) throw new OnvifError('bad-answer');
  return url;
}

/** HTTP address of a JPEG on the camera's own host; undefined when it has none. */
export async function askSnapshotUrl(
  client: SoapClient,
  services: Services,
  { service }: OnvifMedia,
  token: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const prefix = service === 'media2' ? 'tr2' : 'trt';
  const inside = `<${prefix}:ProfileToken>${escapeXml(token)}</${prefix}:ProfileToken>`;
  const target = targetOf(services, service);
  try {
    const answer = await client.call({ target, prefix, operation: 'GetSnapshotUri', inside }, signal);
    return client.addresses.pictureUrl(uriOf(answer));
  } catch (error) {
    if (error instanceof OnvifError && (error.problem === 'unsupported' || error.problem === 'fault')) return undefined;
    throw error;
  }
}

/** Media 2 gives the address itself, Media 1 wraps it. */
function uriOf(answer: XmlElement): string | undefined {
  return textAt(answer, 'Uri') ?? textAt(answer, 'MediaUri/Uri');
}

function targetOf(services: Services, service: 'media' | 'media2'): Target {
  const target = services.get(service);
  if (!target) throw new OnvifError('unsupported');
  return target;
}

/** The best picture for recording and a small one beside it, of the sensor that comes first, unless another is named. */
export function chooseProfiles(
  profiles: readonly OnvifProfile[],
  videoSource?: string,
): { main: OnvifProfile | undefined; sub: OnvifProfile | undefined } {
  const source = videoSource ?? profiles[0]?.videoSource;
  const usable = profiles.filter(
    ({ codec, videoSource: own }) => own === source && (codec === 'h264' || codec === 'h265' || codec === undefined),
  );
  const area = ({ width = 0, height = 0 }: OnvifProfile) => width * height;
  const main = usable.reduce<OnvifProfile | undefined>(
    (best, one) => (best === undefined || area(one) > area(best) ? one : best),
    undefined,
  );
  const smaller = usable.filter(one => main !== undefined && one !== main && area(one) < area(main));
  const sub = smaller.reduce<OnvifProfile | undefined>(
    (best, one) => (best === undefined || area(one) < area(best) ? one : best),
    undefined,
  );
  return { main, sub };
}

/** The token of the first sensor, for imaging. */
export function firstVideoSource(profiles: readonly OnvifProfile[]): string | undefined {
  return profiles.find(one => one.videoSource !== undefined)?.videoSource;
}

/** For answers that carry a list of elements with tokens. */
export function tokensOf(answer: XmlElement, name: string): string[] {
  return children(answer, name)
    .slice(0, MAX_PROFILES)
    .flatMap(one => tokenOf(one) ?? attribute(one, 'Token') ?? []);
}
