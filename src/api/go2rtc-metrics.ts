// The figures of go2rtc for Prometheus.
import { counter, type Family, gauge, single } from './prometheus.ts';
import type { ApiServices } from './services.ts';

export function go2rtcFamilies({ go2rtc }: Pick<ApiServices, 'go2rtc'>): Family[] {
  const { name, restarts, webrtc, rssBytes, fds, cpu01, streams } = go2rtc.state();
  return [
    gauge('go2rtc_up', '1 while go2rtc serves.', single(name === 'ready' ? 1 : 0)),
    gauge('go2rtc_webrtc_up', '1 while it serves browsers.', single(webrtc ? 1 : 0)),
    counter('go2rtc_restarts', 'Its starts after failures.', single(restarts)),
    gauge('go2rtc_memory_resident_bytes', 'Its pages in memory.', single(rssBytes)),
    gauge('go2rtc_open_files', 'Files and sockets that it has open.', single(fds)),
    gauge('go2rtc_cpu_ratio', 'Of one core, over the last seconds.', single(cpu01)),
    gauge('go2rtc_streams', 'Streams that are wanted of it.', single(streams.length)),
    gauge(
      'go2rtc_streams_unusable',
      'Those among them that cannot be had.',
      single(streams.filter(({ usable }) => !usable).length),
    ),
  ];
}
