// The first sight of the pages on a slow phone: processor slowed down four times, 20 Mbit/s; until each of four cameras shows a picture.
import type { Page } from 'playwright-core';
import { Browser } from '../support/browser.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras } from '../support/gst-camera.ts';
import { Service, type ServiceOptions } from '../support/service.ts';
import { openPage, PHONE } from '../support/web-page.ts';
import type { Measured } from './budgets.ts';
import { median } from './percentile.ts';
import { addCameras, pause } from './recording.ts';

const CAMERAS = 4;
const SLOW_DOWN = 4;
const BYTES_PER_SECOND = 20e6 / 8;
/** There and back, as in one house. */
const LATENCY_MS = 5;

interface Visit {
  picturesMs: number;
  /** Of page, scripts, style sheets and icons as sent; pictures and answers of the API not. */
  bytes: number;
}

export async function measurePaint(options: Pick<ServiceOptions, 'command'>, visits: number): Promise<Measured[]> {
  const clip = await clipFile(CLIPS.small);
  const names = Array.from({ length: CAMERAS }, (_, index) => `camera${index}`);
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const service = await Service.start(options);
  const browser = await Browser.start();
  try {
    await addCameras(
      service,
      names.map(name => server.url(name)),
    );
    const { page } = await openPage(browser, service, '#/events', PHONE);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOW_DOWN });
    await devtools.send('Network.enable');
    await devtools.send('Network.emulateNetworkConditions', {
      ...{
        offline: false,
        latency: LATENCY_MS,
        downloadThroughput: BYTES_PER_SECOND,
        uploadThroughput: BYTES_PER_SECOND,
      },
    });
    await page.addInitScript(WATCH);
    const cold: Visit[] = [];
    const warm: number[] = [];
    for (let round = 0; round < visits; round++) {
      await devtools.send('Network.clearBrowserCache');
      // Where the pictures were is known from an earlier visit.
      await page.evaluate("localStorage.removeItem('thimble-grid')");
      cold.push(await visit(page, service));
      warm.push((await visit(page, service)).picturesMs);
    }
    return [
      { id: 'paintBytes', value: Math.max(...cold.map(({ bytes }) => bytes)) / 1000 },
      { id: 'paintCold', value: median(cold.map(({ picturesMs }) => picturesMs)) },
      { id: 'paintWarm', value: median(warm) },
    ];
  } finally {
    await browser.close();
    await service.stop();
    await server.stop();
  }
}

async function visit(page: Page, service: Service): Promise<Visit> {
  await page.goto('about:blank');
  await pause(500);
  await page.goto(`${service.ready.url}/#/`);
  const seen = await page.evaluate<Visit>(`window.pictures(${CAMERAS})`);
  await pause(1000);
  return seen;
}

/** Runs in the page before its own scripts. Times count from the moment in which it was asked for. */
const WATCH = `
window.pictures = count => new Promise((resolve, reject) => {
  const look = () => {
    const tiles = [...document.querySelectorAll('.grid-cell')].filter(tile => tile.querySelector('canvas[data-drawn], video[data-shown]'));
    const early = [...document.querySelectorAll('canvas[data-early]')];
    const shown = new Set([...tiles.map(({ dataset }) => dataset.camera), ...early.map(({ dataset }) => dataset.early)]);
    if (shown.size >= count) {
      const loaded = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
      const own = loaded.filter(({ name }) => !new URL(name).pathname.startsWith('/api/'));
      resolve({ picturesMs: performance.now(), bytes: own.reduce((sum, { transferSize }) => sum + transferSize, 0) });
    } else if (performance.now() > 30000) reject(new Error(shown.size + ' pictures within 30 s'));
    else requestAnimationFrame(look);
  };
  look();
});
`;
