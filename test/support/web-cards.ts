// The cards by which pages tell of what is wrong.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';

/** Troubles show after some seconds each, on a busy machine later. */
const LIMIT_MS = 40_000;

const cards = (page: Page, text: RegExp) => page.locator('main .note', { hasText: text });

/** Waits for the card that says `text`: there is one, and behind the first sentence stands what to do. */
export async function isOneCard(page: Page, text: RegExp, cure: RegExp): Promise<void> {
  const found = cards(page, text);
  await found.first().waitFor({ timeout: LIMIT_MS });
  assert.is(await found.count(), 1);
  assert.match((await found.locator('p').allTextContents()).slice(1).join(' '), cure);
}

/** Waits until no card says it any more. */
export async function cardGoes(page: Page, text: RegExp): Promise<void> {
  await cards(page, text).first().waitFor({ state: 'detached', timeout: LIMIT_MS });
}
