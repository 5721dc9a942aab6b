// Between the grid and the page of a camera, a hundred times: nothing of it stays.
import type { CDPSession, Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { Browser, browserProblem } from '../support/browser.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { DESKTOP, openPage, until } from '../support/web-page.ts';

const test = suite('web camera page, again and again', { timeoutMs: 240_000 });
const problem = serviceProblem() ?? browserProblem();
const MOST_GROWTH_BYTES = 2_000_000;

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

/** No handle of an element is taken: the browser would keep the element for us. */
async function round(page: Page): Promise<void> {
  await page.evaluate("document.querySelector('.tile-open').click()");
  await until(page, "!!document.querySelector('.camera-picture video[data-shown]')");
  await page.evaluate('history.back()');
  await until(page, "!!document.querySelector('.tile video[data-shown]')");
}

/** Of what is still reachable. */
async function facts(page: Page, devTools: CDPSession): Promise<{ heapBytes: number; videos: number }> {
  await page.waitForTimeout(1500);
  await devTools.send('HeapProfiler.collectGarbage');
  const { result } = await devTools.send('Runtime.evaluate', { expression: 'HTMLVideoElement.prototype' });
  const { objects } = await devTools.send('Runtime.queryObjects', { prototypeObjectId: result.objectId ?? '' });
  const functionDeclaration = 'function() { return this.length; }';
  const count = await devTools.send('Runtime.callFunctionOn', {
    ...(objects.objectId ? { objectId: objects.objectId } : {}),
    functionDeclaration,
  });
  if (objects.objectId) await devTools.send('Runtime.releaseObject', { objectId: objects.objectId });
  const { usedSize } = await devTools.send('Runtime.getHeapUsage');
  return { heapBytes: usedSize, videos: count.result.value };
}

test.needs(
  problem === undefined,
  problem ?? '',
  'check 10: a hundred visits leave no video, no socket and no heap',
  async () => {
    const { page, errors } = await openPage(browser, service, '#/', DESKTOP);
    let sockets = 0;
    page.on('websocket', socket => {
      sockets++;
      socket.on('close', () => sockets--);
    });
    const devTools = await page.context().newCDPSession(page);
    await devTools.send('HeapProfiler.enable');
    for (let count = 0; count < 5; count++) await round(page);
    const before = { ...(await facts(page, devTools)), sockets };
    for (let count = 0; count < 100; count++) await round(page);
    const after = { ...(await facts(page, devTools)), sockets };
    const told = JSON.stringify([before, after]);
    assert.is(after.videos, before.videos, told);
    assert.is(after.sockets, before.sockets, told);
    assert.ok(after.heapBytes - before.heapBytes < MOST_GROWTH_BYTES, told);
    assert.equal(errors, []);
  },
);

test.run();
