// The page about go2rtc and the streams for others, in Chromium: each state with its words, the installation by consent and as it goes,
// what is typed and refused; and the step of the first run about it.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Go2rtcInfo, Settings } from '../../src/api/contract.ts';
import { Browser, browserProblem, type Opened } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { ACCOUNT, Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { axeFindings, DESKTOP, openPage, PHONE } from '../support/web-page.ts';

const test = suite('web: hub pages', { timeoutMs: 60_000 });
const problem = serviceProblem() ?? browserProblem();
const here = problem === undefined;

let browser: Browser;
let service: Service;
test.before(async () => {
  if (!here) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'] });
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
});

const STATE: Go2rtcInfo['state'] = {
  name: 'absent',
  sinceMs: 1_780_000_000_000,
  restarts: 0,
  webrtc: false,
  streams: [],
};
const INSTALL: Go2rtcInfo['install'] = { name: 'idle', sinceMs: 0 };
const OFFERED = { version: '1.9.14', file: 'go2rtc_linux_amd64' };
const READY: Go2rtcInfo['state'] = {
  ...STATE,
  name: 'ready',
  version: '1.9.14',
  path: '/usr/bin/go2rtc',
  rssBytes: 23 << 20,
};

/** What the board says of go2rtc from now on; how often the installation was asked for. */
class FakeHub {
  info: Go2rtcInfo = { state: STATE, install: INSTALL, offered: OFFERED };
  asked = 0;

  async of(page: Page): Promise<this> {
    await page.route(/\/api\/go2rtc/, async route => {
      if (route.request().method() === 'POST') {
        this.asked++;
        this.info = { ...this.info, install: { name: 'running', sinceMs: 0, receivedBytes: 0 } };
      }
      await route.fulfill({ status: 200, json: this.info });
    });
    return this;
  }
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

async function isSound({ page, errors, foreign }: Opened): Promise<void> {
  assert.equal(await axeFindings(page), []);
  assert.equal({ errors, foreign }, { errors: [], foreign: [] });
  assert.is(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0);
}

async function openHub(view = PHONE): Promise<{ opened: Opened; hub: FakeHub; says(text: string): Promise<void> }> {
  const opened = await openPage(browser, service, '#/set', view);
  const { page } = opened;
  const hub = await new FakeHub().of(page);
  await page.getByText('WebRTC and other players').click();
  await page.getByRole('heading', { name: 'go2rtc' }).waitFor();
  return { opened, hub, says: text => page.locator('main').getByText(text).first().waitFor() };
}

test.needs(
  here,
  problem ?? '',
  'nothing is downloaded before it is asked for; then how it goes, and what became of it',
  async () => {
    const { opened, hub, says } = await openHub();
    const { page } = opened;
    await says('It is not on this board.');
    await says('6 to 8 MB from github.com');
    assert.is(hub.asked, 0);
    await isSound(opened);
    await button(page, 'Download go2rtc 1.9.14').click();
    await says('Asking for it…');
    assert.is(hub.asked, 1);
    const running = { name: 'running', sinceMs: 0, receivedBytes: 3e6, sizeBytes: 7_400_000 } as const;
    hub.info = { ...hub.info, install: running };
    await says('Downloading: 3 MB of 7.4 MB.');
    const words = { message: 'the file has another digest than the published one', cure: 'Try again later.' };
    hub.info = { ...hub.info, install: { name: 'failed', sinceMs: 0, ...words } };
    await says('The file has another digest than the published one.');
    await says('Try again later.');
    await button(page, 'Download go2rtc 1.9.14').waitFor();
    await isSound(opened);
    hub.info = { ...hub.info, state: READY, install: { name: 'installed', sinceMs: 0 } };
    await says('go2rtc is installed.');
    assert.is(await button(page, 'Download go2rtc 1.9.14').count(), 0);
    hub.info = { state: STATE, install: INSTALL };
    await says('There is none to download for this board');
    await page.context().close();
  },
);

test.needs(here, problem ?? '', 'each state has its words, with what is wrong and what helps', async () => {
  const { opened, hub, says } = await openHub(DESKTOP);
  const fault = { message: 'it listens on no port', cure: 'Choose another port.' };
  const states: [Partial<Go2rtcInfo['state']>, string[]][] = [
    [READY, ['It runs since', 'version 1.9.14', 'In /usr/bin/go2rtc.', '23 MiB in memory, restarted 0 times.']],
    [{ ...READY, name: 'idle' }, ['starts when something needs it']],
    [{ name: 'starting' }, ['It is starting.']],
    [{ name: 'restarting', ...fault }, ['It is starting again.', 'It listens on no port.', 'Choose another port.']],
    [{ name: 'resting', ...fault }, ['It failed too often', 'Choose another port.', 'Download go2rtc 1.9.14']],
    [{ name: 'unusable', ...fault }, ['It cannot be used.', 'Download go2rtc 1.9.14']],
  ];
  for (const [state, texts] of states) {
    hub.info = { ...hub.info, state: { ...STATE, ...state } };
    for (const text of texts) await says(text);
  }
  const stream = { name: 'th-1-main', usable: false, consumers: 0, moving: false, problem: fault } as const;
  hub.info = { ...hub.info, state: { ...READY, streams: [stream] } };
  await says('1 stream goes through it');
  await isSound(opened);
  await opened.page.context().close();
});

test.needs(here, problem ?? '', 'what is typed is kept, and a mistake stands at its field', async () => {
  const { opened, says } = await openHub();
  const { page, errors } = opened;
  const field = (name: string) => page.getByLabel(name, { exact: true });
  await field('Place of the program').fill('bin/go2rtc');
  await button(page, 'Save').first().click();
  const wrong = page.locator('.field', { has: field('Place of the program') }).locator('.field-error');
  await wrong.getByText('absolute path').waitFor();
  errors.length = 0;
  await field('Place of the program').fill('');
  await field('Runs').selectOption('always');
  await field('Port of WebRTC').fill('8600');
  await button(page, 'Save').first().click();
  await page.getByText('Saved.').waitFor();
  const { go2rtc } = await service.get<Settings>('/api/settings');
  assert.equal(go2rtc, { binary: null, keep: 'always', webrtcPort: 8600 });
  await says('It is not on this board.');
  await field('Port of WebRTC').fill('0');
  const saved = page.waitForResponse(answer => answer.request().method() === 'PATCH');
  await button(page, 'Save').first().click();
  await saved;
  assert.is((await service.get<Settings>('/api/settings')).go2rtc.webrtcPort, 0, 'no WebRTC at all');
  await isSound(opened);
  await page.context().close();
});

test.needs(
  here,
  problem ?? '',
  'a camera goes by go2rtc when its form says so, and says what keeps it away',
  async () => {
    const { id } = await service.post<{ id: number }>('/api/cameras', {
      name: 'Gate',
      main: { url: 'rtsp://127.0.0.1:9/a' },
    });
    const opened = await openPage(browser, service, `#/set/cameras/${id}`, PHONE);
    const { page } = opened;
    await page.getByLabel('Way to the camera').selectOption('go2rtc');
    await page.getByLabel('Main stream comes by').selectOption('udp');
    await page.locator('.card', { hasText: 'Main stream comes by' }).getByRole('button', { name: 'Save' }).click();
    await page.getByText('Gate is changed.').waitFor();
    const { hub, main } = await service.get<{ hub: string; main: { transport: string } }>(`/api/cameras/${id}`);
    assert.equal([hub, main.transport], ['go2rtc', 'udp']);
    await isSound(opened);
    await page.context().close();
    await service.delete(`/api/cameras/${id}`);
  },
);

test.needs(
  here,
  problem ?? '',
  'streams for others: switched on, a login whose password is shown once, renewed, taken away',
  async () => {
    const opened = await openPage(browser, service, '#/set/hub', PHONE);
    const { page } = opened;
    const main = page.locator('main');
    const card = page.locator('.card', { has: page.getByRole('heading', { name: 'Streams for other programs' }) });
    await card.getByText('None yet: nobody can take a stream.').waitFor();
    await card.getByLabel('Give streams to others').check();
    await card.getByLabel('Address and port').fill('127.0.0.1');
    await button(page, 'Save').last().click();
    await card.locator('.field-error').getByText('Write an address and a port').waitFor();
    opened.errors.length = 0;
    await card.getByLabel('Address and port').fill(`127.0.0.1:${await freePort()}`);
    await button(page, 'Save').last().click();
    await card.getByText('Open to other programs: 0 streams are taken now.').waitFor();
    await card.getByText('Add a user of streams').first().click();
    await card.getByLabel('Name').fill('frigate');
    await card.getByLabel('All cameras').uncheck();
    await card.getByLabel('Demo 1').check();
    await button(page, 'Add a user of streams').click();
    await card.getByText('This is the password of frigate. It is shown only now.').waitFor();
    await card.getByText('rtsp://127.0.0.1:').waitFor();
    const first = await card.locator('pre').textContent();
    assert.match(first ?? '', /^[\w-]{16,}$/);
    await isSound(opened);
    const { restream } = await service.get<Settings>('/api/settings');
    assert.equal(restream.users, [{ name: 'frigate', cameras: [1], hasSecret: true }]);
    await page.reload();
    await card.getByText('frigate').waitFor();
    assert.is(await card.locator('pre').count(), 0, 'never again');
    await button(page, 'New password for frigate').click();
    await card.locator('pre').waitFor();
    assert.is.not(await card.locator('pre').textContent(), first);
    await button(page, 'Remove frigate').click();
    await main.getByText('None yet: nobody can take a stream.').waitFor();
    await isSound(opened);
    await page.context().close();
  },
);

test.needs(
  here,
  problem ?? '',
  'check 3: the first run says what is lost without go2rtc, gets it, or goes on',
  async () => {
    const fresh = await Service.start({ account: false });
    const { page, errors, foreign } = await browser.open(`${fresh.ready.url}/`, PHONE);
    const hub = await new FakeHub().of(page);
    await page.fill('input[name=code]', fresh.ready.setupCode ?? '');
    await page.fill('input[name=username]', ACCOUNT.name);
    await page.fill('input[name=password]', ACCOUNT.password);
    await page.click('button[type=submit]');
    await page.getByText('free of').waitFor();
    await button(page, 'Continue').click();
    await page.getByText('Step 3 of 4: go2rtc').waitFor();
    for (const lost of ['no WebRTC', 'no talking to cameras', 'no camera that does not speak plain RTSP'])
      await page.getByText(lost).waitFor();
    assert.equal(await axeFindings(page), []);
    await button(page, 'Download go2rtc 1.9.14').click();
    await page.getByText('Asking for it…').waitFor();
    hub.info = { ...hub.info, state: { ...READY, name: 'idle' }, install: { name: 'installed', sinceMs: 0 } };
    await page.getByText('go2rtc is installed.').waitFor();
    assert.is(await page.getByText('Without it there is:').count(), 0);
    await button(page, 'Continue').click();
    await page.getByText('Everything is ready for the first camera.').waitFor();
    assert.equal({ errors, foreign }, { errors: [], foreign: [] });
    await page.context().close();
    await fresh.stop();
  },
);

test.run();
