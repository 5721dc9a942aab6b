// The events page in a real browser against the real service: what it says, what it marks, what arrives meanwhile.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera, Event, EventList } from '../../src/api/contract.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { axeFindings, DESKTOP, openPage, PHONE, until } from '../support/web-page.ts';

const problem = serviceProblem() ?? browserProblem();
const here = problem === undefined;
const test = suite('events page', { timeoutMs: 60_000 });
let browser: Browser;
let service: Service;
let first = 1;
let second = 2;

test.before(async () => {
  if (!here) return;
  service = await Service.start({ args: ['--demo'] });
  const { cameras } = await service.until<{ cameras: Camera[] }>(
    '/api/cameras',
    answer => answer.cameras.length >= 2 && answer.cameras.every(({ state }) => state.name === 'live'),
  );
  [first = 1, second = 2] = cameras.map(({ id }) => id);
  // Events merge when they lie close together.
  for (const camera of [first, second])
    await service.patch(`/api/cameras/${camera}`, { events: { mergeMs: 0, postRollMs: 1000 } });
  await new Promise(resolve => setTimeout(resolve, 6000));
  await trigger(first, 'person');
  await trigger(second, 'car');
  await trigger(first, 'dog');
  browser = await Browser.start();
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

/** Resolves with the event when it is over and has its picture. */
async function trigger(camera: number, label: string): Promise<Event> {
  const { event } = await service.post<{ event: string }>(`/api/cameras/${camera}/trigger`, {
    ...{ action: 'pulse', label, score: 0.8, durationMs: 1500 },
  });
  return service.until<Event>(
    `/api/events/${event}`,
    ({ endMs, picture }) => endMs !== undefined && picture !== undefined,
  );
}

async function all(): Promise<Event[]> {
  return (await service.get<EventList>('/api/events?limit=200')).events;
}

const cards = (page: Page) => page.locator('.ev-card');
const idsOf = (page: Page) =>
  page.evaluate<string[]>(`[...document.querySelectorAll('.ev-card')].map(card => card.dataset.event)`);

test.needs(
  here,
  problem ?? '',
  'check 35: a card says what, where, when and how much of before is kept, as the service has it',
  async () => {
    const { page, errors, foreign } = await openPage(browser, service, '#/events', DESKTOP);
    await until(page, `document.querySelectorAll('.ev-card').length >= 3`);
    const events = await all();
    assert.equal(
      await idsOf(page),
      events.map(event => event.id),
    );
    for (const [index, event] of events.entries()) {
      const { promisedMs, deliveredMs } = event.preRoll;
      const text = (await cards(page).nth(index).textContent()) ?? '';
      assert.ok(text.includes(event.labels[0] ?? ''), text);
      assert.ok(text.includes(`${(deliveredMs / 1000).toFixed(1)} s of ${promisedMs / 1000} s`), text);
      assert.ok(text.includes('unseen'), text);
    }
    await until(page, `[...document.querySelectorAll('.ev-picture')].every(one => one.naturalWidth > 0)`);
    assert.equal(errors, []);
    assert.equal(foreign, []);
    await page.context().close();
  },
);

test.needs(
  here,
  problem ?? '',
  'a clip plays in place, and an event that was played for a second has been seen',
  async () => {
    const { page, errors } = await openPage(browser, service, '#/events', DESKTOP);
    await until(page, `document.querySelectorAll('.ev-card').length >= 3`);
    const [id = ''] = await idsOf(page);
    await page.keyboard.press('j');
    await until(page, `document.querySelector('.ev-clip[data-state=playing] video[data-shown]')`);
    await service.until<Event>(`/api/events/${id}`, event => event.reviewed);
    await until(page, `document.querySelector('[data-event="${id}"]').dataset.seen === 'true'`);
    await page.keyboard.press('l');
    await service.until<Event>(`/api/events/${id}`, event => event.locked);
    await page.keyboard.press('l');
    await service.until<Event>(`/api/events/${id}`, event => !event.locked);
    await page.getByRole('button', { name: 'More about this event' }).click();
    await page.getByRole('menuitem', { name: 'Show in the timeline' }).click();
    await page.waitForSelector('.tl-needle');
    const startMs = Number(id.split('-')[1]);
    assert.is(Number(await page.getAttribute('.tl-needle', 'aria-valuenow')), startMs);
    assert.equal(errors, []);
    await page.context().close();
  },
);

test.needs(
  here,
  problem ?? '',
  'check 34: what happens meanwhile waits behind a pill, and the list does not move',
  async () => {
    const { page } = await openPage(browser, service, '#/events?show=all', DESKTOP);
    await until(page, `document.querySelectorAll('.ev-card').length >= 3`);
    const before = await idsOf(page);
    const event = await trigger(second, 'cat');
    await page.waitForSelector('.ev-pill');
    assert.match((await page.textContent('.ev-pill')) ?? '', /1 new/);
    assert.equal(await idsOf(page), before);
    await page.click('.ev-pill');
    await until(page, `document.querySelector('.ev-card').dataset.event === '${event.id}'`);
    assert.is(await page.$('.ev-pill'), null);
    await page.context().close();
  },
);

test.needs(here, problem ?? '', 'check 34: filters stand in the address and survive a reload', async () => {
  const { page } = await openPage(browser, service, '#/events?show=all', DESKTOP);
  await until(page, `document.querySelectorAll('.ev-card').length >= 3`);
  await page.locator('.ev-filter-fields').getByLabel('Kind').selectOption('person');
  await until(page, `document.querySelectorAll('.ev-card').length === 1`);
  assert.ok(page.url().endsWith('#/events?show=all&label=person'), page.url());
  await page.locator('.ev-filter-fields').getByLabel('Camera').selectOption(String(second));
  await page.waitForSelector('.empty');
  await page.reload();
  await page.waitForSelector('.empty');
  assert.ok(page.url().includes(`camera=${second}&label=person`), page.url());
  await page.getByRole('button', { name: 'Show all events' }).click();
  await until(page, `document.querySelectorAll('.ev-card').length >= 4`);
  await page.context().close();
});

test.needs(
  here,
  problem ?? '',
  'check 34: marks made without a connection are shown at once and sent later',
  async () => {
    const { page } = await openPage(browser, service, '#/events?show=all', DESKTOP);
    await until(page, `document.querySelectorAll('.ev-card').length >= 3`);
    const event = (await all()).find(one => !one.reviewed);
    assert.ok(event);
    await page.context().setOffline(true);
    await page.locator(`[data-event="${event.id}"]`).getByRole('button', { name: 'Mark as seen' }).click();
    await until(page, `document.querySelector('[data-event="${event.id}"]').dataset.seen === 'true'`);
    assert.not.ok((await service.get<Event>(`/api/events/${event.id}`)).reviewed);
    await page.context().setOffline(false);
    await service.until<Event>(`/api/events/${event.id}`, one => one.reviewed);
    await page.context().close();
  },
);

test.needs(here, problem ?? '', 'check 34: several are marked or deleted at once, and both can be undone', async () => {
  const { page } = await openPage(browser, service, '#/events?show=all', DESKTOP);
  await until(page, `document.querySelectorAll('.ev-card').length >= 4`);
  const ids = await idsOf(page);
  await page.locator('.ev-check').nth(0).check({ force: true });
  await page
    .locator('.ev-check')
    .nth(2)
    .click({ force: true, modifiers: ['Shift'] });
  await page.getByText('3 selected').waitFor();
  await page.getByRole('toolbar').getByRole('button', { name: 'Delete' }).click();
  await until(page, `document.querySelectorAll('.ev-card').length === ${ids.length - 3}`);
  await page.getByRole('button', { name: 'Undo' }).click();
  await until(page, `document.querySelectorAll('.ev-card').length === ${ids.length}`);
  assert.is((await all()).length, ids.length);
  const [gone = ''] = ids;
  await page.locator('.ev-check').nth(0).check({ force: true });
  await page.getByRole('toolbar').getByRole('button', { name: 'Delete' }).click();
  // Whoever leaves the page has not taken it back.
  await page.evaluate(`location.hash = '#/time'`);
  await service.until<EventList>('/api/events', ({ events }) => !events.some(event => event.id === gone));
  await page.context().close();
});

test.needs(
  here,
  problem ?? '',
  'on a phone a card opens in place, filters are in a sheet, and nothing scrolls sideways',
  async () => {
    const { page, errors } = await openPage(browser, service, '#/events?show=all&locked=true', PHONE);
    await page.waitForSelector('.empty');
    const button = page.locator('.ev-filter-button');
    assert.match((await button.textContent()) ?? '', /Filters \(1\)/);
    await button.click();
    await page.locator('dialog').getByRole('button', { name: 'Show everything' }).click();
    await until(page, `document.querySelectorAll('.ev-card').length >= 3`);
    await cards(page).nth(1).locator('.ev-main').click();
    await page.waitForSelector('.ev-in-place video[data-shown]');
    const [second] = await page.evaluate<string[]>(
      `[document.querySelector('.ev-in-place').previousElementSibling.dataset.event]`,
    );
    assert.is(second, (await idsOf(page))[1]);
    await page.getByRole('button', { name: 'Next event' }).click();
    await until(page, `document.querySelectorAll('.ev-card')[2].dataset.open === 'true'`);
    assert.is(await page.evaluate('document.documentElement.scrollWidth'), 390);
    assert.equal(errors, []);
    await page.context().close();
  },
);

test.needs(here, problem ?? '', 'one event has a page of its own, and one that is gone says so', async () => {
  const [event] = await all();
  assert.ok(event);
  const { page } = await openPage(browser, service, `#/event/${event.id}`, DESKTOP);
  await page.waitForSelector('.ev-clip');
  assert.match((await page.textContent('h1')) ?? '', new RegExp(event.labels[0] ?? ''));
  await page.evaluate(`location.hash = '#/event/1-5-0'`);
  await page.getByText('There is no such event').waitFor();
  await page.context().close();
});

test.needs(here, problem ?? '', 'nothing in its pages is out of reach for those who do not see them', async () => {
  for (const view of [PHONE, DESKTOP]) {
    const { page } = await openPage(browser, service, '#/events?show=all', view);
    await until(page, `document.querySelectorAll('.ev-card').length >= 3`);
    await page.keyboard.press('j');
    await page.waitForSelector('.ev-clip');
    for (const theme of ['dark', 'light']) {
      await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
      // Colours change over 120 ms.
      await page.waitForTimeout(300);
      assert.equal(await axeFindings(page), [], `${theme}, ${view.width}`);
    }
    await page.context().close();
  }
});

test.run();
