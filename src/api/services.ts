// What the API needs of the parts below it, as narrow as it can be.
import type { Accounts } from '../accounts/index.ts';
import type { Camera, Cameras, Prober } from '../cameras/index.ts';
import type {
  CameraId,
  Clock,
  EndReason,
  EventBus,
  GapReason,
  HubMode,
  Log,
  Logger,
  StreamName,
} from '../core/index.ts';
import type { CameraEvents, Webhooks } from '../events/index.ts';
import type { Go2rtcPreferencesKeeper, Go2rtcState, Installer } from '../go2rtc/index.ts';
import type { Mqtt } from '../mqtt/index.ts';
import type {
  Engine,
  ExportFile,
  ExportRequest,
  Live,
  MemoryPictureRequest,
  Picture,
  Pictures,
} from '../native/index.ts';
import type { CameraTimeline, GapCount, StorageCare } from '../recording/index.ts';
import type { Restream } from '../restream/index.ts';
import type { WebRtc } from '../webrtc/index.ts';
import type { HttpsFacts, Problem } from './contract.ts';
import type { CameraGroups } from './groups.ts';
import type { HostNames } from './host-names.ts';

/** A closed segment as the index has it. */
export interface IndexedSegment {
  id: string;
  camera: CameraId;
  stream: StreamName;
  startMs: number;
  clockGen: number;
  endMs: number;
  sizeBytes: number;
  codecs: string;
  endReason: EndReason;
  locked: boolean;
  /** Relative to the segments folder. */
  path: string;
}

/** Where a segment stands in lists. */
export type SegmentPosition = Pick<IndexedSegment, 'startMs' | 'stream' | 'clockGen'>;

export interface SegmentQuery {
  camera: CameraId;
  stream?: StreamName;
  startMs: number;
  endMs: number;
  limit: number;
  cursor?: string;
}

export interface SegmentSource {
  /** Absolute. */
  folder: string;
  /** Those that overlap [startMs, endMs), oldest first; a cursor when there are more. */
  list(query: SegmentQuery): { segments: IndexedSegment[]; cursor?: string };
  /** The cursor of a list that would have ended with this segment. */
  cursorAfter(segment: SegmentPosition): string;
  /** True for segments that a list with this cursor has still to give, also such as are being written. */
  isAfter(cursor: string, segment: SegmentPosition): boolean;
  get(id: string): IndexedSegment | undefined;
  /** Removes record and file. Rejects with `not-found`, or `failed-precondition` when it is locked. */
  remove(id: string): Promise<void>;
  /** Removes all footage of a camera but for locked segments, and says what stays. Resolves when none of the rest can come back. */
  removeAll(camera: CameraId): Promise<{ kept: { segments: number; sizeBytes: number } }>;
  /** Where footage within [startMs, endMs) belongs to events, pre- and post-roll included; sorted, apart from each other. */
  eventFootage(camera: CameraId, startMs: number, endMs: number): [number, number][];
  /** Of one camera or of all. */
  totals(camera?: CameraId): { segments: number; sizeBytes: number };
}

/** What cameras show now. */
export interface LiveServices {
  feeds: Live;
  /** As `Cameras.need`. */
  need(camera: CameraId, stream: StreamName): () => void;
  /** As `Pictures.makeFromMemory`. */
  keyPicture(request: MemoryPictureRequest): Promise<Picture>;
  /** The last closed one that the index has. */
  newestSegment(camera: CameraId, stream: StreamName): IndexedSegment | undefined;
}

export interface ApiServices {
  accounts: Accounts;
  /** Signs links. */
  linkKey: Buffer;
  hosts: Pick<HostNames, 'names' | 'update'>;
  cameras: Pick<Cameras, 'list' | 'get' | 'add' | 'update' | 'remove' | 'unreadable' | 'onvif' | 'onvifView'>;
  prober: Pick<Prober, 'probe' | 'discover'>;
  engine: Pick<Engine, 'stats' | 'openIndex'>;
  live: LiveServices;
  segments: SegmentSource;
  pictures: Pick<Pictures, 'make'>;
  /** As the native engine's `planExport`. */
  planExport(request: Omit<ExportRequest, 'storeUuid'>): Promise<ExportFile>;
  /** Resolves when recording follows the settings that the camera has now: files that end by them are closed. */
  recordingSettled(camera: CameraId): Promise<void>;
  timeline(cameras: CameraId[], stream: StreamName, startMs: number, endMs: number): CameraTimeline[];
  storage: Pick<
    StorageCare,
    'figures' | 'forecast' | 'settings' | 'settingsProvisioned' | 'updateSettings' | 'lockSegment' | 'clockState'
  >;
  events: Pick<
    CameraEvents,
    | 'trigger'
    | 'record'
    | 'list'
    | 'get'
    | 'find'
    | 'ongoing'
    | 'change'
    | 'remove'
    | 'footage'
    | 'picturePath'
    | 'marks'
    | 'figures'
  >;
  bus: Pick<EventBus, 'on'>;
  groups: CameraGroups;
  mqtt: Pick<Mqtt, 'settings' | 'settingsProvisioned' | 'check' | 'update' | 'test' | 'state' | 'devices'>;
  webrtc: Pick<WebRtc, 'watch' | 'talk' | 'talks' | 'keep' | 'end' | 'look' | 'figures'>;
  go2rtc: {
    state(): Go2rtcState;
    preferences: Pick<Go2rtcPreferencesKeeper, 'get' | 'isProvisioned' | 'check' | 'update'>;
    installer: Pick<Installer, 'state' | 'offered' | 'begin'>;
  };
  restream: Pick<
    Restream,
    'settings' | 'settingsProvisioned' | 'check' | 'update' | 'state' | 'addUser' | 'renewSecret' | 'removeUser'
  >;
  webhooks: Pick<Webhooks, 'list' | 'check' | 'update' | 'test' | 'figures'>;
  /** What is wrong with the store. */
  problems(): Problem[];
  /** The gap of a camera's main stream that goes on at present. */
  ongoingGap(camera: CameraId): { startMs: number; reason: GapReason } | undefined;
  /** As `Recording.shortPastsMs`. */
  shortPastsMs(cameras: readonly Camera[]): Map<CameraId, number>;
  /** Gaps that began in this run. */
  gapCounts(): GapCount[];
  /** Pages of the index in use. */
  indexBytes(): number;
  logs: Pick<Log, 'lines' | 'counts' | 'levels'>;
  /** Facts of this run. */
  facts: {
    version: string;
    startedMs: number;
    dataDir: string;
    hub: HubMode;
    /** Of the board, as in `Europe/Berlin`. */
    timeZone: string;
    https?: HttpsFacts;
  };
  clock: Clock;
  log: Logger;
}
