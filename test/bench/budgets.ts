// What the bench measures, and what each figure may be at most (or must be at least) on each class of boards: the one table.

/** What is measured: the checkout's build or out/release. */
export type Edition = 'development' | 'release';

/** Every figure: what it is, and in which unit. */
export const FIGURES = {
  rss: { what: 'RSS', unit: 'MiB' },
  anonymous: { what: 'anonymous memory', unit: 'MiB' },
  ring: { what: 'packet rings', unit: 'MiB' },
  growth: { what: 'RSS per further camera, without its ring', unit: 'MiB' },
  cpu: { what: 'CPU', unit: '% of a core' },
  cpuRatio: { what: 'CPU / one `ffmpeg -c copy` per camera', unit: '' },
  rssRatio: { what: 'PSS / one `ffmpeg -c copy` per camera', unit: '' },
  blockRatio: { what: 'bytes to the block device / media bytes', unit: '' },
  start: { what: 'warm start to the first HTTP answer', unit: 'ms' },
  stop: { what: 'SIGTERM to the exit', unit: 'ms' },
  dropped: { what: 'dropped media', unit: 'bytes' },
  removed: { what: 'RSS after removing all but one camera, above that before adding them', unit: 'MiB' },
  exportSpeed: { what: 'export of 1 h from the page cache', unit: 'x real time' },
  exportRss: { what: 'RSS added by an export of 1 h', unit: 'MiB' },
  indexSize: { what: 'index of 1 million segments', unit: 'MB' },
  timelineCold: { what: 'timeline of a day, first of a run', unit: 'ms' },
  timelineColdCpu: { what: 'timeline of a day, first of a run, CPU of the worst', unit: 'ms' },
  timelineWarm: { what: 'timeline of a day', unit: 'ms' },
  listCold: { what: 'segments of a day, first of a run', unit: 'ms' },
  listColdCpu: { what: 'segments of a day, first of a run, CPU of the worst', unit: 'ms' },
  listWarm: { what: 'segments of a day', unit: 'ms' },
  seekMedian: { what: 'which bytes to fetch for a moment in 30 days', unit: 'ms' },
  seekWorst: { what: 'the same, 9 of 10', unit: 'ms' },
  keyframeMedian: { what: 'a keyframe in 30 days', unit: 'ms' },
  keyframeWorst: { what: 'the same, 9 of 10', unit: 'ms' },
  activityDay: { what: 'timeline of a day with activity', unit: 'ms' },
  activityHour: { what: 'timeline of an hour with activity', unit: 'ms' },
  adoption: { what: 'adoption of 1000 whole files that the index does not know', unit: 's' },
  repair: { what: 'repair and adoption of 32 cut files', unit: 's' },
  lossMedian: { what: 'loss by `kill -9`, median', unit: 'ms' },
  lossWorst: { what: 'loss by `kill -9`, worst', unit: 'ms' },
  again: { what: 'start after `kill -9` to new footage of all cameras, worst', unit: 'ms' },
  faults: { what: 'faults of the footage after `kill -9`', unit: '' },
  idleMedia: { what: 'no events: media written', unit: 'bytes' },
  idleFiles: { what: 'no events: segment files', unit: '' },
  idleIo: { what: 'no events: written by the process', unit: 'KiB a minute' },
  idleBlock: { what: 'no events: written to the block device', unit: 'KiB a minute' },
  idleCpu: { what: 'no events: CPU', unit: '% of a core' },
  idleCpuRatio: { what: 'no events: CPU / mode `continuous`', unit: '' },
  idleRing: { what: 'no events: packet rings with 10 s of pre-roll', unit: 'MiB' },
  idleRss: { what: 'no events: RSS above mode `continuous`, without the rings', unit: 'MiB' },
  idleAnonymous: { what: 'no events: anonymous memory above mode `continuous`, without the rings', unit: 'MiB' },
  durableMedian: { what: 'trigger to its pre-roll on the disk, median', unit: 'ms' },
  durable99: { what: 'trigger to its pre-roll on the disk, p99', unit: 'ms' },
  durableWorst: { what: 'trigger to its pre-roll on the disk, worst', unit: 'ms' },
  durableFaults: { what: 'triggers whose pre-roll was not whole', unit: '' },
  stormRefused: { what: '1000 triggers a minute each: refused', unit: '' },
  stormAnswer: { what: '1000 triggers a minute each: answer, p99', unit: 'ms' },
  stormGaps: { what: '1000 triggers a minute each: gaps', unit: '' },
  stormDropped: { what: '1000 triggers a minute each: dropped media', unit: 'bytes' },
  stormCommits: { what: '1000 triggers a minute each: commits of the index', unit: 'a second' },
  stormEvents: { what: '1000 triggers a minute each: events / the most that their settings allow', unit: '' },
  stormRss: { what: '1000 triggers a minute each: RSS at the end above that after the first minute', unit: 'MiB' },
  stormAnonymous: { what: '1000 triggers a minute each: the same of anonymous memory', unit: 'MiB' },
  hubDirectRss: { what: 'read by the service: its RSS', unit: 'MiB' },
  hubDirectCpu: { what: 'read by the service: its CPU', unit: '% of a core' },
  hubBehindRss: { what: 'behind go2rtc: RSS of the service', unit: 'MiB' },
  hubBehindCpu: { what: 'behind go2rtc: CPU of the service', unit: '% of a core' },
  hubProcessRss: { what: 'behind go2rtc: RSS of go2rtc', unit: 'MiB' },
  hubProcessCpu: { what: 'behind go2rtc: CPU of go2rtc', unit: '% of a core' },
  onvifRss: { what: 'RSS that ONVIF adds', unit: 'MiB' },
  onvifAnonymous: { what: 'anonymous memory that ONVIF adds', unit: 'MiB' },
  onvifCpu: { what: 'CPU that ONVIF adds', unit: '% of a core' },
  onvifCpuWithout: { what: 'the same cameras without ONVIF: CPU', unit: '% of a core' },
  onvifTrigger: { what: 'message at the camera to the trigger, median', unit: 'ms' },
  onvifTrigger99: { what: 'message at the camera to the trigger, p99', unit: 'ms' },
  onvifTriggerWorst: { what: 'message at the camera to the trigger, worst', unit: 'ms' },
  onvifTold99: { what: 'message at the camera to the pages, p99', unit: 'ms' },
  onvifMissed: { what: 'messages over ONVIF that set nothing off', unit: '' },
  awayRss: { what: '1000 triggers a minute, MQTT broker away: RSS above no MQTT', unit: 'MiB' },
  awayAnonymous: { what: '1000 triggers a minute, MQTT broker away: anonymous memory above no MQTT', unit: 'MiB' },
  awayQueue: { what: '1000 triggers a minute, MQTT broker away: what waits', unit: 'KiB' },
  awayDropped: { what: '1000 triggers a minute, MQTT broker away: news that gave way', unit: '' },
  pictureH264: { what: 'picture of an event, H.264 1080p: CPU', unit: 'ms' },
  pictureH264Peak: { what: 'picture of an event, H.264 1080p: memory while it is made', unit: 'MiB' },
  pictureH264Kept: { what: 'picture of an event, H.264 1080p: memory kept after 40', unit: 'MiB' },
  pictureH265: { what: 'picture of an event, H.265 1080p: CPU', unit: 'ms' },
  pictureH265Peak: { what: 'picture of an event, H.265 1080p: memory while it is made', unit: 'MiB' },
  pictureH265Kept: { what: 'picture of an event, H.265 1080p: memory kept after 40', unit: 'MiB' },
  apiBare: { what: 'an answer of a bare HTTP server beside them, median', unit: 'ms' },
  apiHealth: { what: '`GET /api/health`, median', unit: 'ms' },
  apiHealthNode: { what: '`GET /api/health`, median, `--http node`', unit: 'ms' },
  apiCameras: { what: '`GET /api/cameras`, median', unit: 'ms' },
  apiCamerasNode: { what: '`GET /api/cameras`, median, `--http node`', unit: 'ms' },
  apiTimeline: { what: 'timeline of a day of one, median', unit: 'ms' },
  apiTimelineNode: { what: 'timeline of a day of one, median, `--http node`', unit: 'ms' },
  apiTimelineAll: { what: 'timeline of a day of all, median', unit: 'ms' },
  apiTimelineAllNode: { what: 'timeline of a day of all, median, `--http node`', unit: 'ms' },
  pagesRss: { what: 'RSS added by the pages and one live viewer', unit: 'MiB' },
  pagesAnonymous: { what: 'anonymous memory added by the pages and one live viewer', unit: 'MiB' },
  pagesLeft: { what: 'RSS that is left of it when the viewer is gone', unit: 'MiB' },
  tilesRss: { what: 'RSS added while the sub stream of each is watched, most', unit: 'MiB' },
  tilesLeft: { what: 'RSS that is left of it afterwards', unit: 'MiB' },
  liveFirst: { what: 'click to the first live picture of a connected stream, median', unit: 'ms' },
  liveFirstWorst: { what: 'the same, worst', unit: 'ms' },
  liveDelay: { what: 'camera to screen by Media Source Extensions, median', unit: 'ms' },
  liveDelayWorst: { what: 'the same, 9 of 10', unit: 'ms' },
  liveSubKey: { what: 'click to the key picture where the stream is not connected, median', unit: 'ms' },
  liveSubMotion: { what: 'click to its motion, worst', unit: 'ms' },
  playDay: { what: 'seek in a day to the picture on the screen, median', unit: 'ms' },
  playDayWorst: { what: 'the same, 9 of 10', unit: 'ms' },
  playMonth: { what: 'seek in 30 days to the picture on the screen, median', unit: 'ms' },
  playMonthWorst: { what: 'the same, 9 of 10', unit: 'ms' },
  paintBytes: { what: 'a first visit loads', unit: 'KB' },
  paintCold: { what: 'slow phone, first visit: pictures of 4 cameras, median', unit: 'ms' },
  paintWarm: { what: 'slow phone, later visit: pictures of 4 cameras, median', unit: 'ms' },
} as const satisfies Record<string, { what: string; unit: string }>;

