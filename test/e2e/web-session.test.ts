// Sessions that end, boards that go away, and accounts that may see little, as a reader meets them in Chromium.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera, SessionList, User } from '../../src/api/contract.ts';
import { Browser, browserProblem, type View } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { ACCOUNT, Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('web session', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();
const COMPUTER: View = { width: 1440, height: 900 };
const FRESH = 'seven lanterns ashore';

let browser: Browser;
let service: Service;
test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'], port: await freePort() });
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', name, body);
}

async function logIn(page: Page, { name, password } = ACCOUNT): Promise<void> {
  const form = page.locator('form:has(input[name=username]):visible').last();
  await form.locator('input[name=username]').fill(name);
  await form.locator('input[name=password]').fill(password);
  await form.locator('button[type=submit]').click();
}

async function openAs(path: string, account = ACCOUNT, view = COMPUTER) {
  const opened = await browser.open(`${service.ready.url}/#/${path}`, view);
  await opened.page.getByRole('heading', { name: 'Log in' }).waitFor();
  await logIn(opened.page, account);
  return opened;
}

needs(
  'check 4: a session that ends in the middle is renewed over the page, and what was typed goes through',
  async () => {
    const user = { name: 'Otto', password: 'old words to be replaced' };
    const { id: userId } = await service.post<User>('/api/users', { ...user, role: 'operator' });
    const { page } = await openAs('set/me', user);
    await page.getByText('Logged in as Otto').waitFor();
    const [current, fresh] = [page.getByLabel('Password now'), page.getByLabel('New password')];
    await current.fill(user.password);
    await fresh.fill(FRESH);
    const { sessions } = await service.get<SessionList>(`/api/sessions?user=${userId}`);
    assert.is(sessions.length, 1);
    await service.delete(`/api/sessions/${sessions[0]?.id}`);
    await page.getByRole('button', { name: 'Change the password' }).click();
    const dialog = page.getByRole('dialog', { name: 'Log in again' });
    await dialog.waitFor();
    assert.is(await fresh.inputValue(), FRESH);
    // Wrong once: the dialog stays.
    await dialog.getByLabel('Password', { exact: true }).fill('wrong horse battery');
    await dialog.getByRole('button', { name: 'Log in' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('Password', { exact: true }).fill(user.password);
    await dialog.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('The password is changed').waitFor();
    await dialog.waitFor({ state: 'detached' });
    await page.context().close();
  },
);

needs('whoever has logged out comes nowhere by going back, and to the wanted page by logging in', async () => {
  const { page, errors } = await openAs('events');
  await page.getByRole('heading', { name: 'Events' }).waitFor({ state: 'attached' });
  await page.evaluate(() => void (location.hash = '#/set/me'));
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await page.goBack();
  await page.waitForFunction(() => location.hash.startsWith('#/login?next='));
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  assert.is(await page.getByRole('dialog').count(), 0);
  await logIn(page);
  await page.getByText(`Logged in as ${ACCOUNT.name}`).waitFor();
  assert.equal(
    errors.filter(text => !/status of 401/.test(text)),
    [],
  );
  await page.context().close();
});

needs(
  'a device that comes back asks for what it shows first while the program is on its way, each thing once',
  async () => {
    const { page } = await openAs('');
    const drawn = page.locator('.tile:has(canvas[data-drawn]), .tile:has(video[data-shown])');
    await drawn.nth(1).waitFor();
    const asked: string[] = [];
    const note = (what: string) => (asked: { url(): string }) => void noteOf(what, new URL(asked.url()).pathname);
    const noteOf = (what: string, path: string) => path.startsWith('/api/') && asked.push(`${what} ${path}`);
    page.on('request', note('get'));
    page.on('websocket', note('socket'));
    let letGo = () => {};
    const held = new Promise<void>(resolve => {
      letGo = resolve;
    });
    await page.route('**/a/app-*.js', async route => {
      await held;
      await route.continue();
    });
    const loaded = page.reload();
    const first = [
      'get /api/cameras/1/snapshot.jpg',
      'get /api/cameras/2/snapshot.jpg',
      'get /api/me',
      'socket /api/updates',
    ];
    for (const wanted of first) while (!asked.includes(wanted)) await new Promise(resolve => setTimeout(resolve, 10));
    assert.equal([...asked].sort(), first);
    // They are drawn before the program is there, where the tiles will be, and leave when those have theirs.
    const early = page.locator('canvas[data-early]');
    await early.nth(1).waitFor();
    const early1 = await page.locator('canvas[data-early="1"]').boundingBox();
    const isBlack = `(canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
      .every((value, index) => index % 4 === 3 || value === 0))(document.querySelector('canvas[data-early="1"]'))`;
    assert.is(await page.evaluate(isBlack), false);
    letGo();
    await loaded;
    await drawn.nth(1).waitFor();
    const cell1 = await page.locator('.grid-cell[data-camera="1"]').boundingBox();
    for (const side of ['x', 'y', 'width', 'height'] as const)
      assert.ok(
        Math.abs((early1?.[side] ?? 0) - (cell1?.[side] ?? -9)) <= 1,
        `${side}: ${early1?.[side]} ${cell1?.[side]}`,
      );
    await early.first().waitFor({ state: 'detached' });
    for (const wanted of first) assert.is(asked.filter(one => one === wanted).length, 1, wanted);
    // Whoever logs out leaves nothing that would be asked for.
    assert.is(await page.evaluate(() => localStorage.getItem('thimble-grid')?.split(':')[1]), '1,2');
    await page.evaluate(() => void (location.hash = '#/set/me'));
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    assert.is(await page.evaluate(() => localStorage.getItem('thimble-grid')), null);
    asked.length = 0;
    await page.reload();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    assert.equal(asked, ['get /api/setup']);
    await page.context().close();
  },
);

needs('a still that is drawn late covers no tile', async () => {
  const { page } = await openAs('');
  const drawn = page.locator('.tile:has(canvas[data-drawn]), .tile:has(video[data-shown])');
  await drawn.nth(1).waitFor();
  // The pictures of the boot script are ready only when those of the tiles are.
  await page.addInitScript(`(() => {
    const make = window.createImageBitmap;
    const waiting = [];
    const [, cameras = ''] = (localStorage.getItem('thimble-grid') ?? '').split(':');
    const early = cameras.split(',').length;
    let calls = 0;
    window.createImageBitmap = async picture => {
      if (calls++ < early) await new Promise(resolve => waiting.push(resolve));
      else if (calls === 2 * early) setTimeout(() => waiting.forEach(go => go()), 20);
      return make(picture);
    };
    window.late = 0;
    const hasPicture = id =>
      document.querySelector('[data-camera="' + id + '"] :is(canvas[data-drawn], video[data-shown])') !== null;
    new MutationObserver(changes => {
      for (const { addedNodes } of changes)
        for (const { dataset } of addedNodes) if (dataset && 'early' in dataset && hasPicture(dataset.early)) window.late++;
    }).observe(document, { childList: true, subtree: true });
  })()`);
  await page.reload();
  await drawn.nth(1).waitFor();
  await page.evaluate(`window.early.drawn`);
  assert.is(await page.evaluate('window.late'), 0);
  await page.context().close();
});

needs('check 5: a viewer sees the own cameras, and no way to what admins do', async () => {
  const { cameras } = await service.get<{ cameras: Camera[] }>('/api/cameras');
  const [own, other] = cameras;
  const viewer = { name: 'Vera', password: 'a window onto one yard' };
  await service.post('/api/users', { ...viewer, role: 'viewer', cameras: [own?.id] });
  const trigger = { action: 'pulse', label: 'person', durationMs: 1000 };
  await service.post(`/api/cameras/${own?.id}/trigger`, trigger);
  const theirs = await service.post<{ event: string }>(`/api/cameras/${other?.id}/trigger`, trigger);
  const { page, errors } = await openAs('', viewer);
  await page.locator('.grid-cell').first().waitFor();
  assert.is(await page.locator('.grid-cell').count(), 1);
  assert.is(await page.getByText(other?.name ?? '', { exact: true }).count(), 0);
  assert.is(await page.locator('.nav').getByText('Settings').count(), 0);
  assert.is(await page.locator('.nav').getByText('Account').count(), 1);
  const wanted = await page.evaluate(async id => (await fetch(`api/cameras/${id}`)).status, other?.id);
  assert.is(wanted, 404);
  // The same on every page, also for addresses that were typed or came from somebody else.
  const main = page.locator('main');
  const type = (hash: string) => page.evaluate(address => void (location.hash = address), hash);
  const sees = async () => (await main.textContent())?.includes(other?.name ?? '');
  await type(`#/time?c=${own?.id},${other?.id}&t=${Date.now() - 5000}&z=10m`);
  await page.locator('.tl-lane').first().waitFor();
  assert.is(await page.locator('.tl-lane').count(), 1);
  assert.not(await sees(), 'timeline');
  await type('#/events?show=all');
  await page.locator('[data-event]').first().waitFor();
  assert.is(await page.locator('[data-event]').count(), 1);
  assert.not(await sees(), 'events');
  await type(`#/event/${theirs.event}`);
  await main.getByText('There is no such event').first().waitFor();
  await type(`#/cam/${other?.id}`);
  await main.getByText('There is no such camera').first().waitFor();
  for (const path of [
    'set/cameras',
    `set/cameras/${other?.id}`,
    'set/users',
    'set/storage',
    'set/system',
    'set/logs',
    'health',
  ]) {
    await type(`#/${path}`);
    await main.getByText('Your account may not open this page').first().waitFor();
    assert.not(await sees(), path);
  }
  assert.equal(
    errors.filter(text => !/status of 404/.test(text)),
    [],
  );
  await page.context().close();
});

needs('check 41: a board that stops is told of, and the page recovers alone with its forms as they were', async () => {
  const { page } = await openAs('set/me');
  const field = page.getByLabel('New password');
  await field.fill('half a pass');
  await page.waitForFunction(() => document.querySelector('.nav-item') !== null);
  const { dataDir, ready } = service;
  await service.stop();
  await page.getByText('The board is not reached').waitFor({ timeout: 5000 });
  assert.is(await field.inputValue(), 'half a pass');
  service = await Service.start({ dataDir, port: Number(new URL(ready.url).port), args: ['--demo'] });
  await page.getByText('The board is not reached').waitFor({ state: 'detached', timeout: 20_000 });
  assert.is(await field.inputValue(), 'half a pass');
  await page.context().close();
});

needs('without the board its own page says so where browsers allow that, and leads back', async () => {
  const port = await freePort();
  const other = await Service.start({ port });
  const { page } = await browser.open(`${other.ready.url}/`, COMPUTER);
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
  const { dataDir } = other;
  await other.stop();
  await page.reload();
  await page.getByRole('heading', { name: 'The board cannot be reached' }).waitFor();
  const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  assert.not.equal(background, 'rgba(0, 0, 0, 0)', 'it has its looks');
  const again = await Service.start({ dataDir, port });
  await page.getByRole('link', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await page.context().close();
  await again.stop();
});

// Last: this machine's address has to wait afterwards.
needs('check 4: whoever tries too often waits, and sees for how long', async () => {
  const opened = await browser.open(`${service.ready.url}/#/login`, COMPUTER);
  const { page } = opened;
  for (let attempt = 0; attempt < 30; attempt++) {
    await logIn(page, { name: 'nobody-here', password: `wrong password ${attempt}` });
    const answer = page.getByRole('alert');
    await answer.waitFor();
    if (/Try again in \d+ second/.test((await answer.textContent()) ?? '')) break;
    assert.not.match((await answer.textContent()) ?? '', 'nobody-here');
  }
  await page.getByText(/Try again in \d+ second/).waitFor();
  assert.is(await page.locator('button[type=submit]').isDisabled(), true);
  await page.context().close();
});

test.run();
