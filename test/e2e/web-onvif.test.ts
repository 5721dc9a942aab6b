// Cameras over ONVIF in Chromium: added by what they say themselves, and followed in their settings.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera, CameraList, OnvifInfo, OnvifLog } from '../../src/api/contract.ts';
import { Browser, browserProblem, type Opened } from '../support/browser.ts';
import { CAMERA_LOGIN, type OnvifWorld, startOnvifWorld } from '../support/onvif-world.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { axeFindings, DESKTOP, openPage, PHONE } from '../support/web-page.ts';

const test = suite('web onvif pages', { timeoutMs: 120_000 });
const problem = serviceProblem() ?? browserProblem();
const AHEAD_MS = 58 * 60_000;

let browser: Browser;
let service: Service;
let world: OnvifWorld;

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start();
  world = await startOnvifWorld({ clockOffsetMs: AHEAD_MS });
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
  await world?.stop();
});

const field = (page: Page, name: string) => page.getByLabel(name, { exact: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const card = (page: Page, title: string) =>
  page.locator('section.card', { has: page.getByRole('heading', { name: title, exact: true }) });

async function isSound({ page, errors, foreign }: Opened): Promise<void> {
  assert.equal(await axeFindings(page), []);
  assert.equal({ errors, foreign }, { errors: [], foreign: [] });
  assert.is(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0);
}

async function tries(page: Page, address: string, password: string): Promise<void> {
  await field(page, 'Address').fill(address);
  await field(page, 'User name').fill(CAMERA_LOGIN.username);
  await field(page, 'Password').fill(password);
  await button(page, 'Test').click();
}

test.needs(
  problem === undefined,
  problem ?? '',
  'check 36: over ONVIF a dead host and a wrong password have their own sentences; then it fills the streams in',
  async () => {
    const opened = await openPage(browser, service, '#/set/cameras/add', PHONE);
    const { page } = opened;
    const main = page.locator('main');
    await tries(page, '127.0.0.1:9', CAMERA_LOGIN.password);
    await main.getByText('The camera refuses the connection.').waitFor({ timeout: 60_000 });
    await main.getByText('Switch ONVIF on in the camera').waitFor();
    await main.getByText('Without ONVIF: choose its make').waitFor();
    await isSound(opened);
    await tries(page, world.address, 'wrong');
    await main.getByText('The camera does not accept the user name and password for ONVIF.').waitFor();
    await main.getByText('Many cameras lock an account').waitFor();
    for (const n of [2, 3]) {
      const from = world.onvif.camera.refusals;
      await button(page, 'Test').click();
      // What is said stays the same, and is gone for no longer than the camera takes.
      while (world.onvif.camera.refusals === from) await page.waitForTimeout(50);
      await main.getByText('The camera does not accept the user name and password for ONVIF.').waitFor();
      assert.is(world.onvif.camera.refusals, from + 1, `one wrong login for each try, here the ${n}th`);
    }
    await main.getByText('3 wrong passwords so far').waitFor();
    assert.is(await field(page, 'Address').inputValue(), world.address, 'what was typed stays');
    await isSound(opened);
    await tries(page, world.address, CAMERA_LOGIN.password);
    await main.getByText('58 min ahead (we correct)').first().waitFor({ timeout: 60_000 });
    await main.getByText('It tells what it notices.').waitFor();
    await main.getByText('Main stream: 1280×720 H.264').waitFor({ timeout: 60_000 });
    await main.getByText('Small stream: 320×180 H.264').waitFor();
    await main.getByText('What the camera can do').click();
    await main.getByRole('rowheader', { name: 'Can be moved' }).waitFor();
    await isSound(opened);
    await field(page, 'Name').fill('Gate');
    await button(page, 'Add a camera').click();
    await main.getByText('Gate is added.').waitFor();
    const { onvif, main: stream, sub, hasPassword } = await service.get<Camera>('/api/cameras/1');
    assert.equal([stream.url, sub?.url, hasPassword], [world.main.url, world.sub.url, true]);
    assert.equal([onvif?.events, onvif?.hasPassword], [true, false]);
    await button(page, 'Add the next one, same login').click();
    assert.equal(
      [await field(page, 'Address').inputValue(), await field(page, 'Password').inputValue()],
      ['', CAMERA_LOGIN.password],
    );
    await page.context().close();
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'check 36: of a recorder with several cameras the one that is meant is chosen',
  async () => {
    const second = (body: string) =>
      body.replace(
        /<tr2:Profiles token="main2">.*?<\/tr2:Profiles>/,
        one => `${one}${one.replaceAll('main2', 'other').replace('VS1', 'VS2')}`,
      );
    const recorder = await startOnvifWorld();
    const { mangle } = recorder.onvif.camera.quirks;
    recorder.onvif.camera.quirks.mangle = (body, operation) =>
      second(mangle(body, operation)).replace(/rtsp:\/\/[^<]*\/other[^<]*/, recorder.sub.url);
    const opened = await openPage(browser, service, '#/set/cameras/add', DESKTOP);
    const { page } = opened;
    await tries(page, recorder.address, CAMERA_LOGIN.password);
    await page.getByText('Main stream: 1280×720 H.264').waitFor({ timeout: 60_000 });
    await field(page, 'Channel').selectOption('VS2');
    await page.getByText('Main stream: 320×180 H.264').waitFor({ timeout: 60_000 });
    assert.is(await field(page, 'Channel').inputValue(), 'VS2');
    await isSound(opened);
    await field(page, 'Name').fill('Second');
    await button(page, 'Add a camera').click();
    await page.getByText('Second is added.').waitFor();
    const { cameras } = await service.get<CameraList>('/api/cameras');
    const { onvif, sub } = cameras.find(({ name }) => name === 'Second') ?? {};
    assert.equal([onvif?.videoSource, sub], ['VS2', undefined]);
    await page.context().close();
    await recorder.stop();
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'the settings tell what it can do, what it notices and what is said with it',
  async () => {
    const info = () => service.get<OnvifInfo>('/api/cameras/1/onvif');
    await service.until<OnvifInfo>('/api/cameras/1/onvif', ({ state }) => state.events === 'live', 60_000);
    const opened = await openPage(browser, service, '#/set/cameras/1', DESKTOP);
    const { page, errors } = opened;
    const section = card(page, 'ONVIF');
    await section.getByText('What it notices arrives.').waitFor();
    await section.getByText('What the camera can do').click();
    const clock = section.getByRole('cell', { name: '58 min ahead (we correct)' });
    await clock.waitFor();
    // An answer that fails to come closes nothing that was opened.
    let failed = 0;
    await page.route('**/api/cameras/1/onvif', route => (failed++ === 0 ? route.abort() : route.continue()));
    await section.getByText('The board does not answer.').waitFor();
    await section.getByText('The board does not answer.').waitFor({ state: 'detached' });
    assert.ok(await clock.isVisible(), 'what was opened is still open');
    await page.unroute('**/api/cameras/1/onvif');
    errors.length = 0;
    await section.getByText('Noticed in the last ten minutes').click();
    world.onvif.camera.setState('VideoSource/MotionAlarm', 'true');
    await section.locator('.set-log li').getByText('begins').waitFor({ timeout: 30_000 });
    world.onvif.camera.setState('VideoSource/MotionAlarm', 'false');
    await section.locator('.set-log li').getByText('ends').waitFor({ timeout: 30_000 });
    await section.getByText('What is said with it').click();
    await section.getByLabel('Take it down').check();
    const download = section.getByRole('button', { name: 'Download' });
    await page.waitForFunction(() => document.querySelector('main details[open] .button:not([disabled])') !== null);
    const [saved] = await Promise.all([page.waitForEvent('download'), download.click()]);
    assert.is(saved.suggestedFilename(), 'thimble-onvif-1.txt');
    const { entries } = await service.get<OnvifLog>('/api/cameras/1/onvif/log');
    assert.ok(entries.length > 0 && !JSON.stringify(entries).includes(CAMERA_LOGIN.password));
    await isSound(opened);
    await section.getByLabel('What it notices', { exact: true }).selectOption('some');
    await section.getByLabel('sound', { exact: true }).uncheck();
    await section.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Gate is changed.').waitFor();
    const { onvif } = await service.get<Camera>('/api/cameras/1');
    assert.ok(onvif?.kinds?.includes('motion') && !onvif.kinds.includes('sound'), String(onvif?.kinds));
    await section.getByLabel('Address', { exact: true }).fill('no address at all');
    await section.getByRole('button', { name: 'Save' }).click();
    await section.locator('.field-error').waitFor();
    errors.length = 0;
    await section.getByRole('button', { name: 'Revert' }).click();
    await section.getByLabel('User name for ONVIF').fill('nobody');
    await section.getByLabel('Password', { exact: true }).fill('wrong');
    await section.getByRole('button', { name: 'Save' }).click();
    await section.getByText('does not accept the user name and password for ONVIF').waitFor({ timeout: 60_000 });
    await isSound(opened);
    assert.is((await info()).state.problem?.kind, 'unauthorized');
    await section.getByLabel('Address', { exact: true }).fill('');
    await section.getByRole('button', { name: 'Save' }).click();
    await section.getByText('What the camera can do').waitFor({ state: 'detached' });
    assert.is((await service.get<Camera>('/api/cameras/1')).onvif, undefined);
    await isSound(opened);
    await page.context().close();
  },
);

test.run();
