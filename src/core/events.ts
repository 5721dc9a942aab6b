// Typed events between folders of the same or a higher row: plain data with ids, never class instances.
import type { CameraId, EndReason, GapReason, StreamName } from './ids.ts';

export type CameraStateName = 'disabled' | 'starting' | 'live' | 'stalled' | 'reconnecting' | 'failed';

/** What happened on a camera, in short; the whole of it stands in the store under its id. */
export interface CameraEventSummary {
  camera: CameraId;
  id: string;
  startMs: number;
  /** Absent while it goes on. */
  endMs?: number;
  labels: readonly string[];
  sources: readonly string[];
}

/** Something that a camera itself has noticed. */
export interface CameraMessage {
  kind: string;
  /** `moment`: it is over at once. */
  change: 'begin' | 'end' | 'moment';
  /** Together they name what ends: a camera may have several sensors of a kind. */
  topic: string;
  source: string;
  property: string;
  /** UTC by the clock of this machine. */
  timeMs: number;
}

/** Why the service ended a browser's session of WebRTC. */
export type PeerEnd = 'not-allowed' | 'camera' | 'go2rtc' | 'silent' | 'left' | 'closed' | 'stopping';

/** Every event of the service with its payload. */
export interface Events {
  'camera.state': { camera: CameraId; name: CameraStateName; reason?: string; sinceMs: number };
  /** All that is wrong with a stream that is received all the same. */
  'camera.problems': { camera: CameraId; stream: StreamName; problems: readonly string[] };
  'camera.changed': { camera: CameraId };
  'camera.removed': { camera: CameraId };
  /** What can be done with it is another thing than before; its settings are the same. */
  'camera.able': { camera: CameraId };
  'camera.onvif': { camera: CameraId; event: CameraMessage };
  'segment.opened': { camera: CameraId; stream: StreamName; id: string; startMs: number };
  'segment.closed': {
    camera: CameraId;
    stream: StreamName;
    id: string;
    startMs: number;
    endMs: number;
    sizeBytes: number;
    endReason: EndReason;
  };
  /** Somewhere in [fromMs, untilMs); what is locked stays. */
  'footage.deleted': { camera: CameraId; fromMs: number; untilMs: number };
  'gap.opened': { camera: CameraId; stream: StreamName; startMs: number; reason: GapReason };
  'gap.closed': { camera: CameraId; stream: StreamName; startMs: number; endMs: number; reason: GapReason };
  'event.opened': CameraEventSummary;
  /** It grew, got its picture, or somebody changed it; of growth at most one a second and camera is told. */
  'event.updated': CameraEventSummary;
  'event.closed': CameraEventSummary;
  /** Somebody removed it; what goes with its footage is not told of. */
  'event.removed': { camera: CameraId; id: string };
  /** Nobody else than `user` knows the session. */
  'webrtc.ended': { camera: CameraId; session: string; user: number; reason: PeerEnd };
  /** Who talks to a camera; null = nobody any more. */
  'talk.changed': { camera: CameraId; by: string | null };
}

type Listener<K extends keyof Events> = (event: Events[K]) => void;

/**
 * Delivers events to listeners in the order of their registration, synchronously. A listener that throws is reported to
 * `onError` and does not stop the others.
 */
export class EventBus {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #onError: (error: unknown, event: string) => void;

  constructor(onError: (error: unknown, event: string) => void) {
    this.#onError = onError;
  }

  /** Registers a listener; the returned function removes it. */
  on<K extends keyof Events>(name: K, listener: Listener<K>): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener as Listener<never>);
    return () => set.delete(listener as Listener<never>);
  }

  emit<K extends keyof Events>(name: K, event: Events[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as Listener<K>)(event);
      } catch (error) {
        this.#onError(error, name);
      }
    }
  }
}
