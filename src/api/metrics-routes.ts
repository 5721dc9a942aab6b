// The figures of the service for Prometheus.
import { type CameraStateName, GAP_REASONS, LOG_LEVELS, type ProcessMemory, processMemory } from '../core/index.ts';
import type { StreamStats } from '../native/index.ts';
import type { Camera } from './contract.ts';
import { eventFamilies } from './event-metrics.ts';
import { go2rtcFamilies } from './go2rtc-metrics.ts';
import type { LiveFeeds } from './live-feeds.ts';
import { liveFamilies } from './live-metrics.ts';
import { problems } from './problems.ts';
import { counter, type Family, gauge, METRICS_CONTENT_TYPE, metricsText, type Sample, single } from './prometheus.ts';
import { route } from './router.ts';
import type { ApiServices } from './services.ts';
import { type VolumeSpace, volumeSpace } from './volume-space.ts';
import { webrtcFamilies } from './webrtc-metrics.ts';

/** Answers so far by the class of their status: `2xx`. */
export type AnswerCounts = ReadonlyMap<string, number>;

export function metricsRoutes(services: ApiServices, answers: AnswerCounts, live: Pick<LiveFeeds, 'figures'>) {
  return [
    route('GET', '/api/metrics', {
      identity: 'admin',
      summary: 'The figures of the service for Prometheus.',
      media: METRICS_CONTENT_TYPE,
      handle: async () => {
        const [memory, volume] = await Promise.all([processMemory(), volumeSpace(services.facts.dataDir)]);
        const families = [
          ...serviceFamilies(services, memory, answers),
          ...storageFamilies(services, volume),
          ...cameraFamilies(services),
          ...streamFamilies(services),
          ...eventFamilies(services),
          ...go2rtcFamilies(services),
          ...liveFamilies(live.figures()),
          ...webrtcFamilies(services.webrtc.figures()),
        ];
        const body = Buffer.from(metricsText(families));
        return { status: 200, headers: { 'Content-Type': METRICS_CONTENT_TYPE }, body };
      },
    }),
  ];
}

