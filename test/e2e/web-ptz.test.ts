// Moving a camera in Chromium: what is held moves it, whatever ends the holding stops it; presets, outputs, day and night; and who may.
import type { Locator, Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Camera } from '../../src/api/contract.ts';
import { Browser, browserProblem, type Opened } from '../support/browser.ts';
import { CAMERA_LOGIN, type OnvifWorld, startOnvifWorld } from '../support/onvif-world.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { axeFindings, DESKTOP, openPage, PHONE } from '../support/web-page.ts';

const test = suite('web ptz pages', { timeoutMs: 120_000 });
const problem = serviceProblem() ?? browserProblem();
const WATCHER = { name: 'Vera', password: 'a window onto one yard' };
const MOVER = { name: 'Otto', password: 'turns it left and right' };

let browser: Browser;
let service: Service;
let world: OnvifWorld;

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start();
  world = await startOnvifWorld();
  const onvif = { address: world.address, events: false };
  await service.post('/api/cameras', { name: 'Gate', main: { url: world.main.url }, ...CAMERA_LOGIN, onvif });
  await service.post('/api/cameras', { name: 'Shed', main: { url: world.sub.url }, ...CAMERA_LOGIN });
  await service.post('/api/users', { ...WATCHER, role: 'viewer' });
  await service.post('/api/users', { ...MOVER, role: 'viewer', rights: ['ptz'] });
  await service.until<Camera>('/api/cameras/1', ({ can }) => can.ptz, 60_000);
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
  await world?.stop();
});

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

async function isSound({ page, errors, foreign }: Opened): Promise<void> {
  assert.equal(await axeFindings(page), []);
  assert.equal({ errors, foreign }, { errors: [], foreign: [] });
  assert.is(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0);
}

/** What the camera was told since `from`, as far as it is about moving. */
function told(from: number): { operation: string; body: string }[] {
  return world.onvif.camera.seen.slice(from).filter(({ operation }) => /Move|Stop|Preset|Home/.test(operation));
}

