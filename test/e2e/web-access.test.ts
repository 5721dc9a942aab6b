// Every page there is, in both themes, on a phone and on a computer: no finding of axe, nothing wider than the screen, no complaint
// of the browser, nothing asked of other machines.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { Browser, browserProblem, type Opened } from '../support/browser.ts';
import { ACCOUNT, Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('web access', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ROUTES = readFileSync(fileURLToPath(new URL('../../web/src/routes.ts', import.meta.url)), 'utf8');

/** As the program itself lists them. */
const PATTERNS = [...ROUTES.matchAll(/pattern: '([^']*)'/g)].map(([, pattern = '']) => pattern);
const PUBLIC = ['login', 'setup'];
/** Each page in both themes and at both widths; which go together takes turns, since each look costs a second. */
const VIEWS = [
  [
    { theme: 'dark', width: 390, height: 844 },
    { theme: 'light', width: 1280, height: 800 },
  ],
  [
    { theme: 'light', width: 390, height: 844 },
    { theme: 'dark', width: 1280, height: 800 },
  ],
] as const;
/** Pictures come and go, and what is loaded comes later. */
const SETTLE_MS = 800;

let browser: Browser;
let service: Service;
let opened: Opened;
const params: Record<string, string> = { id: '1', group: '1' };

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'] });
  await service.post('/api/groups', { name: 'Front', cameras: [1], layout: 'auto' });
  const { event } = await service.post<{ event: string }>('/api/cameras/1/trigger', {
    action: 'pulse',
    label: 'person',
  });
  params.event = event;
  opened = await browser.open(`${service.ready.url}/#/login`);
  const { page } = opened;
  await page.fill('input[name=username]', ACCOUNT.name);
  await page.fill('input[name=password]', ACCOUNT.password);
  await page.click('button[type=submit]');
  await page.locator('.nav').waitFor();
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

interface Finding {
  id: string;
  help: string;
  targets: string[];
}

/** WCAG 2.2 A and AA. */
async function findings(page: Page): Promise<Finding[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(context: Document, options: object): Promise<AxeResult> } };
    interface AxeResult {
      violations: { id: string; help: string; nodes: { target: unknown[]; failureSummary: string }[] }[];
    }
    const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run(document, { runOnly, resultTypes: ['violations'] });
    return violations.map(({ id, help, nodes }) => ({
      id,
      help,
      targets: nodes.slice(0, 5).map(({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary}`),
    }));
  });
}

/** How far the page can be scrolled sideways, px. */
function excess(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

function addressOf(pattern: string): string {
  const named = pattern.startsWith('event/') ? { ...params, id: params.event ?? '' } : params;
  return pattern.replace(/\{(\w+)\}/g, (_, name: string) => (named as Record<string, string>)[name] ?? '');
}

let judged = 0;

async function judge(page: Page, errors: string[], foreign: string[]): Promise<void> {
  for (const { theme, width, height } of VIEWS[judged++ % 2] ?? []) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(SETTLE_MS / 2);
    assert.equal(await findings(page), [], `${theme} ${width}`);
    assert.ok((await excess(page)) <= 0, `${theme} ${width}: wider than the screen`);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  await page.waitForTimeout(SETTLE_MS / 2);
  assert.ok((await excess(page)) <= 0, 'wider than 320 px');
  // Letters twice as large, as browsers can be set to.
  await page.setViewportSize({ width: 640, height: 800 });
  await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'));
  await page.waitForTimeout(SETTLE_MS / 2);
  assert.ok((await excess(page)) <= 0, 'wider than 640 px with large letters');
  await page.evaluate(() => document.documentElement.style.removeProperty('font-size'));
  assert.equal({ errors, foreign }, { errors: [], foreign: [] });
}

for (const pattern of PATTERNS.filter(name => !PUBLIC.includes(name)))
  test.needs(problem === undefined, problem ?? '', `checks 1 and 40: #/${pattern}`, async () => {
    const { page, errors, foreign } = opened;
    errors.length = 0;
    await page.evaluate(address => void (location.hash = address), `#/${addressOf(pattern)}`);
    await page.locator('main h1').waitFor({ state: 'attached' });
    await page.waitForTimeout(SETTLE_MS);
    assert.is(await page.locator('main').getByText('There is no such page').count(), 0);
    assert.is(await page.evaluate(() => document.activeElement?.tagName), 'H1', 'the heading has the focus');
    assert.match(await page.title(), / · Thimble$/);
    await judge(page, errors, foreign);
  });

test.needs(problem === undefined, problem ?? '', 'checks 1 and 40: #/login', async () => {
  const { page, errors, foreign } = await browser.open(`${service.ready.url}/#/login`);
  await page.locator('main h1').waitFor();
  await judge(page, errors, foreign);
  await page.context().close();
});

test.needs(problem === undefined, problem ?? '', 'check 1: what breaks the policy is complained of', async () => {
  const { page, errors } = await browser.open(`${service.ready.url}/#/login`);
  await page.locator('main h1').waitFor();
  const breaches = {
    script: `document.head.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))`,
    style: `document.body.setAttribute('style', 'color: red')`,
    picture: `document.body.append(Object.assign(new Image(), { src: 'http://localhost:9/x.png' }))`,
  };
  for (const [name, breach] of Object.entries(breaches)) {
    errors.length = 0;
    await page.evaluate(breach);
    await page.waitForTimeout(300);
    assert.ok(
      errors.some(text => /Content Security Policy/.test(text)),
      `${name}: ${errors}`,
    );
  }
  assert.is(await page.evaluate('window.ran'), undefined);
  await page.context().close();
});

test.needs(problem === undefined, problem ?? '', 'checks 1 and 40: #/setup', async () => {
  const fresh = await Service.start({ account: false });
  const { page, errors, foreign } = await browser.open(`${fresh.ready.url}/`);
  await page.locator('input[name=code]').waitFor();
  await judge(page, errors, foreign);
  await page.context().close();
  await fresh.stop();
});

test.run();