export type FigureId = keyof typeof FIGURES;

/** Holds for all numbers of cameras and editions that it does not name. */
interface Budget {
  cameras?: number;
  edition?: Edition;
  most?: number;
  least?: number;
}

/** Classes of boards that figures were taken on. */
const BUDGETS: Record<string, Partial<Record<FigureId, Budget[]>>> = {
  'x86-64': {
    rss: [
      { cameras: 8, edition: 'release', most: 64 },
      { cameras: 8, edition: 'development', most: 92 },
    ],
    anonymous: [{ cameras: 8, edition: 'release', most: 26 }],
    growth: [
      { cameras: 8, most: 0.4 },
      { cameras: 32, most: 0.3 },
    ],
    cpuRatio: [{ cameras: 8, most: 0.4 }],
    blockRatio: [{ cameras: 8, most: 1.04 }],
    start: [{ most: 300 }],
    stop: [{ cameras: 8, most: 500 }],
    dropped: [{ most: 0 }],
    removed: [{ most: 4 }],
    exportSpeed: [{ least: 100 }],
    exportRss: [{ most: 20 }],
    indexSize: [{ most: 32 }],
    timelineCold: [{ most: 5 }],
    timelineWarm: [{ most: 5 }],
    listWarm: [{ most: 5 }],
    seekMedian: [{ most: 20 }],
    seekWorst: [{ most: 20 }],
    keyframeMedian: [{ most: 20 }],
    activityDay: [{ most: 3 }],
    adoption: [{ most: 2 }],
    repair: [{ most: 2 }],
    lossWorst: [{ most: 1500 }],
    again: [{ most: 5000 }],
    faults: [{ most: 0 }],
    idleMedia: [{ most: 0 }],
    idleFiles: [{ most: 0 }],
    idleCpuRatio: [{ most: 1 }],
    // The tables of packets that the rings hold more are 0.4 MiB; the rest is how far two heaps of JavaScript differ.
    idleRss: [{ most: 2 }],
    idleAnonymous: [{ most: 2 }],
    durable99: [{ most: 1500 }],
    durableFaults: [{ most: 0 }],
    stormRefused: [{ most: 0 }],
    stormGaps: [{ most: 0 }],
    stormDropped: [{ most: 0 }],
    stormCommits: [{ most: 1 }],
    stormEvents: [{ most: 1 }],
    stormRss: [{ most: 3 }],
    stormAnonymous: [{ most: 3 }],
    onvifTrigger99: [{ most: 100 }],
    onvifMissed: [{ most: 0 }],
    awayRss: [{ most: 2 }],
    awayAnonymous: [{ most: 2 }],
    awayQueue: [{ most: 1024 }],
    pictureH264: [{ most: 40 }],
    pictureH264Kept: [{ most: 2 }],
    pictureH265: [{ most: 40 }],
    pictureH265Kept: [{ most: 2 }],
    apiHealth: [{ most: 0.5 }],
    apiHealthNode: [{ most: 0.5 }],
    apiCameras: [{ most: 1 }],
    apiCamerasNode: [{ most: 1 }],
    apiTimeline: [{ most: 3 }],
    apiTimelineNode: [{ most: 3 }],
    apiTimelineAll: [{ most: 50 }],
    apiTimelineAllNode: [{ most: 50 }],
    pagesRss: [{ most: 6 }],
    // 6 MB.
    tilesRss: [{ edition: 'release', most: 5.7 }],
    liveFirst: [{ most: 500 }],
    liveDelay: [{ most: 700 }],
    liveSubKey: [{ most: 500 }],
    // One GOP of the sub stream (1 s), and 500 ms.
    liveSubMotion: [{ most: 1500 }],
    playDay: [{ most: 120 }],
    playDayWorst: [{ most: 200 }],
    playMonth: [{ most: 120 }],
    playMonthWorst: [{ most: 200 }],
    paintBytes: [{ most: 60 }],
    paintCold: [{ most: 1000 }],
    paintWarm: [{ most: 400 }],
  },
};

