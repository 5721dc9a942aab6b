// Seeks in the player of the pages, in Chromium: from the wish to the picture on the screen, in a store of 30 days.
import { Browser } from '../support/browser.ts';
import { CLIPS } from '../support/clips.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { tempDir } from '../support/temp.ts';
import { inPage, openPlayer, playerBundle } from '../support/web-player.ts';
import type { Measured } from './budgets.ts';
import { percentile } from './percentile.ts';
import { SEGMENT_MS, storeDays } from './stored-days.ts';

const DAY_MS = 86_400_000;
const DAYS = 30;
/** What the player reads around a moment has to be there. */
const BEFORE_MS = 6000;
const BEHIND_MS = 30_000;
/** For the player to have what it reads ahead, before the next. */
const REST_MS = 400;

interface Seek {
  tookMs: number;
  /** The picture that is shown then, after the moment that was wished. */
  offMs: number;
}

export async function measurePlay(options: Pick<ServiceOptions, 'command'>, seeks: number): Promise<Measured[]> {
  const dataDir = tempDir('play');
  const empty = await Service.start({ ...options, dataDir });
  await empty.post('/api/cameras', { name: 'Door', enabled: false, main: { url: 'rtsp://127.0.0.1:9/none' } });
  await empty.stop();
  const beginMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAYS * DAY_MS;
  const random = randomOf(7);
  const wish = (days: number) => momentOf(beginMs, days, random());
  const wished = {
    day: Array.from({ length: seeks }, () => wish(1)),
    month: Array.from({ length: seeks }, () => wish(DAYS)),
  };
  const all = [...wished.day, ...wished.month];
  await storeDays({
    ...{ dataDir, cameras: 1, beginMs, segments: (DAYS * DAY_MS) / SEGMENT_MS, clip: CLIPS.full },
    media: (_, startMs) => aroundAll(all.map(ms => ms - startMs).filter(ms => ms >= 0 && ms < SEGMENT_MS)),
  });
  const service = await Service.start({ ...options, dataDir }, 60_000);
  const browser = await Browser.start();
  try {
    const { page } = await openPlayer(browser, service, await playerBundle());
    const first = wished.day[0] ?? 0;
    await inPage(
      page,
      `(async () => {
      const element = web.place(960, 540);
      window.player = new web.RecordedPlayer(web.httpBoard, element, 1, 'main');
      await player.seek(${first});
    })()`,
    );
    const times: Record<'day' | 'month', number[]> = { day: [], month: [] };
    for (const kind of ['day', 'month'] as const) {
      for (const ms of wished[kind]) {
        const { tookMs, offMs } = await inPage<Seek>(page, seekTo(ms));
        if (Math.abs(offMs) > 100) throw new Error(`a picture ${offMs} ms away from ${ms}`);
        times[kind].push(tookMs);
      }
    }
    return [
      { id: 'playDay', value: percentile(times.day, 0.5) },
      { id: 'playDayWorst', value: percentile(times.day, 0.9) },
      { id: 'playMonth', value: percentile(times.month, 0.5) },
      { id: 'playMonthWorst', value: percentile(times.month, 0.9) },
    ];
  } finally {
    await browser.close();
    await service.stop();
  }
}

/** In the last days; not so near to the end of a segment that the player needs the next one. */
function momentOf(beginMs: number, days: number, random: number): number {
  const ms = beginMs + (DAYS - days) * DAY_MS + Math.floor(random * days * DAY_MS);
  const inSegmentMs = (ms - beginMs) % SEGMENT_MS;
  return ms - inSegmentMs + Math.min(inSegmentMs, SEGMENT_MS - BEHIND_MS);
}

/** From the first moment to the last of those that fell into one segment. */
function aroundAll(moments: readonly number[]): { fromMs: number; toMs: number } | undefined {
  if (moments.length === 0) return undefined;
  return { fromMs: Math.min(...moments) - BEFORE_MS, toMs: Math.max(...moments) + BEHIND_MS };
}

/** Runs in the page. `seek` resolves with the picture; what the screen then shows is asked of the element. */
function seekTo(ms: number): string {
  return `(async () => {
    await new Promise(resolve => setTimeout(resolve, ${REST_MS}));
    const began = performance.now();
    await player.seek(${ms});
    const tookMs = performance.now() - began;
    return { tookMs, offMs: player.wallMs() - ${ms} };
  })()`;
}

/** Numerical Recipes' generator: the same moments in each run. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
