// The timeline in a real browser against the real service: seeking, zooming, gaps, export, keys, fingers, and the list that says the
// same in words.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera, SegmentList, Timeline } from '../../src/api/contract.ts';
import { Browser, browserProblem, type View } from '../support/browser.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { axeFindings, DESKTOP, openPage, PHONE, until } from '../support/web-page.ts';

const problem = serviceProblem() ?? browserProblem();
const test = suite('timeline page', { timeoutMs: 60_000 });
let browser: Browser;
let service: Service;
let cameras: number[] = [];
/** In the middle of footage of all cameras, with an event. */
let eventMs = 0;
/** A gap of the first camera, because somebody switched its recording off. */
let gapMs = 0;

test.before(async () => {
  if (problem !== undefined) return;
  service = await Service.start({ args: ['--demo'] });
  const { cameras: list } = await service.until<{ cameras: Camera[] }>(
    '/api/cameras',
    answer => answer.cameras.length >= 2 && answer.cameras.every(({ state }) => state.name === 'live'),
  );
  cameras = list.map(({ id }) => id);
  const [first = 1] = cameras;
  await recordedUntil(first, Date.now() + 3000);
  await service.post(`/api/cameras/${first}/trigger`, { action: 'pulse', label: 'person', durationMs: 2000 });
  eventMs = Date.now();
  await recordedUntil(first, eventMs + 3000);
  await service.patch(`/api/cameras/${first}`, { record: { mode: 'off' } });
  gapMs = Date.now() + 1500;
  await new Promise(resolve => setTimeout(resolve, 3000));
  await service.patch(`/api/cameras/${first}`, { record: { mode: 'continuous' } });
  await recordedUntil(first, Date.now() + 3000);
  browser = await Browser.start();
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

/** Resolves when footage of the camera reaches `ms`. */
async function recordedUntil(camera: number, ms: number): Promise<void> {
  await service.until<Timeline>(
    `/api/timeline?camera=${camera}&startMs=${ms - 60_000}&endMs=${ms + 60_000}`,
    ({ cameras: [lane] }) => lane?.footage.some(([, endMs]) => endMs >= ms) ?? false,
    30_000,
  );
}

interface Seen {
  needleMs: number;
  startMs: number;
  endMs: number;
  left: number;
  width: number;
  top: number;
  isPlaying: boolean;
  isLive: boolean;
}

async function look(page: Page): Promise<Seen> {
  return page.evaluate<Seen>(`(() => {
    const needle = document.querySelector('.tl-needle');
    const { left, width, top } = document.querySelector('.tl-stage').getBoundingClientRect();
    const number = name => Number(needle.getAttribute('aria-value' + name));
    return {
      needleMs: number('now'), startMs: number('min'), endMs: number('max'), left, width, top,
      isPlaying: document.querySelector('.tl-transport [data-kind=primary]').getAttribute('aria-label') === 'Pause',
      isLive: document.querySelector('.tl-now').getAttribute('aria-pressed') === 'true',
    };
  })()`);
}

const xOf = ({ startMs, endMs, left, width }: Seen, ms: number) => left + ((ms - startMs) / (endMs - startMs)) * width;
const timeAt = ({ startMs, endMs, left, width }: Seen, x: number) => startMs + ((x - left) / width) * (endMs - startMs);

/** The picture shows a frame at the needle and waits for nothing. */
async function shown(page: Page): Promise<void> {
  await until(page, `!!document.querySelector('.tl-picture[data-state=paused] video[data-shown]')`);
}

/** A page at the event, ten minutes wide, with its lanes loaded and its picture shown. */
async function atEvent(view: View, query = '&z=10m'): Promise<{ page: Page; errors: string[]; foreign: string[] }> {
  const opened = await openPage(browser, service, `#/time?c=${cameras[0]}&t=${eventMs}${query}`, view);
  await shown(opened.page);
  return opened;
}

const here = problem === undefined;

test.needs(
  here,
  problem ?? '',
  'it opens at the present, a click seeks and keeps it playing, only "Now" returns',
  async () => {
    const { page, errors, foreign } = await openPage(browser, service, '#/time', DESKTOP);
    await until(page, `!!document.querySelector('.tl-picture[data-state=live] video[data-shown]')`);
    assert.ok((await look(page)).isLive);
    const before = await look(page);
    const wantedMs = eventMs;
    await page.evaluate(`location.hash = '#/time?c=${cameras[0]}&t=${wantedMs}&z=10m'`);
    await until(page, `!!document.querySelector('.tl-picture:not([data-state=live]) video[data-shown]')`);
    const there = await look(page);
    assert.ok(!there.isLive && there.isPlaying && before.isPlaying, 'a seek leaves playing alone');
    const x = xOf(there, eventMs + 1000);
    await page.mouse.click(x, there.top + 60);
    await until(
      page,
      `Math.abs(document.querySelector('.tl-needle').getAttribute('aria-valuenow') - ${eventMs + 1000}) < 5000`,
    );
    assert.ok((await look(page)).isPlaying);
    await page.getByRole('button', { name: 'Now' }).click();
    await until(page, `!!document.querySelector('.tl-picture[data-state=live] video[data-shown]')`);
    assert.equal(errors, []);
    assert.equal(foreign, []);
    await page.context().close();
  },
);

test.needs(
  here,
  problem ?? '',
  'check 25: the wheel and the buttons zoom around what they should, and the zoom survives a reload',
  async () => {
    const { page } = await atEvent(DESKTOP, '&z=24h');
    const before = await look(page);
    const x = Math.round(before.left + before.width * 0.8);
    const anchorMs = timeAt(before, x);
    await page.mouse.move(x, before.top + 60);
    for (let notch = 0; notch < 30; notch++) {
      await page.mouse.wheel(0, -100);
      const now = await look(page);
      assert.ok(Math.abs(xOf(now, anchorMs) - x) <= 1, `${xOf(now, anchorMs)} instead of ${x}`);
    }
    await until(
      page,
      `(needle => needle.ariaValueMax - needle.ariaValueMin === 60_000)(document.querySelector('.tl-needle'))`,
    );
    await until(page, `location.hash.includes('z=1m')`);
    await page.evaluate(`location.hash = '#/time?c=${cameras[0]}&t=${eventMs}&z=24h'`);
    await until(
      page,
      `(needle => needle.ariaValueNow == ${eventMs} && needle.ariaValueMax - needle.ariaValueMin > 80_000_000)(document.querySelector('.tl-needle'))`,
    );
    const spans: number[] = [];
    for (let step = 0; step < 8; step++) {
      const wide = await look(page);
      const needleX = xOf(wide, wide.needleMs);
      await page.getByRole('button', { name: 'Zoom in' }).click();
      const now = await look(page);
      assert.ok(Math.abs(xOf(now, now.needleMs) - needleX) <= 1);
      spans.push((now.endMs - now.startMs) / 60_000);
    }
    assert.equal(spans.map(Math.round), [720, 360, 120, 60, 30, 10, 5, 1]);
    await page.getByRole('button', { name: 'Show 2h' }).click();
    await until(page, `location.hash.includes('z=2h')`);
    await page.reload();
    await page.waitForSelector('.tl-needle');
    const after = await look(page);
    assert.is(Math.round((after.endMs - after.startMs) / 60_000), 120);
    assert.is(after.needleMs, eventMs);
    await page.context().close();
  },
);

test.needs(
  here,
  problem ?? '',
  'check 23: a gap has its card with the reason, and the list says the same in words',
  async () => {
    const { page, errors } = await atEvent(DESKTOP);
    await page.evaluate(`location.hash = '#/time?c=${cameras[0]}&t=${gapMs}&z=10m'`);
    await page.waitForSelector('.tl-card');
    const card = (await page.textContent('.tl-card')) ?? '';
    assert.match(card, /recording switched off/);
    await page.evaluate(`location.hash = '#/time?c=${cameras[0]}&t=${gapMs}&in=${gapMs - 8000}&out=${gapMs + 300}'`);
    await page.waitForSelector('.tl-export li:has-text("about")');
    const inside = (await page.textContent('.tl-export li')) ?? '';
    assert.match(inside, /\d:\d\d of 0:08, .*\d s recording switched off, about \d/);
    await page.keyboard.press('x');
    await page.getByRole('button', { name: 'Go on after it' }).click();
    await until(page, `!document.querySelector('.tl-card')`);
    assert.ok((await look(page)).needleMs > gapMs);
    await page.getByRole('button', { name: 'List' }).click();
    const rows = await page.locator('.tl-row').allTextContents();
    assert.ok(
      rows.some(row => /Gap .* to .*, recording switched off/.test(row)),
      rows.join('\n'),
    );
    const event = page.locator('.tl-row', { hasText: 'person' }).first();
    await event.click();
    await page.getByRole('button', { name: 'List' }).click();
    await page.waitForSelector('.tl-needle');
    const text = (await page.getAttribute('.tl-needle', 'aria-valuetext')) ?? '';
    assert.match(text, /recorded, person for \d+ s/);
    assert.equal(errors, []);
    await page.context().close();
  },
);

test.needs(
  here,
  problem ?? '',
  'check 24: while scrubbing, one picture is fetched at a time, and none over a gap',
  async () => {
    const { page } = await atEvent(DESKTOP, '&z=1m');
    // The strip's own pictures come first.
    await until(page, `!document.querySelector('.tl-thumb[data-state=waiting]')`);
    const asked: string[] = [];
    let busy = 0;
    let most = 0;
    const isPicture = (url: string) => url.includes('/keyframe');
    page.on('request', request => {
      if (!isPicture(request.url())) return;
      asked.push(request.url());
      most = Math.max(most, ++busy);
    });
    const ended = (request: { url(): string }) => void (isPicture(request.url()) && busy--);
    page.on('requestfinished', ended);
    page.on('requestfailed', ended);
    const seen = await look(page);
    const y = seen.top + 10;
    await page.mouse.move(xOf(seen, eventMs), y);
    await page.mouse.down();
    for (let step = 0; step < 30; step++) await page.mouse.move(xOf(seen, eventMs - step * 100), y);
    await page.mouse.up();
    await shown(page);
    assert.ok(most <= 1, `${most} at once`);
    asked.length = 0;
    await page.evaluate(`location.hash = '#/time?c=${cameras[0]}&t=${gapMs}&z=1m'`);
    await page.waitForSelector('.tl-card');
    const inGap = await look(page);
    await page.mouse.move(xOf(inGap, gapMs), y);
    await page.mouse.down();
    for (let step = 0; step < 10; step++) await page.mouse.move(xOf(inGap, gapMs + step * 20), y);
    await page.mouse.up();
    assert.equal(asked, []);
    await page.context().close();
  },
);

test.needs(
  here,
  problem ?? '',
  'check 31: keys seek, zoom, jump to events and mark a range; the buttons agree',
  async () => {
    const { page } = await atEvent(DESKTOP);
    const press = async (key: string) => {
      await page.keyboard.press(key);
      return look(page);
    };
    const start = await look(page);
    assert.is((await press('ArrowRight')).needleMs, start.needleMs + 5000);
    assert.is((await press('ArrowLeft')).needleMs, start.needleMs);
    assert.is((await press('Shift+ArrowLeft')).needleMs, start.needleMs - 60_000);
    assert.is((await press('Shift+ArrowRight')).needleMs, start.needleMs);
    const near = await press('+');
    assert.is(Math.round((near.endMs - near.startMs) / 60_000), 5);
    await page.keyboard.press('Shift+ArrowLeft');
    await page.keyboard.press(']');
    await until(
      page,
      `Math.abs(document.querySelector('.tl-needle').getAttribute('aria-valuenow') - ${eventMs}) < 3000`,
    );
    const byKey = (await look(page)).needleMs;
    await page.keyboard.press('Shift+ArrowLeft');
    await page.getByRole('button', { name: 'Next event' }).click();
    await until(page, `document.querySelector('.tl-needle').getAttribute('aria-valuenow') == ${byKey}`);
    await page.keyboard.press('i');
    await page.waitForSelector('.tl-export');
    assert.is((await page.$$('.tl-handle')).length, 2);
    await page.keyboard.press('Escape');
    assert.is(await page.$('.tl-export'), null);
    assert.not.ok((await look(page)).isPlaying);
    await page.locator('.tl-needle').focus();
    await page.keyboard.press(' ');
    assert.ok((await look(page)).isPlaying);
    await page.keyboard.press(' ');
    assert.not.ok((await look(page)).isPlaying);
    await page.context().close();
  },
);

test.needs(
  here,
  problem ?? '',
  'check 32: a range is set by keys, by mouse and by typing; its file has the camera and the time in its name',
  async () => {
    const { page } = await atEvent(DESKTOP, '&z=5m');
    await page.getByRole('button', { name: 'Export' }).click();
    const from = page.getByLabel('From');
    const ends = async () =>
      page.evaluate<number[]>(
        `[...document.querySelectorAll('.tl-handle')].map(one => Number(one.getAttribute('aria-valuenow')))`,
      );
    const [inMs = 0, outMs = 0] = await ends();
    assert.ok(outMs > inMs);
    await page.locator('.tl-handle').first().focus();
    await page.keyboard.press('ArrowRight');
    assert.equal(await ends(), [inMs + 1000, outMs]);
    const typedMs = Math.floor(eventMs / 1000) * 1000 - 2000;
    await from.fill(new Date(typedMs).toISOString().slice(11, 19));
    await from.press('Enter');
    assert.equal(await ends(), [typedMs, outMs]);
    await from.fill('25:99');
    await page.waitForSelector('.field-error');
    await from.press('Escape');
    const seen = await look(page);
    await page.mouse.move(xOf(seen, outMs), seen.top + 60);
    await page.mouse.down();
    await page.mouse.move(xOf(seen, eventMs + 2000), seen.top + 60, { steps: 4 });
    await page.mouse.up();
    const [, movedMs = 0] = await ends();
    assert.ok(Math.abs(movedMs - (eventMs + 2000)) < 1000, `${movedMs - eventMs}`);
    await page.waitForSelector('.tl-export li:has-text("about")');
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator('.tl-export a[download]').click()]);
    assert.match(file.suggestedFilename(), /^Demo 1 \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.mp4$/);
    await page.context().close();
  },
);