async function until(what: string, done: () => boolean, limitMs = 20_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

const now = () => world.onvif.camera.seen.length;
const moves = (from: number) => told(from).filter(({ operation }) => operation === 'ContinuousMove');
const isStopped = (from: number) => told(from).at(-1)?.operation === 'Stop';

/** Holds until it was told three times, ends the hold, and sees that it stands still for good. */
async function moved(what: string, hold: () => Promise<void>, release: () => Promise<unknown>): Promise<string> {
  const from = now();
  await hold();
  await until(`${what}: moves`, () => moves(from).length >= 3);
  await release();
  await until(`${what}: stops`, () => isStopped(from));
  const count = moves(from).length;
  await new Promise(resolve => setTimeout(resolve, 1200));
  assert.is(moves(from).length, count, `${what}: it goes on`);
  return moves(from)[0]?.body ?? '';
}

async function held(page: Page, target: Locator): Promise<void> {
  await target.hover();
  await page.mouse.down();
}

async function openPad(page: Page): Promise<void> {
  await button(page, 'Move the camera').click();
  await button(page, 'Right').waitFor();
}

test.needs(
  problem === undefined,
  problem ?? '',
  'check 13: holding moves each half second; release, blur, a hidden tab and pointercancel stop it',
  async () => {
    const opened = await openPage(browser, service, '#/cam/1', DESKTOP);
    const { page } = opened;
    await openPad(page);
    await isSound(opened);
    const right = button(page, 'Right');
    const up = () => page.mouse.up();
    const body = await moved('release', () => held(page, right), up);
    assert.match(body, /PanTilt x="0\.6" y="0"/);
    const ends: Record<string, string> = {
      blur: `window.dispatchEvent(new Event('blur'))`,
      'hidden tab': `Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
        document.dispatchEvent(new Event('visibilitychange')); delete document.hidden`,
    };
    for (const [name, script] of Object.entries(ends)) {
      await moved(
        name,
        () => held(page, right),
        () => page.evaluate(script),
      );
      await up();
    }
    await moved(
      'pointercancel',
      () => held(page, right),
      () => right.dispatchEvent('pointercancel'),
    );
    await up();
    await moved(
      'another page',
      () => held(page, right),
      () => page.evaluate(`location.hash = '#/events'`),
    );
    await up();
    await page.context().close();
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'check 13: arrows, signs and Enter move it while the pad has the focus, faster when that is chosen',
  async () => {
    const { page } = await openPage(browser, service, '#/cam/1', DESKTOP);
    await openPad(page);
    await button(page, 'fast').click();
    const { keyboard } = page;
    const keyed = (key: string) =>
      moved(
        key,
        () => keyboard.down(key),
        () => keyboard.up(key),
      );
    assert.match(await keyed('ArrowUp'), /PanTilt x="0" y="1"/);
    assert.match(await keyed('+'), /Zoom x="1"/);
    await button(page, 'Left').focus();
    assert.match(await keyed('Enter'), /PanTilt x="-1" y="0"/);
    assert.match(
      await moved(
        'focus elsewhere',
        () => keyboard.down('ArrowDown'),
        () => page.evaluate(`document.querySelector('h1').focus()`),
      ),
      /PanTilt x="0" y="-1"/,
    );
    await keyboard.up('ArrowDown');
    const from = now();
    await button(page, 'Stop').click();
    await until('the stop', () => isStopped(from));
    await page.context().close();
  },
);

test.needs(problem === undefined, problem ?? '', 'presets, home, outputs, day and night on a phone', async () => {
  const opened = await openPage(browser, service, '#/cam/1', PHONE);
  const { page } = opened;
  await openPad(page);
  const does = async (name: string, operation: string) => {
    const from = now();
    await button(page, name).click();
    await until(operation, () => world.onvif.camera.seen.slice(from).some(one => one.operation === operation));
    return world.onvif.camera.seen.slice(from).find(one => one.operation === operation)?.body ?? '';
  };
  assert.match(await does('door', 'GotoPreset'), /PresetToken>1</);
  await does('Home', 'GotoHomePosition');
  await page.getByText('Edit presets').click();
  await page.getByLabel('Keep this view as').fill('Yard');
  assert.match(await does('Keep', 'SetPreset'), /PresetName>Yard</);
  await page.getByText('The view is kept as Yard.').waitFor();
  await page.getByLabel('Keep this view as').fill('door');
  assert.match(await does('Keep', 'SetPreset'), /PresetToken>1</);
  assert.match(await does('Remove door', 'RemovePreset'), /PresetToken>1</);
  await does('Keep it as home', 'SetHomePosition');
  await does('On', 'SetRelayOutputState');
  assert.is(world.onvif.camera.relay, 'active');
  await does('night', 'SetImagingSettings');
  await until('night', () => world.onvif.camera.filter === 'OFF');
  await page.locator('button[aria-pressed=true]', { hasText: 'night' }).waitFor();
  await isSound(opened);
  await page.context().close();
});

test.needs(problem === undefined, problem ?? '', 'who may move it sees the pad, and nobody else', async () => {
  const theirs = await openPage(browser, service, '#/cam/1', PHONE, WATCHER);
  await theirs.page.getByRole('toolbar').waitFor();
  assert.is(await button(theirs.page, 'Move the camera').count(), 0);
  await theirs.page.context().close();
  const plain = await openPage(browser, service, '#/cam/2', PHONE);
  await plain.page.getByRole('toolbar').waitFor();
  assert.is(await button(plain.page, 'Move the camera').count(), 0, 'it cannot be moved');
  await plain.page.context().close();
  const opened = await openPage(browser, service, '#/cam/1', PHONE, MOVER);
  await openPad(opened.page);
  await button(opened.page, 'door').waitFor();
  assert.is(await opened.page.getByText('Edit presets').count(), 0);
  assert.is(await button(opened.page, 'night').count(), 0);
  await isSound(opened);
  await opened.page.context().close();
});

test.run();
