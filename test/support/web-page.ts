// Pages of the service in a browser, as somebody who is logged in, and what axe-core says of them.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import type { Browser, Opened, View } from './browser.ts';
import { ACCOUNT, type Service } from './service.ts';

export const PHONE: View = { width: 390, height: 844, phone: true };
export const DESKTOP: View = { width: 1440, height: 900 };

/** `hash` as in `#/time`. Resolves when the page of that address is there. */
export async function openPage(
  browser: Browser,
  service: Service,
  hash: string,
  view: View,
  account = ACCOUNT,
): Promise<Opened> {
  const opened = await browser.open(new URL('/api/health', service.ready.url).href, view);
  const { page } = opened;
  const login = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(account) };
  const status = await page.evaluate(`fetch('/api/login', ${JSON.stringify(login)}).then(answer => answer.status)`);
  if (status !== 200) throw new Error(`logging in: ${status}`);
  // The page asks who is there only where somebody was before.
  await page.evaluate(`localStorage.setItem('thimble', '{"wasIn":true}')`);
  // What came before is not the page's fault: browsers ask for an icon everywhere.
  opened.errors.length = 0;
  await page.goto(new URL(`/${hash}`, service.ready.url).href);
  await page.waitForSelector('main h1');
  return opened;
}

/** Rules that are broken on the page as it is now, each with the first element that breaks it. */
export async function axeFindings(page: Page): Promise<string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source);
  // Colours on their way from one theme to the other have no contrast yet.
  await until(page, 'document.getAnimations().every(one => !(one instanceof CSSTransition))');
  return page.evaluate<string[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
       violations.map(({ id, nodes }) => id + ': ' + nodes[0].html.slice(0, 300) + ' ' + nodes[0].failureSummary))`,
  );
}

/** Asks the page until `expression` is true; rejects after `limitMs` with what `expression` gave. */
export async function until(page: Page, expression: string, limitMs = 30_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await page.evaluate(expression);
    if (value) return;
    if (Date.now() > deadline) {
      const shown = await page.evaluate("document.querySelector('main')?.innerText.slice(0, 400)");
      throw new Error(`not within ${limitMs} ms: ${expression}; the page says: ${shown}`);
    }
    await page.waitForTimeout(50);
  }
}