test.needs(
  here,
  problem ?? '',
  'check 26: on a phone a finger moves the track under the needle, and the page still scrolls',
  async () => {
    const { page, errors } = await atEvent(PHONE);
    const start = await look(page);
    const pixelMs = (start.endMs - start.startMs) / start.width;
    const middle = (seen: Seen) => (seen.startMs + seen.endMs) / 2;
    assert.ok(Math.abs(middle(start) - start.needleMs) < pixelMs);
    const touch = await page.context().newCDPSession(page);
    const points = (x: number, y: number) => ({ touchPoints: [{ x, y }] });
    const y = start.top + 60;
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', ...points(200, y) });
    for (let x = 200; x <= 290; x += 10) {
      await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', ...points(x, y) });
    }
    // A finger that rests begins no fling.
    await page.waitForTimeout(150);
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    const after = await look(page);
    const wayMs = start.needleMs - after.needleMs;
    const expectedMs = (90 / start.width) * (start.endMs - start.startMs);
    assert.ok(Math.abs(wayMs - expectedMs) < expectedMs * 0.25, `${wayMs} of ${expectedMs}`);
    assert.ok(Math.abs(middle(after) - after.needleMs) < pixelMs);
    assert.is(await page.evaluate(`getComputedStyle(document.querySelector('.tl-track')).touchAction`), 'pan-y');
    assert.is(await page.evaluate('document.documentElement.scrollWidth'), 390);
    assert.equal(errors, []);
    await page.context().close();
  },
);

