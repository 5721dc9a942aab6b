// Days of 23 and 25 hours in Chromium, as readers in the zone of the change see them, and readers who look by the board's clock.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { Browser, browserProblem } from '../support/browser.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { probe } from '../support/ffprobe.ts';
import { startWithPast } from '../support/past-footage.ts';
import { type Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { DESKTOP, openPage, until } from '../support/web-page.ts';

const test = suite('web days', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Clocks in Berlin go back from 3:00 to 2:00, and forward from 2:00 to 3:00. */
const AUTUMN_MS = Date.UTC(2026, 9, 25, 1);
const SPRING_MS = Date.UTC(2026, 2, 29, 1);
/** Clocks in New York go back from 2:00 to 1:00. */
const NEW_YORK_MS = Date.UTC(2026, 10, 1, 6);
const AROUND = [SPRING_MS, AUTUMN_MS, NEW_YORK_MS].map(ms => ({
  startMs: ms - 2 * MINUTE_MS,
  endMs: ms + 2 * MINUTE_MS,
}));

let browser: Browser;
let service: Service;
test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  const source = { clips: [await clipFile(CLIPS.smallSilent)] };
  service = await startWithPast([{ name: 'Door', source, spans: AROUND }], { env: { TZ: 'America/New_York' } });
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', `check 27: ${name}`, body);
}

async function openAt(timeMs: number, more = ''): Promise<{ page: Page; errors: string[] }> {
  const view = { ...DESKTOP, timeZone: 'Europe/Berlin' };
  const opened = await openPage(browser, service, `#/time?c=1&t=${timeMs}${more}`, view);
  await opened.page.waitForSelector('.tl-needle');
  return opened;
}

async function needleAt(page: Page, ms: number): Promise<void> {
  await until(page, `Number(document.querySelector('.tl-needle').getAttribute('aria-valuenow')) === ${ms}`);
}

/** The cells of the calendar's hours; the name of the day is part of how their group is called. */
async function hourCells(page: Page, day: RegExp): Promise<{ label: string; empty: boolean }[]> {
  await page.getByRole('button', { name: /^Choose a day/ }).click();
  await page.getByRole('group', { name: day }).waitFor();
  await until(page, `[...document.querySelectorAll('.cal-hour')].some(one => one.dataset.empty === 'false')`);
  return page.evaluate<{ label: string; empty: boolean }[]>(
    `[...document.querySelectorAll('.cal-hour')].map(one => ({
       label: one.getAttribute('aria-label').split(', ')[0],
       empty: one.dataset.empty === 'true',
     }))`,
  );
}

const withFootage = (cells: readonly { label: string; empty: boolean }[]) =>
  cells.filter(({ empty }) => !empty).map(({ label }) => label);

/** What the ruler says, from left to right. */
const ruler = (page: Page) =>
  page.evaluate<string[]>(`[...document.querySelectorAll('.tl-tick')].map(one => one.textContent)`);

needs('the day of 25 hours has as many cells, and the hour that comes twice bears its names', async () => {
  const { page, errors } = await openAt(AUTUMN_MS - MINUTE_MS, '&z=6h');
  const labels = await ruler(page);
  assert.ok(labels.includes('02:00 CEST') && labels.includes('02:00 CET'), labels.join());
  const cells = await hourCells(page, /25 October/);
  assert.is(cells.length, 25);
  assert.equal(withFootage(cells), ['02:00 CEST', '02:00 CET']);
  await page.getByRole('button', { name: /^02:00 CET,/ }).click();
  await needleAt(page, AUTUMN_MS);
  assert.equal(errors, []);
  await page.context().close();
});

needs('the day of 23 hours has as many cells, and none for the hour that is left out', async () => {
  const { page } = await openAt(SPRING_MS, '&z=6h');
  const labels = await ruler(page);
  assert.ok(labels.includes('01:00') && labels.includes('03:00') && !labels.includes('02:00'), labels.join());
  const cells = await hourCells(page, /29 March/);
  assert.is(cells.length, 23);
  assert.equal(withFootage(cells), ['01:00', '03:00']);
  await page.context().close();
});

needs('a day further is the same time by the clock: 25 or 23 hours away', async () => {
  const { page } = await openAt(AUTUMN_MS - 9 * HOUR_MS);
  const [back, on] = ['Previous day, same time', 'Next day, same time'].map(name => page.getByRole('button', { name }));
  await on?.click();
  await needleAt(page, AUTUMN_MS + 16 * HOUR_MS);
  await back?.click();
  await needleAt(page, AUTUMN_MS - 9 * HOUR_MS);
  // The time that is left out becomes the instant of the change.
  await page.evaluate(`location.hash = '#/time?c=1&t=${SPRING_MS - 23.5 * HOUR_MS}'`);
  await needleAt(page, SPRING_MS - 23.5 * HOUR_MS);
  await on?.click();
  await needleAt(page, SPRING_MS);
  await page.evaluate(`location.hash = '#/time?c=1&t=${SPRING_MS - 13 * HOUR_MS}'`);
  await needleAt(page, SPRING_MS - 13 * HOUR_MS);
  await on?.click();
  await needleAt(page, SPRING_MS + 10 * HOUR_MS);
  await page.context().close();
});

needs("days are the reader's own, or the board's when that is wanted", async () => {
  const { page } = await openAt(NEW_YORK_MS, '&z=6h');
  // Berlin's clocks were changed a week before.
  const own = await hourCells(page, /1 November/);
  assert.equal([own.length, withFootage(own)], [24, ['06:00', '07:00']]);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'your time (UTC+1)' }).click();
  await page.getByRole('menuitemradio', { name: /^the board's time/ }).click();
  const cells = await hourCells(page, /1 November/);
  assert.is(cells.length, 25);
  const twice = withFootage(cells);
  assert.is(twice.length, 2);
  assert.match(twice.join(), /^01:00 \S+,01:00 \S+$/);
  await page.keyboard.press('Escape');
  await page.reload();
  await page.waitForSelector('.tl-needle');
  await needleAt(page, NEW_YORK_MS);
  // Whose clock it is is known once the board has said which zone it is in.
  await until(page, `document.querySelector('.tl-needle').ariaValueText.includes('1 November, 01:00:00')`);
  await page.context().close();
});

needs('a range across the change is as long as it took, and its file says when it begins', async () => {
  const { page } = await openAt(AUTUMN_MS, `&in=${AUTUMN_MS - 30_000}&out=${AUTUMN_MS + 30_000}`);
  const [from, to] = [page.getByLabel('From'), page.getByLabel('To', { exact: true })];
  assert.equal([await from.inputValue(), await to.inputValue()], ['02:59:30', '02:00:30']);
  await page.locator('.tl-export').getByText('1 min', { exact: true }).waitFor();
  // Of the two times of this name, the one that is near.
  await to.fill('02:00:40');
  await to.press('Enter');
  await page.locator('.tl-export').getByText('1 min 10 s', { exact: true }).waitFor();
  await page.locator('.tl-export').getByText('all of it recorded').waitFor();
  const [file] = await Promise.all([page.waitForEvent('download'), page.locator('.tl-export a[download]').click()]);
  assert.is(file.suggestedFilename(), 'Door 2026-10-25 02-59-30.mp4');
  const { video } = await probe(await file.path());
  const lengthS = (video.at(-1)?.ptsS ?? 0) - (video[0]?.ptsS ?? 0);
  // From the keyframe before it, at most a second.
  assert.ok(lengthS > 69.9 && lengthS < 71.1, `${lengthS} s`);
  await page.context().close();
});

test.run();
