// Runs in a network of its own: the page of a camera in Chromium, watched with low delay and spoken through, by way of a real go2rtc
// (GO2RTC_DIR). Prints what was seen.
import { Browser } from './browser.ts';
import { ACCOUNT, Service } from './service.ts';
import { SpokenCamera } from './spoken-camera.ts';
import { DESKTOP, openPage, until } from './web-page.ts';

const camera = await SpokenCamera.start({ camera: { clips: [process.env.CLIP ?? ''] } });
const service = await Service.start({ env: { PATH: `${process.env.GO2RTC_DIR}:${process.env.PATH}` } });
const browser = await Browser.start([], ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
const found: Record<string, unknown> = {};
try {
  const { id } = await service.post<{ id: number }>('/api/cameras', { name: 'Door', main: { url: camera.url } });
  await service.until<{ can: { talk: boolean; webrtc: boolean } }>(
    `/api/cameras/${id}`,
    ({ can }) => can.talk && can.webrtc,
    60_000,
  );
  const { page, errors, foreign } = await openPage(browser, service, `#/cam/${id}`, DESKTOP, ACCOUNT);
  const moves = "document.querySelector('.camera-picture video')?.dataset.shown === ''";
  await until(page, moves);
  await page.getByLabel('About this picture').click();
  await page.getByRole('button', { name: 'Low delay', exact: true }).click();
  const again = page.getByRole('button', { name: 'Try again', exact: true });
  const overRtc = `${moves} && !!document.querySelector('.camera-picture video').srcObject`;
  // The first attempt starts go2rtc: on a busy machine that may take longer than the page waits.
  for (let attempt = 0; attempt < 10 && !(await page.evaluate(overRtc)); attempt++) {
    await until(page, `${overRtc} || /Try again/.test(document.querySelector('.camera-note')?.textContent)`, 60_000);
    if (!(await page.evaluate(overRtc))) await again.click();
  }
  await page.locator('.info-list', { hasText: /WebRTC.*\d\.\d s/ }).waitFor();
  found.told = await page.locator('.info-list').textContent();
  const time = () => page.evaluate<number>("document.querySelector('.camera-picture video').currentTime");
  const before = await time();
  await until(page, `document.querySelector('.camera-picture video').currentTime > ${before + 1}`);
  found.connections = camera.camera.connections;
  await page.locator('.talk').click();
  await page.locator('.talk', { hasText: 'Speak now' }).waitFor();
  for (let look = 0; look < 400 && !camera.said.some(({ packets }) => packets > 20); look++)
    await page.waitForTimeout(50);
  found.heard = camera.said.some(({ packets }) => packets > 20);
  await page.locator('.talk').click();
  for (let look = 0; look < 400 && camera.said.some(({ isOpen }) => isOpen); look++) await page.waitForTimeout(50);
  found.left = camera.said.some(({ isOpen }) => isOpen);
  Object.assign(found, { errors, foreign });
} catch (error) {
  found.failed = String(error);
  found.log = service.log.filter(({ level }) => level !== 'debug').slice(-20);
}
process.stdout.write(JSON.stringify(found));
await browser.close();
await service.stop();
await camera.stop();
