// The main tasks with the keyboard alone in Chromium: logging in, looking around, one camera, a time, the events, and back.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { Browser, browserProblem } from '../support/browser.ts';
import { ACCOUNT, Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('web keyboard', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();

let browser: Browser;
let service: Service;
let page: Page;
let errors: string[];
test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'] });
  ({ page, errors } = await browser.open(`${service.ready.url}/`, { width: 1280, height: 800 }));
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', name, body);
}

/** What has the focus, by its accessible name or its text. */
const focused = () =>
  page.evaluate(() => {
    const { activeElement: element } = document;
    return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? '';
  });

/** Presses Tab, or Shift and Tab, until something of this name has the focus. */
async function tabTo(name: RegExp, most: number, key = 'Tab'): Promise<void> {
  for (let press = 0; press < most; press++) {
    await page.keyboard.press(key);
    if (name.test(await focused())) return;
  }
  throw new Error(`${name} cannot be reached by Tab; the focus is on "${await focused()}"`);
}

async function opened(hash: RegExp): Promise<void> {
  await page.waitForFunction(text => new RegExp(text).test(location.hash), hash.source);
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
}

needs('logs in', async () => {
  await page.locator('input[name=username]').waitFor();
  await page.keyboard.press('Tab');
  while ((await page.evaluate(() => (document.activeElement as HTMLInputElement).name)) !== 'username')
    await page.keyboard.press('Tab');
  await page.keyboard.type(ACCOUNT.name);
  await page.keyboard.press('Tab');
  await page.keyboard.type(ACCOUNT.password);
  await page.keyboard.press('Enter');
  await page.locator('.grid-cell').nth(1).waitFor();
});

needs('moves over the grid and opens a camera, and comes back to it', async () => {
  await page.keyboard.press('ArrowRight');
  const at = () => page.evaluate(() => document.activeElement?.closest<HTMLElement>('.grid-cell')?.dataset.camera);
  assert.is(await at(), '1');
  await page.keyboard.press('ArrowRight');
  assert.is(await at(), '2');
  await page.keyboard.press('Enter');
  await opened(/^#\/cam\/2/);
  await page.goBack();
  await page.locator('.grid-cell').first().waitFor();
});

needs('shows the keys, goes from page to page, and to a time', async () => {
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('3');
  await opened(/^#\/events/);
  await page.keyboard.press('2');
  await opened(/^#\/time/);
  await page.keyboard.press('1');
  await opened(/^#\/$/);
  await page.keyboard.press('g');
  await page.getByRole('dialog', { name: 'Go to a time' }).waitFor();
  await page.keyboard.press('Enter');
  await opened(/^#\/time\?.*t=\d+/);
});

needs('skips to the page and to the navigation, and reaches everything in it', async () => {
  await page.keyboard.press('1');
  await opened(/^#\/$/);
  await tabTo(/Skip to the navigation/, 10, 'Shift+Tab');
  await page.keyboard.press('Enter');
  assert.match(await focused(), /^Live/);
  await tabTo(/^Settings/, 8);
  await page.keyboard.press('Enter');
  await opened(/^#\/set/);
});

needs('typing is not taken for keys, and keys can be switched off', async () => {
  await page.evaluate(() => void (location.hash = '#/set/me'));
  await opened(/^#\/set\/me/);
  const field = page.getByLabel('New password');
  await field.focus();
  await page.keyboard.type('1g?3');
  assert.is(await field.inputValue(), '1g?3');
  assert.match(page.url(), /#\/set\/me$/);
  await page.getByLabel('Single keys do something').focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('1');
  await page.waitForTimeout(300);
  assert.match(page.url(), /#\/set\/me$/);
  await page.keyboard.press('Space');
  await page.keyboard.press('1');
  await opened(/^#\/$/);
  assert.equal(errors, []);
});

test.run();
