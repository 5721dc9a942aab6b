// The figures of events and webhooks for Prometheus.
import { counter, type Family, gauge, type Sample, single } from './prometheus.ts';
import type { ApiServices } from './services.ts';

export function eventFamilies({ events, webhooks }: Pick<ApiServices, 'events' | 'webhooks'>): Family[] {
  const { ongoing, triggers, opened, droppedStarts, pictures } = events.figures();
  const { queuedBytes, sent, failed, dropped } = webhooks.figures();
  return [
    gauge('events_ongoing', 'Events that go on.', single(ongoing)),
    counter(
      'camera_triggers',
      'Triggers by their source, those that other cameras passed on left out.',
      triggers.map(({ camera, source, count }) => ({ value: count, labels: { camera, source } })),
    ),
    counter(
      'camera_events',
      'Events that began since the start.',
      opened.map(({ camera, count }) => ({ value: count, labels: { camera } })),
    ),
    counter(
      'trigger_starts_dropped',
      'Starts given up because too many waited for their stops.',
      single(droppedStarts),
    ),
    gauge('event_pictures_waiting', 'Events that wait for their picture.', single(pictures.waiting)),
    counter('event_pictures', 'Pictures of events.', byResult({ made: pictures.made, failed: pictures.failed })),
    gauge('webhook_queue_bytes', 'Messages that wait or are under way.', single(queuedBytes)),
    counter('webhook_messages', 'Messages that are done with.', byResult({ sent, failed, dropped })),
  ];
}

function byResult(counts: Record<string, number>): Sample[] {
  return Object.entries(counts).map(([result, value]) => ({ value, labels: { result } }));
}