test.needs(here, problem ?? '', 'day and hour are two taps away in the calendar', async () => {
  const { page } = await atEvent(PHONE);
  await page.getByRole('button', { name: /^Choose a day/ }).click();
  const day = page.locator('.cal-day[aria-current=date]');
  await until(page, `document.querySelector('.cal-day[aria-current=date]').dataset.events === 'true'`);
  assert.match((await day.getAttribute('aria-label')) ?? '', /footage, events/);
  await day.click();
  const hour = new Date(eventMs).getUTCHours();
  await page.locator('.cal-hour').nth(hour).click();
  await until(page, `!document.querySelector('dialog')`);
  const { needleMs } = await look(page);
  assert.is(needleMs, Math.floor(eventMs / 3_600_000) * 3_600_000);
  await page.context().close();
});

test.needs(
  here,
  problem ?? '',
  'check 28: many lanes, gaps and events stay few nodes, and a list of them too',
  async () => {
    const others: number[] = [];
    for (let n = 3; n <= 8; n++) {
      const main = { url: `rtsp://10.0.0.${n}/` };
      others.push((await service.post<Camera>('/api/cameras', { name: `Camera ${n}`, enabled: false, main })).id);
    }
    const { page } = await openPage(browser, service, '#/events', DESKTOP);
    await page.route('**/api/timeline?*', route => {
      const query = new URL(route.request().url()).searchParams;
      const startMs = Number(query.get('startMs'));
      const spanMs = Number(query.get('endMs')) - startMs;
      const at = (share: number) => Math.round(startMs + share * spanMs);
      const lanes = query.getAll('camera').map(id => ({
        camera: Number(id),
        footage: Array.from({ length: 20 }, (_, n) => [at(n / 20), at((n + 0.9) / 20)]),
        gaps: Array.from({ length: 20 }, (_, n) => ({
          startMs: at((n + 0.9) / 20),
          endMs: at((n + 1) / 20),
          reason: 'offline',
        })),
        events: Array.from({ length: 60 }, (_, n) => ({
          id: `${id}-${at(n / 60)}-0`,
          startMs: at(n / 60),
          endMs: at(n / 60) + 9000,
          label: 'person',
        })),
        ...{ more: 565, activity: '0123456789abcdef'.repeat(45) },
      }));
      return route.fulfill({ status: 200, contentType: 'application/json', body: JSON.stringify({ cameras: lanes }) });
    });
    await page.evaluate(`location.hash = '#/time?t=${eventMs}&z=24h'`);
    await until(page, `document.querySelectorAll('.tl-lane').length === 8`);
    await until(page, `document.querySelector('.tl-lane .unseen').textContent.includes('gaps, ')`);
    const nodes = () => page.evaluate<number>(`document.querySelectorAll('*').length`);
    assert.ok((await nodes()) <= 1500, `${await nodes()}`);
    await page.getByRole('button', { name: 'List' }).click();
    await page.waitForSelector('.tl-row');
    assert.ok((await nodes()) <= 1500, `${await nodes()}`);
    await page.context().close();
    for (const id of others) await service.delete(`/api/cameras/${id}`);
  },
);

