// Adding, changing and removing cameras in Chromium: what is wrong is said beside its field, what is typed stays, what is saved counts.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera as CameraShape } from '../../src/api/contract.ts';
import { Browser, browserProblem, type Opened } from '../support/browser.ts';
import { Camera } from '../support/camera.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { ACCOUNT, Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { axeFindings, DESKTOP, openPage, PHONE } from '../support/web-page.ts';

const test = suite('web camera settings', { timeoutMs: 90_000 });
const problem = serviceProblem() ?? browserProblem();
const LOGIN = { username: 'eye', password: 'open sesame' };

let browser: Browser;
let service: Service;
let cameras: Record<'main' | 'small' | 'hevc', Camera>;

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start();
  const play = async (clip: Parameters<typeof clipFile>[0]) =>
    Camera.start({ clips: [await clipFile(clip)], login: { ...LOGIN, scheme: 'digest' } });
  cameras = { main: await play(CLIPS.full), small: await play(CLIPS.small), hevc: await play(CLIPS.smallHevc) };
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
  for (const camera of Object.values(cameras ?? {})) await camera.stop();
});

const field = (page: Page, name: string) => page.getByLabel(name, { exact: true });
const card = (page: Page, title: string) =>
  page.locator('section.card', { has: page.getByRole('heading', { name: title, exact: true }) });
const errorOf = (page: Page, title: string) => card(page, title).locator('.field-error');

async function tryAddress(page: Page, main: string, sub: string, password: string): Promise<void> {
  await field(page, 'Address').fill(main);
  if (sub !== '') await field(page, 'Small stream').fill(sub);
  await field(page, 'User name').fill(LOGIN.username);
  await field(page, 'Password').fill(password);
  await page.getByRole('button', { name: 'Test', exact: true }).click();
}

async function isSound({ page, errors, foreign }: Opened): Promise<void> {
  assert.equal(await axeFindings(page), []);
  assert.equal({ errors, foreign }, { errors: [], foreign: [] });
}

/** The test picture: so wide, and not of one colour. */
async function seesPicture(page: Page, width: number): Promise<void> {
  await page.waitForFunction(wanted => {
    const canvas = document.querySelector('main canvas') as HTMLCanvasElement | null;
    if (canvas?.width !== wanted) return false;
    const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return new Set(Array.from(data).filter((_, index) => index % 4 === 0)).size > 8;
  }, width);
}

const ours = async (id = 1) => service.get<CameraShape>(`/api/cameras/${id}`);

