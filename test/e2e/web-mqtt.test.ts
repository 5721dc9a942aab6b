// The page about MQTT in Chromium, at a real broker: what is wrong is said in words before it is saved, and what goes on is shown.
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { MqttInfo } from '../../src/api/contract.ts';
import { Browser, browserProblem, type Opened } from '../support/browser.ts';
import { Authority, certificateProblem } from '../support/certificates.ts';
import { stopChildren } from '../support/child.ts';
import { brokerProblem, Mosquitto } from '../support/mosquitto.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { axeFindings, DESKTOP, openPage, PHONE } from '../support/web-page.ts';

const test = suite('web mqtt', { timeoutMs: 90_000 });
const problem = serviceProblem() ?? browserProblem() ?? brokerProblem();
const PASSWORD = 'a word for the broker';

let browser: Browser;
let service: Service;
let broker: Mosquitto;

test.before(async () => {
  if (problem !== undefined) return;
  browser = await Browser.start();
  service = await Service.start({ args: ['--demo'] });
  broker = await Mosquitto.start({ users: { nvr: PASSWORD } });
});
test.after(async () => {
  await browser?.close();
  await service?.stop();
  await stopChildren();
});

const field = (page: Page, name: string) => page.getByLabel(name, { exact: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const info = () => service.get<MqttInfo>('/api/settings/mqtt');

async function isSound({ page, errors, foreign }: Opened): Promise<void> {
  assert.equal(await axeFindings(page), []);
  assert.equal({ errors, foreign }, { errors: [], foreign: [] });
  assert.is(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0);
}

async function tests(page: Page, url: string, password: string): Promise<void> {
  await field(page, 'Address').fill(url);
  await field(page, 'User name').fill('nvr');
  await field(page, 'Password').fill(password);
  await button(page, 'Test').click();
}

test.needs(
  problem === undefined,
  problem ?? '',
  'a broker is tried in words, kept, and followed while it comes and goes',
  async () => {
    const opened = await openPage(browser, service, '#/set/mqtt', PHONE);
    const { page, errors } = opened;
    const main = page.locator('main');
    await main.getByText('MQTT is switched off.').waitFor();
    await main.getByText('Nothing: MQTT is off').waitFor();
    assert.is(await button(page, 'Test').isDisabled(), true, 'there is nothing to test yet');
    await isSound(opened);
    await tests(page, 'http://127.0.0.1', PASSWORD);
    const wrong = main.locator('.field', { has: field(page, 'Address') }).locator('.field-error');
    await wrong.getByText('Write mqtt://host:1883').waitFor();
    errors.length = 0;
    await tests(page, 'mqtt://127.0.0.1:9', PASSWORD);
    await main.getByText('Nothing listens at this address and port.').waitFor();
    await main.getByText('Check the port (1883').waitFor();
    await tests(page, broker.url, 'wrong');
    await main.getByText('The broker refuses user name or password').waitFor();
    assert.equal([(await info()).settings.url, (await info()).state.name], ['', 'off'], 'nothing is saved by a test');
    await tests(page, broker.url, PASSWORD);
    await main.getByText('The broker takes us (MQTT 5)').waitFor();
    await field(page, 'Tell a broker how everything is, and take commands from it').check();
    assert.is(await main.getByText('The broker takes us').count(), 0, 'it is about what was typed');
    await button(page, 'Save').click();
    await page.getByText('The settings of MQTT are saved.').waitFor();
    await main.getByText(/Connected since .*, MQTT 5\./).waitFor({ timeout: 30_000 });
    assert.is(await field(page, 'Password').inputValue(), '', 'it is never shown');
    await isSound(opened);
    const demo = main.locator('details', { hasText: 'Demo 1' });
    await demo.locator('summary').click();
    await demo
      .locator('li')
      .getByText(/^Motion/)
      .waitFor();
    await broker.kill();
    await main.getByText('Nothing listens at this address and port.').waitFor({ timeout: 30_000 });
    await main.getByText('Not connected since').waitFor();
    await isSound(opened);
    await broker.start();
    await main.getByText(/Connected since .*, MQTT 5\./).waitFor({ timeout: 60_000 });
    assert.equal((await info()).settings.username, 'nvr');
    await page.context().close();
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'certificates are asked for with TLS only, and mistakes stand at their fields',
  async () => {
    const opened = await openPage(browser, service, '#/set/mqtt', DESKTOP);
    const { page, errors } = opened;
    const main = page.locator('main');
    const faultOf = (name: string) => main.locator('.field', { has: field(page, name) }).locator('.field-error');
    await field(page, 'Address').waitFor();
    assert.is(await field(page, "CA of the broker's certificate").count(), 0);
    await field(page, 'Address').fill('mqtts://127.0.0.1:9');
    await field(page, "CA of the broker's certificate").fill('no certificate');
    await field(page, 'First part of the topics').fill('a b');
    await button(page, 'Save').click();
    await faultOf('First part of the topics').getByText('Use 1 to 64 letters').waitFor();
    await field(page, 'First part of the topics').fill('nvr');
    await button(page, 'Save').click();
    await faultOf("CA of the broker's certificate").getByText('Paste the text of a PEM file').waitFor();
    errors.length = 0;
    await isSound(opened);
    await button(page, 'Revert').click();
    assert.is(await field(page, 'Address').inputValue(), broker.url);
    await field(page, 'Home Assistant finds the recorder and its cameras by itself').uncheck();
    assert.is(await field(page, 'Where Home Assistant looks').count(), 0);
    await button(page, 'Save').click();
    await main.getByText('Nothing: MQTT is off').waitFor();
    assert.is((await info()).settings.discoveryPrefix, null);
    await field(page, 'User name').fill('');
    await button(page, 'Save').click();
    await main.getByText('The broker refuses user name or password').waitFor({ timeout: 30_000 });
    const { username, hasPassword } = (await info()).settings;
    assert.equal([username, hasPassword], [undefined, false]);
    await isSound(opened);
    await page.context().close();
  },
);

test.needs(
  (problem ?? certificateProblem()) === undefined,
  problem ?? certificateProblem() ?? '',
  'a broker with TLS wants its CA and our certificate, each in its own words',
  async () => {
    const ours = new Authority('ours');
    const server = ours.sign('broker', 'IP:127.0.0.1');
    const client = ours.sign('nvr', 'DNS:nvr');
    const files = { ca: ours.certFile, cert: server.certFile, key: server.keyFile };
    const strict = await Mosquitto.start({ tls: { ...files, asksForCertificate: true } });
    const opened = await openPage(browser, service, '#/set/mqtt', PHONE);
    const { page } = opened;
    const main = page.locator('main');
    const says = (text: string) => main.getByText(text).waitFor({ timeout: 60_000 });
    await field(page, 'Address').fill(`mqtts://127.0.0.1:${strict.port}`);
    await button(page, 'Test').click();
    await says('The certificate of the broker is not trusted');
    await field(page, "CA of the broker's certificate").fill(ours.cert);
    await button(page, 'Test').click();
    await says('The broker refuses our certificate');
    await field(page, 'Client certificate').fill(client.cert);
    await field(page, 'Key of the client certificate').fill(client.key);
    await button(page, 'Test').click();
    await says('The broker takes us');
    await button(page, 'Save').click();
    await says('Connected since');
    await main.getByText('There is one. Paste another to replace it').waitFor();
    assert.is(await field(page, 'Key of the client certificate').inputValue(), '', 'it is never shown');
    assert.not.ok((await page.content()).includes(client.key.split('\n')[1] ?? 'PRIVATE'));
    await isSound(opened);
    await page.context().close();
    await strict.kill();
  },
);

test.run();
