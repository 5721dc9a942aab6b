// Puts the parts of `webrtc` together.
import { networkInterfaces } from 'node:os';
import type { Cameras } from '../cameras/index.ts';
import type { CameraId, Clock, EventBus, Logger, StreamName } from '../core/index.ts';
import type { Go2rtc } from '../go2rtc/index.ts';
import type { Restream } from '../restream/index.ts';
import { WebRtc } from './gateway.ts';
import type { ViewSource } from './peer.ts';
import { noPictures } from './refusals.ts';
import { Speakers } from './speakers.ts';

export interface WebRtcParts {
  go2rtc: Go2rtc;
  cameras: Pick<Cameras, 'list' | 'get' | 'need' | 'address'>;
  /** Where it gets the pictures. */
  restream: Pick<Restream, 'view'>;
  settings: { get(section: string): unknown; put(section: string, value: unknown): Promise<void> };
  bus: EventBus;
  clock: Clock;
  log: Logger;
  allowLoopback: boolean;
  userAgent: string;
}

export function makeWebRtc(parts: WebRtcParts): WebRtc {
  const { go2rtc, cameras, restream, settings, bus, clock, log, allowLoopback, userAgent } = parts;
  const address = (camera: CameraId) => cameras.address(camera);
  const speakers = new Speakers({ address, settings, bus, clock, log, allowLoopback, userAgent });
  const view = async (camera: CameraId, stream: StreamName): Promise<ViewSource> => {
    const source = restream.view(camera, stream);
    if (!source) throw noPictures();
    return source;
  };
  return new WebRtc({ go2rtc, cameras, speakers, view, interfaces: networkInterfaces, bus, clock, log });
}