test.needs(here, problem ?? '', 'nothing in its pages is out of reach for those who do not see them', async () => {
  for (const view of [PHONE, DESKTOP, { width: 320, height: 640 }]) {
    const { page } = await atEvent(view);
    for (const theme of ['dark', 'light']) {
      await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
      // Colours change over 120 ms.
      await page.waitForTimeout(300);
      assert.equal(await axeFindings(page), [], `${theme}, ${view.width}`);
    }
    assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= (view.width ?? 0));
    await page.getByRole('button', { name: 'List' }).click();
    await page.keyboard.press('i');
    await page.waitForSelector('.tl-export');
    assert.equal(await axeFindings(page), [], `list, ${view.width}`);
    await page.context().close();
  }
});

test.needs(here, problem ?? '', 'check 33: footage that is deleted leaves the lane without a reload', async () => {
  const { segments } = await service.get<SegmentList>(`/api/segments?camera=${cameras[0]}&stream=main`);
  const [segment] = segments;
  assert.ok(segment && !segment.open);
  const ms = Math.round((segment.startMs + segment.endMs) / 2);
  const { page, errors } = await openPage(browser, service, `#/time?c=${cameras[0]}&t=${ms}&z=10m`, DESKTOP);
  const says = (what: string) => until(page, `document.querySelector('.tl-needle')?.ariaValueText.includes('${what}')`);
  await says(', recorded');
  assert.equal(errors, []);
  await service.delete(`/api/segments/${segment.id}`);
  await says('deleted');
  // Bytes of the file may have been asked for in the same moment.
  assert.equal(
    errors.filter(error => !error.includes('404')),
    [],
  );
  await page.context().close();
});

test.run();
