// Runs in a network of its own: the page of a camera in Chromium, with low delay and with talk, while the board answers, refuses, or
// leads nowhere. Prints what was seen.
import type { Page } from 'playwright-core';
import { Browser } from './browser.ts';
import { FAKE_RTC, pretend } from './fake-rtc.ts';
import { ACCOUNT, Service } from './service.ts';
import { axeFindings, DESKTOP, PHONE, until } from './web-page.ts';

/** As homes have it: plain HTTP there is no secure context for browsers. */
const LAN = '10.1.2.3';
const CAN = { webrtc: true, talk: true };
const FLAGS = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

const browser = await Browser.start([LAN], FLAGS);
const service = await Service.start({ args: ['--demo', '--https', '127.0.0.1:0'] });
await service.until<{ state: { name: string } }>('/api/cameras/1', ({ state }) => state.name === 'live');
const seen: Record<string, unknown> = {};

/** One page after the other, each with what it complained of. */
async function scene(
  name: string,
  act: (page: Page) => Promise<unknown>,
  view = DESKTOP,
  host?: string,
): Promise<void> {
  const url = new URL(service.ready.url);
  if (host) url.hostname = host;
  const opened = await browser.open(new URL('/api/health', url).href, { ...view, script: FAKE_RTC });
  const { page, errors, foreign } = opened;
  try {
    const login = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(ACCOUNT) };
    await page.evaluate(`fetch('/api/login', ${JSON.stringify(login)}).then(answer => answer.status)`);
    await page.evaluate(`localStorage.setItem('thimble', '{"wasIn":true}')`);
    await pretend(page, CAN);
    errors.length = 0;
    await page.goto(new URL('/#/cam/1', url).href);
    await until(page, MOVES);
    const found = await act(page);
    // Refusals that were wanted.
    const complaints = errors.filter(text => !/status of 503/.test(text));
    seen[name] = { found, errors: complaints, foreign };
  } catch (error) {
    seen[name] = { failed: String(error) };
  } finally {
    await page.context().close();
  }
}

const MOVES = "document.querySelector('.camera-picture video')?.dataset.shown === ''";
const OVER_RTC = `${MOVES} && !!document.querySelector('.camera-picture video').srcObject`;
const OVER_MSE = `${MOVES} && !document.querySelector('.camera-picture video').srcObject`;
const info = (page: Page) => page.locator('.info-list').textContent();
const rtc = <T>(page: Page, what: string) => page.evaluate<T>(`rtc.${what}`);
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
const mediaOf = (sdp: string) => [...sdp.matchAll(/^m=(\w+)/gm)].map(([, kind]) => kind);
/** Where the machine is too busy for the time limits of the page, whoever sits there tries again. */
async function overRtc(page: Page): Promise<void> {
  const again = page.getByRole('button', { name: 'Try again', exact: true });
  for (let attempt = 0; attempt < 10; attempt++) {
    await until(page, `${OVER_RTC} || /Try again/.test(document.querySelector('.camera-note')?.textContent)`);
    if (await page.evaluate(OVER_RTC)) return;
    await again.click();
  }
  throw new Error('it never came over WebRTC');
}

/** Colours differ: it moves. */
const CHANGES = `(() => {
  const video = document.querySelector('.camera-picture video');
  const canvas = new OffscreenCanvas(2, 2);
  canvas.getContext('2d').drawImage(video, 0, 0, 2, 2);
  const now = canvas.getContext('2d').getImageData(0, 0, 1, 1).data.join();
  const other = window.colour !== undefined && window.colour !== now;
  window.colour = now;
  return other;
})()`;

await scene(
  'lowDelay',
  async page => {
    const pieces = () =>
      page.evaluate<number>(
        "performance.getEntriesByType('resource').filter(({ name }) => /rtc-piece/.test(name)).length",
      );
    const before = await pieces();
    await page.getByLabel('About this picture').click();
    await press(page, 'Low delay');
    await overRtc(page);
    await until(page, CHANGES);
    await page.getByText('low delay is wanted').waitFor();
    await page.locator('.info-list', { hasText: /\d\.\d s/ }).waitFor();
    const told = await info(page);
    const axe = await axeFindings(page);
    await page.getByRole('button', { name: /^Sound of/ }).click();
    await until(page, "rtc.offers.at(-1).sdp.includes('m=audio') && rtc.left.includes('s1')");
    await overRtc(page);
    await page.getByText('With low delay the sound of this camera cannot be played.').waitFor();
    await press(page, 'Low delay');
    await until(page, OVER_MSE);
    await until(page, 'rtc.left.length === rtc.offers.length');
    await page.getByText('first choice').waitFor();
    const offers = await rtc<{ sdp: string }[]>(page, 'offers');
    const closed = await page.evaluate("document.querySelector('.camera-picture video').srcObject");
    return {
      ...{ pieces: [before, await pieces()], told: /WebRTC.*\d\.\d s/.test(told ?? ''), axe, closed },
      candidates: offers.some(({ sdp }) => /a=candidate|a=end-of-candidates/.test(sdp)),
      media: [...new Set(offers.map(({ sdp }) => mediaOf(sdp).join(' ')))],
      directions: [...new Set(offers.flatMap(({ sdp }) => sdp.match(/(?<=^a=)(send|recv)\w+/gm) ?? []))],
    };
  },
  PHONE,
);

