// All that is asked of a camera once: what it is, what it can do, and where its streams are.

import type { Target } from './address.ts';
import type { OnvifEventKind } from './event-kind.ts';
import { askEventKinds } from './event-topics.ts';
import { askDayNight } from './imaging.ts';
import {
  askProfiles,
  askSnapshotUrl,
  askStreamUrl,
  chooseProfiles,
  firstVideoSource,
  type OnvifMedia,
  type OnvifProfile,
} from './media.ts';
import { OnvifError } from './problem.ts';
import { askPtzAbilities, type PtzAbilities } from './ptz.ts';
import { askRelays, isAbsent, type Relay } from './relay.ts';
import { askInformation, askServices, type DeviceInformation, type Services } from './services.ts';
import type { SoapClient } from './soap-client.ts';

/** A plain value: stored beside the camera and shown. */
export interface OnvifCapabilities {
  information: DeviceInformation;
  /** The camera's clock minus ours. */
  clockOffsetMs: number;
  /** Which media service it has; absent = none. */
  media?: 'media' | 'media2';
  profiles: OnvifProfile[];
  /** It can be asked for messages. */
  events: boolean;
  /** What they can tell, as far as it says so beforehand. */
  eventKinds: Exclude<OnvifEventKind, 'other'>[];
  /** Null = it cannot be moved. */
  ptz: PtzAbilities | null;
  relays: Relay[];
  dayNight: boolean;
}

/** What is needed to go on asking. */
export interface DescribedDevice {
  capabilities: OnvifCapabilities;
  services: Services;
  media: OnvifMedia | undefined;
  /** The service that switches relays. */
  relayTarget: Target;
}

/** Rejects with OnvifError when the camera cannot be reached or does not take the login; what it lacks is no failure. */
export async function describe(client: SoapClient, signal: AbortSignal): Promise<DescribedDevice> {
  await client.syncClock(signal);
  const services = await askServices(client, signal);
  // The first that needs a login everywhere: says whether it is right before much is asked.
  const information = await askInformation(client, signal);
  const media = await orElse(undefined, () => askProfiles(client, services, signal));
  const profiles = media?.profiles ?? [];
  const ptzService = services.get('ptz');
  const imaging = services.get('imaging');
  const source = firstVideoSource(profiles);
  const canMove = ptzService !== undefined && profiles.some(one => one.ptz);
  const ptz = canMove ? await orElse(null, () => askPtzAbilities(client, ptzService, signal)) : null;
  const dayNight =
    imaging && source !== undefined
      ? await orElse(undefined, () => askDayNight(client, imaging, source, signal))
      : undefined;
  const events = services.get('events');
  const { relays, target: relayTarget } = await askRelays(client, services, signal);
  return {
    services,
    media,
    relayTarget,
    capabilities: {
      information,
      clockOffsetMs: client.offsetMs ?? 0,
      ...(media ? { media: media.service } : {}),
      profiles,
      events: events !== undefined,
      eventKinds: events ? await orElse([], () => askEventKinds(client, events, signal)) : [],
      ptz,
      relays,
      dayNight: dayNight !== undefined,
    },
  };
}

async function orElse<T>(absent: T, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof OnvifError && isAbsent(error)) return absent;
    throw error;
  }
}

/** Streams for a camera that is being added. */
export interface OnvifStreams {
  main?: { profile: OnvifProfile; url: string };
  sub?: { profile: OnvifProfile; url: string };
  /** On the camera, needs its login. */
  snapshotUrl?: string;
}

/** Addresses on the camera's own host, without login. `videoSource`: one channel of a recorder. */
export async function askStreams(
  client: SoapClient,
  { services, media }: DescribedDevice,
  signal: AbortSignal,
  videoSource?: string,
): Promise<OnvifStreams> {
  if (!media) return {};
  const { main, sub } = chooseProfiles(media.profiles, videoSource);
  const streams: OnvifStreams = {};
  const url = ({ token }: OnvifProfile) => askStreamUrl(client, services, media, token, signal);
  if (main) streams.main = { profile: main, url: await url(main) };
  if (sub) streams.sub = { profile: sub, url: await url(sub) };
  const snapshotUrl = main && (await askSnapshotUrl(client, services, media, main.token, signal));
  if (snapshotUrl !== undefined) streams.snapshotUrl = snapshotUrl;
  return streams;
}
