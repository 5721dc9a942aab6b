// go2rtc over HTTP: how it goes, and its installation.
import type { Go2rtcInfo } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { ApiServices } from './services.ts';

export function go2rtcRoutes({ go2rtc }: ApiServices) {
  const info = (): Go2rtcInfo => {
    const { offered } = go2rtc.installer;
    return { state: go2rtc.state(), install: go2rtc.installer.state, ...(offered && { offered }) };
  };
  return [
    route('GET', '/api/go2rtc', {
      identity: 'admin',
      summary: 'How go2rtc goes: the program that reaches cameras without plain RTSP, and browsers without delay.',
      handle: () => jsonReply(200, info()),
    }),
    route('POST', '/api/go2rtc/install', {
      identity: 'admin',
      summary: 'Begins to download and check go2rtc, and to put it in its place.',
      audit: 'change',
      rate: 'heavy',
      handle: () => {
        go2rtc.installer.begin();
        return jsonReply(202, info());
      },
    }),
  ];
}