await scene('refused', async page => {
  await rtc(page, "mode = 'refuse'");
  await press(page, 'Low delay');
  await page.getByText('The low delay cannot be had here. Too many watch over WebRTC.').waitFor();
  await until(page, OVER_MSE);
  const axe = await axeFindings(page);
  await rtc(page, "mode = 'answer'");
  await press(page, 'Try again');
  await overRtc(page);
  return { axe };
});

await scene('silent', async page => {
  await rtc(page, "mode = 'silent'");
  await press(page, 'Low delay');
  await page.getByText('The low delay cannot be had here.').waitFor();
  await until(page, OVER_MSE);
  return {
    left: await rtc(page, 'left'),
    offers: await rtc(page, 'offers.length'),
    outlives: await rtc(page, 'outlives'),
  };
});

await scene('lost', async page => {
  await press(page, 'Low delay');
  await overRtc(page);
  await rtc(page, 'peers.forEach(peer => peer.close())');
  await until(page, "rtc.left.includes('s1') && rtc.offers.length > 1");
  await overRtc(page);
  await until(page, CHANGES);
  return page.getByRole('button', { name: 'Low delay', exact: true }).getAttribute('aria-pressed');
});

/** Something came at the peer that takes the voice. */
const HEARD = `rtc.peers.at(-1).getStats().then(report => {
  let bytes = 0;
  report.forEach(one => { if (one.type === 'inbound-rtp') bytes = one.bytesReceived; });
  return bytes > 0;
})`;
const MUTED = "document.querySelector('.camera-picture video').muted";

await scene('talk', async page => {
  await page.getByRole('button', { name: /^Sound of/ }).click();
  await until(page, `!${MUTED}`);
  const button = page.locator('.talk');
  await button.hover();
  await page.mouse.down();
  await button.getByText('Speak now').waitFor();
  const quiet = await page.evaluate(MUTED);
  await until(page, HEARD);
  await until(page, "document.querySelector('.camera-tools meter').value > 0.1");
  const axe = await axeFindings(page);
  await page.mouse.up();
  await until(page, "rtc.left.join() === 's1'");
  await until(page, `!${MUTED}`);
  await button.click();
  await button.getByText('Speak now').waitFor();
  const latched = await button.getAttribute('aria-pressed');
  await page.keyboard.press('t');
  await until(page, "rtc.left.join() === 's1,s2'");
  await page.keyboard.press('t');
  await button.getByText('Speak now').waitFor();
  await page.evaluate("location.hash = '#/events'");
  await until(page, "rtc.left.join() === 's1,s2,s3'");
  const offers = await rtc<{ sdp: string }[]>(page, 'offers');
  return {
    ...{ quiet, latched, axe },
    lines: offers.map(({ sdp }) => mediaOf(sdp).join()),
    directions: [...new Set(offers.flatMap(({ sdp }) => sdp.match(/(?<=^a=)(send|recv)\w+/gm) ?? []))],
    candidates: offers.some(({ sdp }) => /a=candidate/.test(sdp)),
  };
});

await scene(
  'talkRefused',
  async page => {
    await rtc(page, "mode = 'refuse'");
    await page.locator('.talk').click();
    await page.getByText('Nobody was heard at the camera. Too many watch over WebRTC.').waitFor();
    await page.getByText('Close another one.').waitFor();
    const pressed = await page.locator('.talk').getAttribute('aria-pressed');
    const axe = await axeFindings(page);
    await rtc(page, "mode = 'answer'");
    await page.locator('.talk').click();
    await page.locator('.talk', { hasText: 'Speak now' }).waitFor();
    return { pressed, axe };
  },
  PHONE,
);

await scene(
  'plain',
  async page => {
    const hurdle = page.locator('.camera-tools .hurdle');
    await hurdle.waitFor();
    return {
      ...{ secure: await page.evaluate('isSecureContext'), buttons: await page.locator('.talk').count() },
      ...{ text: await hurdle.textContent(), href: await hurdle.locator('a').getAttribute('href') },
      https: (await service.get<{ service: { https?: { url: string } } }>('/api/status')).service.https?.url,
      axe: await axeFindings(page),
    };
  },
  PHONE,
  LAN,
);

process.stdout.write(JSON.stringify(seen));
await browser.close();
await service.stop();