test.needs(
  problem === undefined,
  problem ?? '',
  'check 36: tells what is wrong with an address, then adds the camera',
  async () => {
    const opened = await openPage(browser, service, '#/set/cameras/add', PHONE);
    const { page } = opened;
    const main = page.locator('main');
    // What the board refuses is one error of the console each: that is how browsers are.
    await tryAddress(page, 'ftp://192.168.1.40', '', '');
    await errorOf(page, 'Where is it?').waitFor();
    assert.is(await field(page, 'Address').getAttribute('aria-invalid'), 'true');
    opened.errors.length = 0;
    await tryAddress(page, 'rtsp://127.0.0.1:9/none', '', '');
    await main.getByText('The camera refuses the connection.').waitFor();
    // One that sends over UDP only can be tried too.
    await page.getByLabel('Its streams come by').selectOption('udp');
    const tried = page.waitForRequest(/probe$/);
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    assert.equal((await tried).postDataJSON().transport, 'udp');
    await main.getByRole('alert').waitFor();
    await page.getByLabel('Its streams come by').selectOption('tcp');
    opened.errors.length = 0;
    await tryAddress(page, cameras.main.url, '', 'wrong');
    await main.getByText('does not accept the user name and password').waitFor();
    assert.is(await field(page, 'Address').inputValue(), cameras.main.url, 'what was typed stays');
    await tryAddress(page, cameras.hevc.url, '', LOGIN.password);
    await main.getByText('Many browsers cannot show H.265').waitFor();
    await tryAddress(page, cameras.small.url, cameras.main.url, LOGIN.password);
    await main.getByText('The small stream is larger').waitFor();
    await main.getByRole('img', { name: 'What the camera sees now' }).waitFor();
    await seesPicture(page, 320);
    await page.getByRole('button', { name: 'Swap main and small' }).click();
    await main.getByText('Main stream: 1280×720 H.264').waitFor();
    await seesPicture(page, 480);
    assert.is(await main.getByText('The small stream is larger').count(), 0);
    await field(page, 'Name').fill('Gate');
    await field(page, 'Before an event').fill('31');
    await page.getByRole('button', { name: 'Add a camera' }).click();
    await main.getByText('Write a number from 0 to 30 s.').waitFor();
    await field(page, 'Before an event').fill('3');
    await field(page, 'Days').fill('10000');
    await main.getByText('are free').waitFor();
    await field(page, 'Days').fill('2');
    await isSound(opened);
    await page.getByRole('button', { name: 'Add a camera' }).click();
    await main.getByText('Gate is added.').waitFor();
    const picture = page.locator('img[alt="Picture of Gate"]');
    await picture.waitFor({ timeout: 20_000 });
    await page.waitForFunction(() => (document.querySelector('main img') as HTMLImageElement | null)?.naturalWidth);
    const { main: stream, sub, events, retention, hasPassword } = await ours();
    assert.equal(
      [stream.url, sub?.url, events.preRollMs, retention.days, hasPassword],
      [cameras.main.url, cameras.small.url, 3000, 2, true],
    );
    await cameras.main.inject({ kind: 'die', backAfterMs: 8000 });
    await main.getByText('Check that RTSP is switched on').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Add the next one' }).click();
    assert.equal(
      [await field(page, 'Address').inputValue(), await field(page, 'Password').inputValue()],
      ['', LOGIN.password],
      'the login is not asked twice',
    );
    await page.context().close();
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'saves sections by themselves, and says what is wrong beside its field',
  async () => {
    const opened = await openPage(browser, service, '#/set/cameras/1', DESKTOP);
    const { page } = opened;
    await field(page, 'Name').fill('');
    await card(page, 'General').getByRole('button', { name: 'Save' }).click();
    await errorOf(page, 'General').getByText('Write a name.').waitFor();
    await field(page, 'Name').fill('North gate');
    await card(page, 'General').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'North gate', level: 1 }).waitFor();
    const keep = card(page, 'Keep');
    for (const wrong of ['0', '1.5', 'ten', '99999']) {
      await keep.getByLabel('Days', { exact: true }).fill(wrong);
      await keep.getByRole('button', { name: 'Save' }).click();
      await errorOf(page, 'Keep').first().waitFor();
    }
    await keep.getByLabel('Days', { exact: true }).fill('');
    await keep.getByRole('button', { name: 'Save' }).click();
    await page.waitForFunction(() => document.querySelectorAll('main .field-error').length === 0);
    const event = card(page, 'Events');
    const before = await event.getByText('in memory').textContent();
    await event.getByLabel('Before an event').fill('30');
    await page.waitForFunction(
      text =>
        [...document.querySelectorAll('main p')].some(
          p => /in memory/.test(p.textContent ?? '') && p.textContent !== text,
        ),
      before,
    );
    // A board with little memory says so, with figures: at the field that it comes from.
    const message = 'the time before events would take 40.0 MiB of memory, and there are 32.0 MiB for it';
    const error = { kind: 'failed-precondition', message, field: 'events.preRollMs', cure: 'Use a lower bit rate.' };
    await page.route('**/api/cameras/1', route => route.fulfill({ status: 409, json: { error } }));
    await event.getByRole('button', { name: 'Save' }).click();
    await errorOf(page, 'Events').getByText('32.0 MiB for it. Use a lower bit rate.').waitFor();
    assert.is(await event.getByLabel('Before an event').getAttribute('aria-invalid'), 'true');
    await page.unroute('**/api/cameras/1');
    const connection = card(page, 'Connection');
    await connection.getByLabel('Main stream', { exact: true }).fill('ftp://nowhere');
    await connection.getByRole('button', { name: 'Save' }).click();
    await errorOf(page, 'Connection').waitFor();
    assert.is(await connection.getByLabel('Main stream', { exact: true }).inputValue(), 'ftp://nowhere');
    await connection.getByRole('button', { name: 'Revert' }).click();
    assert.is(await connection.getByLabel('Password', { exact: true }).inputValue(), '', 'a password is never shown');
    const { name, retention } = await ours();
    assert.equal([name, retention.days], ['North gate', null]);
    opened.errors.length = 0;
    await isSound(opened);
    await page.context().close();
  },
);