const BOARD_CLASSES: Record<string, string> = { x64: 'x86-64' };

/** The class of this machine; undefined where no budgets are known. */
export function boardClass(): string | undefined {
  return BOARD_CLASSES[process.arch];
}

/** What a part of the bench gives. */
export interface Measured {
  id: FigureId;
  cameras?: number;
  /** Null where this machine cannot measure it. */
  value: number | null;
}

export interface Figure {
  /** What it is, with the number of cameras. */
  name: string;
  edition: Edition;
  value: number | null;
  unit: string;
  /** Null = not judged here. */
  budget: number | null;
  bound: 'most' | 'least' | null;
  ok: boolean | null;
}

/** Puts the budget of this machine's class beside what was measured. */
export function judge(edition: Edition, { id, cameras, value }: Measured): Figure {
  const { what, unit } = FIGURES[id];
  const many = cameras === undefined ? '' : `${cameras} camera${cameras === 1 ? '' : 's'}: `;
  const fits = (budget: Budget) => (budget.cameras ?? cameras) === cameras && (budget.edition ?? edition) === edition;
  const found = BUDGETS[boardClass() ?? '']?.[id]?.find(fits);
  const budget = found?.most ?? found?.least ?? null;
  const bound = found === undefined ? null : found.most === undefined ? 'least' : 'most';
  const judged = value !== null && budget !== null;
  const ok = judged ? (bound === 'most' ? value <= budget : value >= budget) : null;
  return { name: `${many}${what}`, edition, value, unit, budget, bound, ok };
}