function serviceFamilies(services: ApiServices, memory: ProcessMemory, answers: AnswerCounts): Family[] {
  const { facts, logs } = services;
  const lines = logs.counts();
  const kinds = new Map<string, number>();
  for (const { kind } of problems(services)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const build = { version: facts.version, hub: facts.hub, node: process.versions.node };
  return [
    gauge('build_info', 'What runs.', [{ value: 1, labels: build }]),
    gauge('start_time_seconds', 'Start of the process, Unix time.', single(facts.startedMs / 1000)),
    gauge('memory_resident_bytes', 'Pages in memory.', single(memory.rssBytes)),
    gauge('memory_anonymous_bytes', 'Pages that only swap could take back.', single(memory.anonymousBytes)),
    gauge('memory_heap_bytes', 'In use on the heap of JavaScript.', single(memory.heapBytes)),
    gauge('memory_external_bytes', 'Held by JavaScript outside its heap.', single(memory.externalBytes)),
    gauge(
      'problems',
      'Things that do not work as they should, by kind.',
      [...kinds].map(([kind, value]) => ({ value, labels: { kind } })),
    ),
    counter(
      'http_requests',
      'Answers by the class of their status.',
      [...answers].map(([status, value]) => ({ value, labels: { status } })),
    ),
    counter(
      'log_lines',
      'Log lines by level, repeated ones included.',
      LOG_LEVELS.map(level => ({ value: lines[level], labels: { level } })),
    ),
  ];
}

function storageFamilies({ engine, segments, indexBytes }: ApiServices, volume: VolumeSpace): Family[] {
  const { writer } = engine.stats();
  const { segments: files, sizeBytes } = segments.totals();
  return [
    gauge('volume_size_bytes', 'Size of the storage volume.', single(volume.totalBytes)),
    gauge('volume_free_bytes', 'Free on the storage volume.', single(volume.freeBytes)),
    gauge('storage_segments', 'Closed segments of all cameras.', single(files)),
    gauge('storage_segments_bytes', 'Bytes of the closed segments of all cameras.', single(sizeBytes)),
    gauge('index_bytes', 'Pages of the index in use.', single(indexBytes())),
    gauge('writer_queue_bytes', 'Media on its way to the volume.', single(writer.queuedBytes)),
    counter('writer_written_bytes', 'Bytes handed to the file system.', single(writer.writtenBytes)),
    counter('writer_media_bytes', 'Bytes of media among them.', single(writer.mediaBytes)),
    counter('writer_syncs', 'Passes that made all changed files durable.', single(writer.syncs)),
    gauge('writer_slowest_sync_seconds', 'The longest of them.', single(writer.slowestSyncMs / 1000)),
  ];
}

const STATES: readonly CameraStateName[] = ['disabled', 'starting', 'live', 'stalled', 'reconnecting', 'failed'];

function cameraFamilies(services: ApiServices): Family[] {
  const cameras = services.cameras.list();
  const nowMs = services.clock.nowMs();
  const each = (value: (camera: Camera) => number | undefined): Sample[] =>
    cameras.flatMap(camera => single(value(camera)).map(sample => ({ ...sample, labels: { camera: camera.id } })));
  const ongoing = cameras.flatMap(({ id }) => {
    const gap = services.ongoingGap(id);
    return gap ? [{ value: 1, labels: { camera: id, reason: gap.reason } }] : [];
  });
  const begun = services
    .gapCounts()
    .sort((a, b) => a.camera - b.camera || GAP_REASONS.indexOf(a.reason) - GAP_REASONS.indexOf(b.reason));
  return [
    gauge(
      'camera_info',
      'The cameras with their names.',
      cameras.map(({ id, name }) => ({ value: 1, labels: { camera: id, name } })),
    ),
    gauge(
      'camera_state',
      '1 for the state that the camera is in.',
      cameras.flatMap(({ id, state }) =>
        STATES.map(name => ({ value: state.name === name ? 1 : 0, labels: { camera: id, state: name } })),
      ),
    ),
    gauge(
      'camera_last_packet_age_seconds',
      'Since the newest picture.',
      each(({ state }) => (state.lastPacketMs > 0 ? Math.max(nowMs - state.lastPacketMs, 0) / 1000 : undefined)),
    ),
    gauge(
      'camera_segments',
      'Closed segments.',
      each(({ id }) => services.segments.totals(id).segments),
    ),
    gauge(
      'camera_segments_bytes',
      'Bytes of the closed segments.',
      each(({ id }) => services.segments.totals(id).sizeBytes),
    ),
    gauge(
      'camera_problem',
      '1 for each problem of a stream that is received all the same.',
      cameras.flatMap(({ id, state }) =>
        (['main', 'sub'] as const).flatMap(stream =>
          ((stream === 'main' ? state : state.sub)?.problems ?? []).map(problem => ({
            value: 1,
            labels: { camera: id, stream, problem },
          })),
        ),
      ),
    ),
    gauge('camera_gap', '1 for the reason of a gap that goes on.', ongoing),
    counter(
      'camera_gaps',
      'Gaps that began since the start, by reason.',
      begun.map(({ camera, reason, count }) => ({ value: count, labels: { camera, reason } })),
    ),
  ];
}

/** Counters begin anew when the address of a camera is changed. */
function streamFamilies({ cameras, engine }: ApiServices): Family[] {
  // Streams of cameras that are only being tried are left out.
  const known = new Set(cameras.list().map(({ id }) => id));
  const streams = engine.stats().streams.filter(({ camera }) => known.has(camera));
  const each = (value: (stats: StreamStats) => number): Sample[] =>
    streams.map(stats => ({ value: value(stats), labels: { camera: stats.camera, stream: stats.stream } }));
  return [
    gauge(
      'stream_frame_rate_hertz',
      'Pictures per second over the last seconds.',
      each(stats => stats.fps),
    ),
    gauge(
      'stream_bitrate_bytes_per_second',
      'Media per second over the last seconds.',
      each(stats => stats.bitrateBps / 8),
    ),
    gauge(
      'stream_gop_seconds',
      'Between the last two keyframes.',
      each(stats => stats.gopMs / 1000),
    ),
    gauge(
      'stream_ring_bytes',
      'Packets kept in memory.',
      each(stats => stats.ringBytes),
    ),
    counter(
      'stream_received_bytes',
      'Bytes received.',
      each(stats => stats.receivedBytes),
    ),
    counter(
      'stream_reconnects',
      'Sessions after the first.',
      each(stats => stats.reconnects),
    ),
    counter(
      'stream_lost_packets',
      'RTP packets that never came.',
      each(stats => stats.lostPackets),
    ),
    counter(
      'stream_damaged_units',
      'Access units with parts missing.',
      each(stats => stats.damagedUnits),
    ),
    counter(
      'stream_dropped_bytes',
      'Media that was received and not stored.',
      each(stats => stats.droppedBytes),
    ),
    counter(
      'stream_late_audio_units',
      'Sound that came too late for its segment.',
      each(stats => stats.lateAudioUnits),
    ),
  ];
}
