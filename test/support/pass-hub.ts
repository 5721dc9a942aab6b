// The step of the first run about go2rtc, for tests that are about other things: nothing is downloaded.
import type { Page } from 'playwright-core';

export async function passHub(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'go2rtc' }).waitFor();
  // Which of the two there is depends on whether this machine has it.
  await page.getByRole('button', { name: /^(Go on without|Continue)$/ }).click();
}
