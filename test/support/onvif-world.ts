// A camera as homes have them: two RTSP streams, and ONVIF that says where they are, behind one login.
import { Camera } from './camera.ts';
import { CLIPS, clipFile } from './clips.ts';
import { type OnvifServer, startOnvifServer } from './onvif-server.ts';
import type { OnvifQuirks } from './onvif-simulator.ts';

export const CAMERA_LOGIN = { username: 'admin', password: 'secret & more' };

export interface OnvifWorld {
  main: Camera;
  sub: Camera;
  onvif: OnvifServer;
  /** For `onvif.address`. */
  address: string;
  stop(): Promise<void>;
}

export async function startOnvifWorld(quirks: Partial<OnvifQuirks> = {}): Promise<OnvifWorld> {
  const play = async (clip: Parameters<typeof clipFile>[0]) =>
    Camera.start({ clips: [await clipFile(clip)], login: { ...CAMERA_LOGIN, scheme: 'digest' } });
  const [main, sub] = [await play(CLIPS.full), await play(CLIPS.small)];
  // The simulator's own addresses have a port that nothing listens on.
  const placed = (body: string) =>
    body.replace(/rtsp:\/\/[^<]*\/main[^<]*/, main.url).replace(/rtsp:\/\/[^<]*\/sub[^<]*/, sub.url);
  const onvif = await startOnvifServer({ ...CAMERA_LOGIN, mangle: placed, ...quirks });
  return {
    ...{ main, sub, onvif, address: `127.0.0.1:${onvif.port}` },
    stop: async () => {
      await Promise.all([main.stop(), sub.stop(), onvif.close()]);
    },
  };
}
