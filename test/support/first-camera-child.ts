// Runs in a network of its own: somebody sets the board up in Chromium and adds the first camera that is found there. Prints what was seen.
import { createSocket } from 'node:dgram';
import type { Page } from 'playwright-core';
import type { Camera } from '../../src/api/contract.ts';
import { Browser } from './browser.ts';
import { CAMERA_LOGIN, startOnvifWorld } from './onvif-world.ts';
import { passHub } from './pass-hub.ts';
import { ACCOUNT, Service } from './service.ts';
import { axeFindings, DESKTOP } from './web-page.ts';

const GROUP = '239.255.255.250';
/** Answers, but nothing is there any more. */
const DEAD = '10.77.0.2';

function match(address: string, name: string): string {
  return `<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:${name}</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/name/${name} onvif://www.onvif.org/hardware/M1</d:Scopes><d:XAddrs>${address}</d:XAddrs></d:ProbeMatch>`;
}

function answer(relatesTo: string, matches: string): string {
  return `<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header><a:RelatesTo>${relatesTo}</a:RelatesTo></e:Header><e:Body><d:ProbeMatches>${matches}</d:ProbeMatches></e:Body></e:Envelope>`;
}

/** Cameras that say what they are: the one here at once, the dead one only when the first short search is over. */
async function answerSearches(port: number): Promise<() => void> {
  const socketAt = (address: string) =>
    new Promise<ReturnType<typeof createSocket>>(resolve => {
      const socket = createSocket('udp4');
      socket.bind(0, address, () => resolve(socket));
    });
  const [here, dead] = [await socketAt('127.0.0.1'), await socketAt(DEAD)];
  const listener = createSocket({ type: 'udp4', reuseAddr: true });
  const firstMs = performance.now();
  listener.on('message', (message, from) => {
    const id = /MessageID>([^<]*)</.exec(message.toString())?.[1] ?? '';
    const say = (socket: typeof here, address: string, name: string) =>
      socket.send(answer(id, match(`http://${address}/onvif/device_service`, name)), from.port, from.address);
    say(here, `127.0.0.1:${port}`, 'Gate');
    if (performance.now() - firstMs > 1000) say(dead, `${DEAD}:8`, 'Shed');
  });
  await new Promise<void>(resolve =>
    listener.bind(3702, () => {
      listener.addMembership(GROUP, '127.0.0.1');
      resolve();
    }),
  );
  return () => [here, dead, listener].forEach(socket => void socket.close());
}

async function setUp(page: Page, code: string): Promise<void> {
  await page.fill('input[name=code]', code);
  await page.fill('input[name=username]', ACCOUNT.name);
  await page.fill('input[name=password]', ACCOUNT.password);
  await page.click('button[type=submit]');
  await page.getByText('free of').waitFor();
  await page.click('button[data-kind=primary]');
  await passHub(page);
  await page.getByRole('button', { name: 'Add a camera' }).click();
}

const browser = await Browser.start();
const service = await Service.start({ account: false });
const world = await startOnvifWorld();
const { page, errors, foreign } = await browser.open(service.ready.url, DESKTOP);
const field = (name: string) => page.getByLabel(name, { exact: true });
await setUp(page, service.ready.setupCode ?? '');
const stopAnswers = await answerSearches(world.onvif.port);
await page.getByRole('button', { name: 'Find cameras' }).click({ timeout: 30_000 });
const taken = page.getByRole('button', { name: 'Take 127.0.0.1 Gate, M1' });
await taken.waitFor();
await page.getByRole('button', { name: `Take ${DEAD} Shed, M1` }).waitFor();
const listed = await page.locator('.cam-found .button').allInnerTexts();
await page.getByRole('button', { name: `Take ${DEAD} Shed, M1` }).click();
await page.getByRole('button', { name: 'Test', exact: true }).click();
await page.getByText('The camera refuses the connection.').waitFor();
await taken.click();
const focused = await page.evaluate('document.activeElement.name');
await field('User name').fill(CAMERA_LOGIN.username);
await field('Password').fill(CAMERA_LOGIN.password);
await page.getByRole('button', { name: 'Test', exact: true }).click();
await page.getByText('Main stream: 1280×720 H.264').waitFor();
const axe = await axeFindings(page);
await field('Name').fill('Gate');
await page.getByRole('button', { name: 'Add a camera' }).click();
await page.locator('img[alt="Picture of Gate"]').waitFor();
await page.getByRole('link', { name: 'See it live' }).click();
await page.locator('video[data-shown]').waitFor({ state: 'attached' });
const { onvif } = await page.evaluate<Camera>(`fetch('/api/cameras/1').then(answer => answer.json())`);
await page.evaluate(`location.hash = '#/set/cameras/add'`);
await page.getByRole('button', { name: 'Find cameras' }).click();
await page.getByText('is here already: Gate').waitFor();
process.stdout.write(JSON.stringify({ listed, focused, axe, address: onvif?.address, errors, foreign }));
stopAnswers();
await browser.close();
await service.stop();
await world.stop();
