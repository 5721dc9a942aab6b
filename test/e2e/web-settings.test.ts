// The settings that are not about single cameras in Chromium: what is set counts, what is wrong is said beside it, what is asked costs nothing.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { AuditList, Backup, Camera, Settings, UserList } from '../../src/api/contract.ts';
import { Browser, browserProblem, type Opened } from '../support/browser.ts';
import { HookServer } from '../support/hook-server.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { axeFindings, DESKTOP, openPage, PHONE } from '../support/web-page.ts';

const test = suite('web settings', { timeoutMs: 90_000 });
const problem = serviceProblem() ?? browserProblem();
const VERA = { name: 'Vera', password: 'a window onto one yard' };

let browser: Browser;
let service: Service;
let hook: HookServer;
test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'] });
  hook = await HookServer.start();
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
  await hook?.stop();
});

function needs(name: string, body: () => Promise<void>): void {
  test.needs(problem === undefined, problem ?? '', name, body);
}

const field = (page: Page, name: string) => page.getByLabel(name, { exact: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const details = (page: Page, summary: string) =>
  page.locator('main details', { has: page.locator('summary', { hasText: summary }) }).last();

async function isSound({ page, errors, foreign }: Opened): Promise<void> {
  assert.equal(await axeFindings(page), []);
  assert.equal({ errors, foreign }, { errors: [], foreign: [] });
  assert.is(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0);
}

needs('a viewer of one camera is made, sees that one only, and loses what is taken away', async () => {
  const opened = await openPage(browser, service, '#/set/users', DESKTOP);
  const { page, errors } = opened;
  await details(page, 'Add a user').locator('summary').click();
  const form = details(page, 'Add a user');
  await form.getByLabel('Name').fill(VERA.name);
  await form.getByLabel('New password').fill('short');
  await form.getByRole('button', { name: 'Add a user' }).click();
  await form.locator('.field-error').waitFor();
  assert.is(await form.getByLabel('New password').getAttribute('aria-invalid'), 'true');
  await form.getByLabel('New password').fill(VERA.password);
  await form.getByLabel('All cameras').uncheck();
  await form.getByLabel('Demo 2').check();
  await form.getByLabel('May export and share footage').check();
  await form.getByRole('button', { name: 'Add a user' }).click();
  await page.getByText('Vera is added.').waitFor();
  const own = details(page, 'Vera');
  await own.locator('summary').first().click();
  assert.is(await own.getByLabel('Demo 2').isChecked(), true);
  errors.length = 0;
  await isSound(opened);
  const theirs = await openPage(browser, service, '#/', PHONE, VERA);
  await theirs.page.locator('.grid-cell').first().waitFor();
  assert.is(await theirs.page.locator('.grid-cell').count(), 1);
  assert.is(await theirs.page.getByText('Demo 1', { exact: true }).count(), 0);
  await own.getByLabel('May export and share footage').uncheck();
  await own.getByLabel('Demo 1').check();
  await own.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Vera is changed.').waitFor();
  const { users } = await service.get<UserList>('/api/users');
  const vera = users.find(({ name }) => name === VERA.name);
  assert.equal([vera?.role, vera?.cameras, vera?.rights], ['viewer', [1, 2], []]);
  await button(page, 'Remove Vera…').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove Vera' }).click();
  await page.getByText('Vera is removed.').waitFor();
  await theirs.page.getByText('Log in', { exact: false }).first().waitFor();
  const { entries } = await service.get<AuditList>('/api/audit?action=remove');
  assert.is(entries[0]?.target, 'user Vera');
  await field(page, 'What').selectOption('removed');
  await page.locator('.set-log li').getByText('user Vera').waitFor();
  await theirs.page.context().close();
  await page.context().close();
});

needs('a token is shown once, works, and does not once it is revoked', async () => {
  const opened = await openPage(browser, service, '#/set/users', PHONE);
  const { page } = opened;
  const own = details(page, 'tester');
  await own.locator('summary').first().click();
  await page.getByText('Make a token', { exact: true }).first().click();
  const form = details(page, 'Make a token');
  await form.getByLabel('Name').fill('doorbell');
  await form.getByLabel('Good for').fill('0');
  await button(page, 'Make a token').click();
  await form.getByText('Write a number from 1 to 3650 days.').waitFor();
  await form.getByLabel('Good for').fill('7');
  await button(page, 'Make a token').click();
  await page.getByText('It is shown only now.').waitFor();
  const token = (await page.locator('main .note pre').textContent())?.trim() ?? '';
  const ask = async () =>
    (await service.exchange('GET', '/api/cameras', undefined, { authorization: `Bearer ${token}` })).status;
  assert.is(await ask(), 200);
  await isSound(opened);
  await page.reload();
  await own.locator('summary').first().click();
  await button(page, 'Revoke doorbell').waitFor();
  assert.not.ok((await page.content()).includes(token), 'it is not shown again');
  await button(page, 'Revoke doorbell').click();
  await page.getByText('The token is revoked.').waitFor();
  assert.is(await ask(), 401);
  await page.context().close();
});

needs('a webhook is tried and kept, and an address that cannot be is refused beside its field', async () => {
  const opened = await openPage(browser, service, '#/set/events', PHONE);
  const { page, errors } = opened;
  await page.getByText('Add a webhook', { exact: true }).first().click();
  const form = details(page, 'Add a webhook');
  await form.getByLabel('Address').fill('ftp://127.0.0.1/');
  await button(page, 'Add a webhook').click();
  await form.locator('.field-error').getByText('Write http://host/path').waitFor();
  errors.length = 0;
  await form.getByLabel('Address').fill(hook.url);
  await button(page, 'Send a test').click();
  await page.getByText('It answered with 204').waitFor();
  await form.getByLabel('Tell when an event').selectOption('begins and ends');
  await form.getByLabel('Only labels').fill('person, car');
  await button(page, 'Add a webhook').click();
  await page.getByText('The webhooks are saved.').waitFor();
  await field(page, 'Names of the board').fill('nvr.example.org two words!');
  await button(page, 'Save').click();
  await page.getByText('Write a host name without port').waitFor();
  errors.length = 0;
  await field(page, 'Names of the board').fill('nvr.example.org');
  await button(page, 'Save').click();
  await page.getByText('The names are saved.').waitFor();
  const { webhooks, hosts } = await service.get<Settings>('/api/settings');
  assert.equal(
    webhooks.map(({ url, on, labels, cameras }) => ({ url, on, labels, cameras })),
    [{ url: hook.url, on: ['opened', 'closed'], labels: ['person', 'car'], cameras: undefined }],
  );
  assert.equal(hosts, ['nvr.example.org']);
  await page.getByText('These pages are not encrypted').waitFor();
  await isSound(opened);
  await page.locator('main summary', { hasText: hook.url }).click();
  await button(page, 'Remove').click();
  await page.locator('main summary', { hasText: hook.url }).waitFor({ state: 'detached' });
  await page.context().close();
});

needs('check 38: what a quota would do is said without saving it', async () => {
  const opened = await openPage(browser, service, '#/set/storage', DESKTOP);
  const { page } = opened;
  await page.locator('main td').first().waitFor();
  const before = await service.get<Settings>('/api/settings');
  await field(page, 'Total quota').fill('1');
  await page.getByText('then the total quota is full').first().waitFor({ timeout: 20_000 });
  await isSound(opened);
  assert.equal(await service.get<Settings>('/api/settings'), before);
  await field(page, 'Keep free').fill('70');
  await button(page, 'Save').click();
  await page.getByText('Write a number from 1 to 50 %.').waitFor();
  await field(page, 'Keep free').fill('3');
  await button(page, 'Save').click();
  await page.waitForFunction(() => document.querySelectorAll('main .field-error').length === 0);
  await page.getByRole('status').getByText('Rules for the volume').waitFor();
  assert.is((await service.get<Settings>('/api/settings')).storage.floorPercent, 3);
  await page.context().close();
});

needs('check 39: a problem comes first with its cure, and goes when it is gone', async () => {
  const opened = await openPage(browser, service, '#/health', PHONE);
  const { page } = opened;
  await page.locator('tbody tr').nth(1).waitFor();
  const dead = { name: 'Shed', main: { url: 'rtsp://127.0.0.1:9/none' } };
  const { id } = await service.post<Camera>('/api/cameras', dead);
  const note = page.locator('main .note', { hasText: 'Shed' });
  await note.getByText('Open the camera').waitFor({ timeout: 30_000 });
  await isSound(opened);
  await page.getByText('Report', { exact: true }).click();
  const report = (await page.locator('main pre').textContent()) ?? '';
  assert.match(report, /^Thimble \d/);
  assert.not.match(report, /rtsp:|tester/);
  await service.delete(`/api/cameras/${id}`);
  await note.waitFor({ state: 'detached' });
  await page.context().close();
});

needs('the log is filtered, followed and taken away', async () => {
  const opened = await openPage(browser, service, '#/set/logs', PHONE);
  const { page } = opened;
  const lines = page.locator('.set-log li');
  await lines.first().waitFor();
  // Answers that come later than the page would ask again are waited for.
  await page.route('**/api/logs?*', async route => {
    await new Promise(resolve => setTimeout(resolve, 3000));
    await route.continue();
  });
  await service.patch('/api/settings', { hosts: ['followed.example.org'] });
  await lines.getByText('followed.example.org').waitFor();
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await isSound(opened);
  const [taken] = await Promise.all([page.waitForEvent('download'), button(page, 'Download').click()]);
  assert.is(taken.suggestedFilename(), 'thimble-log.ndjson');
  await field(page, 'Least level').selectOption('error: what failed');
  await page.waitForFunction(
    () => document.querySelectorAll('.set-log li span[data-level]:not([data-level=error])').length === 0,
  );
  await page.context().close();
});

needs('a backup is shown against what is there before it is restored', async () => {
  const opened = await openPage(browser, service, '#/set/system', PHONE);
  const { page } = opened;
  const [taken] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download a backup' }).click(),
  ]);
  assert.match(taken.suggestedFilename(), /^thimble-backup.*\.json$/);
  const choose = (text: string) =>
    field(page, 'File of a backup').setInputFiles({
      ...{ name: 'backup.json', mimeType: 'application/json' },
      buffer: Buffer.from(text),
    });
  await choose('no backup');
  await page.getByText('This file is no backup.').waitFor();
  const backup = await service.get<Backup>('/api/backup');
  await choose(JSON.stringify(backup));
  await page.getByText('Everything is as in this backup already.').waitFor();
  const group = { name: 'Doors', cameras: [], layout: 'auto' as const };
  const settings = { ...backup.settings, hosts: ['restored.example.org'] };
  await choose(JSON.stringify({ ...backup, groups: [group], settings }));
  await page.getByText('This backup would change 2 things:').waitFor();
  await page.getByRole('row', { name: 'group Doors add' }).waitFor();
  await isSound(opened);
  const hosts = async () => (await service.get<Settings>('/api/settings')).hosts;
  assert.not.equal(await hosts(), settings.hosts);
  await button(page, 'Restore 2 things').click();
  await page.getByText('The backup is restored:').waitFor();
  assert.equal(await hosts(), settings.hosts);
  await page.evaluate("location.hash = '#/'");
  await page.locator('.grid-bar').getByRole('link', { name: group.name }).waitFor();
  await page.context().close();
});

needs('no page of settings breaks a rule of access, narrow or wide, light or dark', async () => {
  for (const view of [PHONE, DESKTOP]) {
    const opened = await openPage(browser, service, '#/set', view);
    const { page } = opened;
    for (const path of ['set', 'set/users', 'set/events', 'set/system', 'set/storage', 'set/logs', 'health']) {
      await page.evaluate(`location.hash = '#/${path}'`);
      await page.waitForFunction(() => !document.querySelector('main [aria-busy=true]'));
      await page.locator('main .card').first().waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        // Colours that fade over are neither one nor the other.
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await isSound(opened);
      }
    }
    await page.context().close();
  }
});

test.run();
