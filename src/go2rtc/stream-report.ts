// What go2rtc tells about its streams (GET /api/streams), taken apart with nothing believed.
import { isRecord } from './json.ts';

export interface ProducerReport {
  /** Of a connected one without what stands behind #. */
  url: string;
  isConnected: boolean;
  /** To what: host and port. Empty where that is not told. */
  remote: string;
  /** Changes whenever something arrives. Counters wrap on 32-bit boards, so nothing else follows from them. */
  count: string;
}

export interface StreamReport {
  producers: ProducerReport[];
  /** Their `format_name`: `rtsp`, `webrtc/post`, `mp4`, ... */
  consumers: string[];
}

/** One camera has a few; a list that is longer is none of ours. */
const MOST_LISTED = 64;

/** Undefined when it is no such list. All of it: go2rtc forgets no name, and one that were left out would count as lost. */
export function readStreams(json: unknown): Map<string, StreamReport> | undefined {
  if (!isRecord(json)) return undefined;
  const streams = new Map<string, StreamReport>();
  for (const [name, value] of Object.entries(json)) {
    const stream = readStream(value);
    if (!stream) return undefined;
    streams.set(name, stream);
  }
  return streams;
}

export function readStream(json: unknown): StreamReport | undefined {
  if (!isRecord(json)) return undefined;
  const { producers, consumers } = json;
  return {
    producers: list(producers).map(readProducer),
    consumers: list(consumers).map(one => text(one.format_name)),
  };
}

function readProducer(one: Record<string, unknown>): ProducerReport {
  const receivers = list(one.receivers);
  const counters = receivers.map(({ id, bytes }) => `${number(id)}:${number(bytes)}`);
  return {
    url: text(one.url),
    isConnected: one.id !== undefined || one.medias !== undefined,
    remote: text(one.remote_addr),
    count: [number(one.id), number(one.bytes_recv), ...counters].join(' '),
  };
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.slice(0, MOST_LISTED).filter(isRecord) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 2000) : '';
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
