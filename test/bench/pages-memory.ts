// What the pages cost the recorder: its memory with eight cameras before anybody came, with one person who looks at one of them live
// after a walk through the pages, and when that person is gone.
import { Browser } from '../support/browser.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { DESKTOP, openPage } from '../support/web-page.ts';
import type { Measured } from './budgets.ts';
import { median } from './percentile.ts';
import { processFigures } from './process-figures.ts';
import { addCameras, pause } from './recording.ts';

const CAMERAS = 8;
const SAMPLE_MS = 500;
const LEAVE_MS = 15_000;
const PAGES = ['#/events', '#/health', '#/set', '#/set/cameras', '#/set/storage', '#/set/users', '#/cam/1'];

export async function measurePages(options: Pick<ServiceOptions, 'command'>, seconds: number): Promise<Measured[]> {
  const clip = await clipFile(CLIPS.full);
  const names = Array.from({ length: CAMERAS }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const service = await Service.start(options);
  try {
    await addCameras(
      service,
      names.map(name => server.url(name)),
    );
    await pause(seconds * 1000);
    const alone = await figuresOf(service.pid);
    const browser = await Browser.start();
    let watched: Memory;
    try {
      const { page } = await openPage(browser, service, PAGES[0] as string, DESKTOP);
      for (const hash of PAGES) {
        await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
        await page.waitForLoadState('networkidle');
      }
      await page.waitForSelector('.camera-picture video[data-shown]');
      await pause(seconds * 1000);
      watched = await figuresOf(service.pid);
    } finally {
      await browser.close();
    }
    await pause(LEAVE_MS);
    const left = await figuresOf(service.pid);
    const dropped = await service.get<{ cameras: { state: { droppedBytes: number } }[] }>('/api/cameras');
    if (dropped.cameras.some(({ state }) => state.droppedBytes > 0)) throw new Error('media were dropped');
    return [
      { id: 'pagesRss', cameras: CAMERAS, value: watched.rssMiB - alone.rssMiB },
      { id: 'pagesAnonymous', cameras: CAMERAS, value: watched.anonMiB - alone.anonMiB },
      { id: 'pagesLeft', cameras: CAMERAS, value: left.rssMiB - alone.rssMiB },
    ];
  } finally {
    await service.stop();
    await server.stop();
  }
}

interface Memory {
  rssMiB: number;
  anonMiB: number;
}

/** The median of some: rings and heap breathe. */
async function figuresOf(pid: number): Promise<Memory> {
  const samples = [];
  for (let sample = 0; sample < 9; sample++) {
    samples.push(processFigures(pid));
    await pause(SAMPLE_MS);
  }
  return {
    rssMiB: median(samples.map(({ rssMiB }) => rssMiB)),
    anonMiB: median(samples.map(({ anonMiB }) => anonMiB)),
  };
}
