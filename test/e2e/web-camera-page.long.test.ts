// Between the grid and the page of a camera, two hundred times: nothing of it stays.
import * as assert from 'uvu/assert';
import { Browser, browserProblem } from '../support/browser.ts';
import { PageCounter, visitCamera } from '../support/page-facts.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { DESKTOP, openPage } from '../support/web-page.ts';

const test = suite('web camera page, again and again', { timeoutMs: 600_000 });
const problem = serviceProblem() ?? browserProblem();
const MOST_GROWTH_BYTES = 2_000_000;
const SETTLE_MS = 1500;

let browser: Browser;
let service: Service;
test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'] });
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

test.needs(
  problem === undefined,
  problem ?? '',
  'check 10: two hundred visits leave no video, no socket and no heap',
  async () => {
    const { page, errors } = await openPage(browser, service, '#/', DESKTOP);
    const counter = await PageCounter.of(page);
    for (let count = 0; count < 5; count++) await visitCamera(page);
    await page.waitForTimeout(SETTLE_MS);
    const before = await counter.facts();
    for (let count = 0; count < 200; count++) await visitCamera(page);
    await page.waitForTimeout(SETTLE_MS);
    const after = await counter.facts();
    const told = JSON.stringify([before, after]);
    assert.is(after.videos, before.videos, told);
    assert.is(after.sockets, before.sockets, told);
    assert.ok(after.heapBytes - before.heapBytes < MOST_GROWTH_BYTES, told);
    assert.equal(errors, []);
  },
);

test.run();
