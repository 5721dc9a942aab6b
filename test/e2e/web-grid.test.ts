// The grid in Chromium with twenty cameras: pages, sockets only for what is seen, stills that move when something happens, groups.
import type { Page, WebSocket } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera, GroupList } from '../../src/api/contract.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { ACCOUNT, Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('web grid in a browser', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();
const CAMERAS = 20;

let browser: Browser;
let service: Service;
test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'] });
  const { cameras } = await service.get<{ cameras: Camera[] }>('/api/cameras');
  const { main, sub } = cameras[0] as Camera;
  for (let number = cameras.length + 1; number <= CAMERAS; number++)
    await service.post('/api/cameras', {
      name: `Camera ${number}`,
      main: { url: main.url },
      sub: { url: sub?.url },
      record: { mode: 'off' },
    });
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', name, body);
}

/** A page that is logged in and shows the grid, and the cameras whose live pictures it gets. */
async function openGrid(): Promise<{ page: Page; live: () => number[]; errors: string[] }> {
  const { page, errors } = await browser.open(`${service.ready.url}/#/login`, { width: 1440, height: 900 });
  const open = new Map<WebSocket, number>();
  page.on('websocket', socket => {
    const [, id] = /\/cameras\/(\d+)\/live/.exec(socket.url()) ?? [];
    if (id === undefined) return;
    open.set(socket, Number(id));
    socket.on('close', () => open.delete(socket));
  });
  await page.fill('input[name=username]', ACCOUNT.name);
  await page.fill('input[name=password]', ACCOUNT.password);
  await page.click('button[type=submit]');
  await page.locator('.grid-cell').first().waitFor();
  return { page, errors, live: () => [...open.values()].sort((a, b) => a - b) };
}

async function until(what: string, holds: () => boolean, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

async function pick(page: Page, menu: RegExp, item: string): Promise<void> {
  await page.locator('.grid-bar').getByRole('button', { name: menu }).click();
  await page.locator('.menu-list').getByText(item, { exact: true }).click();
}

const shown = (page: Page) =>
  page.locator('.grid-cell').evaluateAll(cells => cells.map(cell => Number((cell as HTMLElement).dataset.camera)));

needs('check 7: cameras beyond a page are a page further, and only what is seen has a socket', async () => {
  const { page, live, errors } = await openGrid();
  const first = await shown(page);
  assert.equal(first, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await until('live pictures of the first page', () => live().join() === first.join());
  await page.keyboard.press('PageDown');
  const second = await shown(page);
  assert.equal(second, [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  await until('live pictures of the second page only', () => live().join() === second.join());
  await page.getByRole('button', { name: 'Page 1 of 2' }).first().click();
  await until('the first page again', () => live().join() === first.join());
  await pick(page, /^Layout/, '4 × 4');
  assert.is((await shown(page)).length, 16);
  await until('sixteen pictures', () => live().length === 16);
  await pick(page, /^Layout/, '2 × 2');
  await until('four pictures', () => live().join() === '1,2,3,4');
  assert.equal(errors, []);
  await page.context().close();
});

needs('check 8: stills move where something happens, and stand again afterwards', async () => {
  await service.patch('/api/cameras/2', { events: { postRollMs: 0, mergeMs: 0 } });
  const { page, live } = await openGrid();
  await until('live pictures', () => live().length > 0);
  await pick(page, /^More/, 'Stills, moving when something happens');
  await until('no live picture', () => live().length === 0);
  await page.locator('.grid-cell canvas[data-drawn]').first().waitFor({ state: 'attached' });
  await service.post('/api/cameras/2/trigger', { action: 'start', label: 'person' });
  await until('the picture of camera 2 alone', () => live().join() === '2');
  await service.post('/api/cameras/2/trigger', { action: 'stop', label: 'person' });
  await until('no live picture again', () => live().length === 0, 30_000);
  await page.context().close();
});

needs('groups are made, ordered, opened and taken back', async () => {
  const { page } = await openGrid();
  await pick(page, /^More/, 'Edit groups');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'New group' }).click();
  // Without a name it is refused, in words at the field.
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByLabel('Name').fill('Front');
  await dialog.getByRole('button', { name: 'Put Camera 5 into it' }).click();
  await dialog.getByRole('button', { name: 'Put Camera 3 into it' }).click();
  await dialog.getByRole('button', { name: 'Camera 3 further up' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: 'Edit Front' }).waitFor();
  const { groups } = await service.get<GroupList>('/api/groups');
  assert.equal(groups[0]?.cameras, [3, 5]);
  await dialog.getByRole('button', { name: 'Remove Front' }).click();
  await dialog.getByText('No group yet').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.locator('.grid-bar').getByRole('link', { name: 'Front' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.grid-cell').length === 2);
  assert.equal(await shown(page), [3, 5]);
  await page.reload();
  await page.locator('.grid-cell').first().waitFor();
  assert.equal(await shown(page), [3, 5]);
  await page.context().close();
});

test.run();
