// The figures of live views for Prometheus.
import type { LiveFigures } from './live-feeds.ts';
import { counter, type Family, gauge, single } from './prometheus.ts';

export function liveFamilies({ viewers, feeds, queuedBytes, skipped }: LiveFigures): Family[] {
  return [
    gauge('live_viewers', 'WebSockets of live views.', single(viewers)),
    gauge('live_feeds', 'Streams that somebody watches live; with sound and without counts twice.', single(feeds)),
    gauge('live_queue_bytes', 'What waits for slow viewers.', single(queuedBytes)),
    counter('live_skipped_fragments', 'Fragments that slow viewers did not get.', single(skipped)),
  ];
}