test.needs(problem === undefined, problem ?? '', 'paints the week by the mouse and by fields', async () => {
  const { page } = await openPage(browser, service, '#/set/cameras/1', DESKTOP);
  const week = card(page, 'Weekly schedule');
  await week.getByLabel('Record by the hours of the week').check();
  await week.getByRole('button', { name: 'off', exact: true }).click();
  const cell = async (day: number, hour: number) => {
    const box = await week.locator(`[data-cell="${day * 24 + hour}"]`).boundingBox();
    if (!box) throw new Error('no such hour');
    return [box.x + box.width / 2, box.y + box.height / 2] as const;
  };
  await week.scrollIntoViewIfNeeded();
  await page.mouse.move(...(await cell(1, 20)));
  await page.mouse.down();
  await page.mouse.move(...(await cell(2, 22)), { steps: 5 });
  await page.mouse.up();
  await week.getByText('Tue: 0–20 always, 20–23 off, 23–24 always').waitFor();
  await week.getByRole('button', { name: 'as one event' }).click();
  await week.getByLabel('Days').selectOption('Saturday and Sunday');
  await week.getByLabel('From').selectOption('0:00');
  await week.getByLabel('To', { exact: true }).selectOption('24:00');
  await week.getByRole('button', { name: /Set these hours/ }).click();
  await week.getByText('Sat: 0–24 as one event').waitFor();
  await week.getByRole('button', { name: 'Save' }).click();
  await page.getByText('North gate is changed.').waitFor();
  const { schedule = '' } = (await ours()).record;
  const day = (letters: string) => letters.padEnd(24, 'c');
  const evening = `${'c'.repeat(20)}---c`;
  assert.is(schedule, [day(''), evening, evening, day(''), day(''), 'r'.repeat(48)].join(''));
  await page.context().close();
});

test.needs(
  problem === undefined,
  problem ?? '',
  'keeps what is typed when the session ends before it is saved',
  async () => {
    const { page } = await openPage(browser, service, '#/set/cameras/1', PHONE);
    const name = field(page, 'Name');
    await name.fill('South gate');
    await service.delete('/api/sessions');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await dialog.locator('input[name=password]').fill(ACCOUNT.password);
    await dialog.locator('button[type=submit]').click();
    await dialog.waitFor({ state: 'hidden' });
    assert.is(await name.inputValue(), 'South gate');
    await card(page, 'General').getByRole('button', { name: 'Save' }).click();
    await page.getByText('South gate is changed.').waitFor();
    assert.is((await ours()).name, 'South gate');
    await service.patch('/api/cameras/1', { name: 'North gate' });
    await page.context().close();
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'changes several at once, and removes one with what that loses said',
  async () => {
    await service.post('/api/cameras', { name: 'Yard', main: { url: cameras.small.url }, ...LOGIN });
    const opened = await openPage(browser, service, '#/set/cameras', PHONE);
    const { page } = opened;
    await page.getByLabel('Choose all').check();
    await page.getByRole('button', { name: 'Change 2 cameras' }).click();
    await page.getByRole('dialog').getByLabel('Record').selectOption('events only');
    await isSound(opened);
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByText('2 cameras are changed.').waitFor();
    assert.equal([(await ours(1)).record.mode, (await ours(2)).record.mode], ['events', 'events']);
    await page.getByText('Yard', { exact: true }).click();
    await page.getByRole('button', { name: 'Remove it and its footage…' }).click();
    await page.getByRole('dialog').getByText('cannot be brought back').waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove it and its footage' }).click();
    await page.locator('.cam-list').getByText('North gate').waitFor();
    const { cameras: left } = await service.get<{ cameras: CameraShape[] }>('/api/cameras');
    assert.equal(
      left.map(({ name }) => name),
      ['North gate'],
    );
    await page.context().close();
  },
);

test.run();
