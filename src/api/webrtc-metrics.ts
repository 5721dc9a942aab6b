// The figures of WebRTC for Prometheus.
import type { PeerFigures } from '../webrtc/index.ts';
import { counter, type Family, gauge, single } from './prometheus.ts';

export function webrtcFamilies({ viewers, talkers, begun, failed, ended }: PeerFigures): Family[] {
  return [
    gauge('webrtc_sessions', 'Browsers that are served over WebRTC.', [
      { value: viewers, labels: { kind: 'view' } },
      { value: talkers, labels: { kind: 'talk' } },
    ]),
    counter('webrtc_begun', 'Sessions that browsers began over WebRTC.', [
      { value: begun.view, labels: { kind: 'view' } },
      { value: begun.talk, labels: { kind: 'talk' } },
    ]),
    counter('webrtc_failed', 'Good offers of browsers that got no answer.', single(failed)),
    counter(
      'webrtc_ended',
      'Sessions that have ended, by their reason.',
      [...ended].map(([reason, value]) => ({ value, labels: { reason } })),
    ),
  ];
}
