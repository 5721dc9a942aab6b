// Runs in a network of its own: the service, a camera with a speaker and Chromium, which watches and talks over WebRTC through go2rtc (its program is
// GO2RTC_BIN). Prints what was seen.
import type { Page } from 'playwright-core';
import type { Camera } from '../../src/api/contract.ts';
import { Browser } from './browser.ts';
import { ACCOUNT, Service } from './service.ts';
import { SpokenCamera } from './spoken-camera.ts';
import { until } from './web-page.ts';

/** In the page: what a player does, without its looks. */
const PLAYER = `
window.ask = async (method, path, body) => {
  const headers = body ? { 'Content-Type': 'application/json' } : {};
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : undefined };
};
window.watch = async (camera, stream = 'main') => {
  const atMs = performance.now();
  const pc = new RTCPeerConnection({ iceServers: [] });
  const video = document.createElement('video');
  Object.assign(video, { muted: true, autoplay: true, playsInline: true });
  document.body.append(video);
  const own = { pc, video, frames: 0, firstMs: undefined };
  const media = new MediaStream();
  pc.ontrack = ({ track }) => { media.addTrack(track); video.srcObject = media; };
  const count = () => { own.frames++; own.firstMs ??= performance.now() - atMs; video.requestVideoFrameCallback(count); };
  video.requestVideoFrameCallback(count);
  pc.addTransceiver('video', { direction: 'recvonly' });
  pc.addTransceiver('audio', { direction: 'recvonly' });
  await pc.setLocalDescription();
  const { status, body } = await ask('POST', '/api/cameras/' + camera + '/webrtc', { sdp: pc.localDescription.sdp, stream });
  own.status = status;
  own.body = body;
  own.answeredMs = performance.now() - atMs;
  if (status === 201) await pc.setRemoteDescription({ type: 'answer', sdp: body.sdp });
  return own;
};
// \`own\`: what the browser itself takes its offer for; \`believe\`: and the answer.
window.talk = async (camera, own = text => text, believe = text => text) => {
  const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
  const pc = new RTCPeerConnection({ iceServers: [] });
  pc.addTransceiver(sound.getAudioTracks()[0], { direction: 'sendonly' });
  const { sdp } = await pc.createOffer();
  await pc.setLocalDescription({ type: 'offer', sdp: own(sdp) });
  const { status, body } = await ask('POST', '/api/cameras/' + camera + '/talk', { sdp });
  if (status === 201) await pc.setRemoteDescription({ type: 'answer', sdp: believe(body.sdp) });
  return { pc, status, body };
};
// It says that it will watch, and sends: pictures that nobody asked for.
window.intrude = async camera => {
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const pc = new RTCPeerConnection({ iceServers: [] });
  const own = { pc, sent: 0 };
  for (const track of media.getTracks()) pc.addTransceiver(track, { direction: 'sendrecv' });
  await pc.setLocalDescription();
  const sdp = pc.localDescription.sdp.replace(/a=sendrecv/g, 'a=recvonly').replace(/a=(ssrc|msid)[^\\r]*\\r\\n/g, '');
  const { status, body } = await ask('POST', '/api/cameras/' + camera + '/webrtc', { sdp });
  own.status = status;
  if (status === 201) {
    await pc.setRemoteDescription({ type: 'answer', sdp: body.sdp.replace(/a=(sendonly|inactive)/g, 'a=sendrecv') });
  }
  own.count = async () => {
    for (const one of (await pc.getStats()).values()) if (one.type === 'outbound-rtp') own.sent += one.packetsSent;
    return own.sent;
  };
  return own;
};
`;

const found: Record<string, unknown> = {};
const camera = await SpokenCamera.start({ camera: { clips: [process.env.CLIP ?? ''] } });
const service = await Service.start({ env: { PATH: `${process.env.GO2RTC_DIR}:${process.env.PATH}` } });
const browser = await Browser.start([], ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);

async function seen(what: () => boolean | Promise<boolean>, name: string, limitMs = 20_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${name}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

async function connected(name: string): Promise<Page> {
  const { page } = await browser.open(new URL('/api/health', service.ready.url).href, { script: PLAYER });
  const status = await page.evaluate(`ask('POST', '/api/login', ${JSON.stringify(ACCOUNT)}).then(one => one.status)`);
  if (status !== 200) throw new Error(`logging in for ${name}: ${status}`);
  return page;
}

const metric = async (line: string) => {
  const { data } = await service.exchange('GET', '/api/metrics');
  return Number(new RegExp(`^thimble_${line} (.*)$`, 'm').exec(data.toString())?.[1] ?? Number.NaN);
};

try {
  const { id } = await service.post<Camera>('/api/cameras', { name: 'Door', main: { url: camera.url } });
  const shown = () => service.get<Camera>(`/api/cameras/${id}`);
  await seen(async () => (await shown()).state.name === 'live', 'live');
  await seen(async () => (await shown()).can.talk, 'the speaker was found', 60_000);
  found.can = (await shown()).can.webrtc;
  const page = await connected('watching');

  // Watching: it moves, from one connection to the camera, by the addresses of this machine only.
  await page.evaluate(`watch(${id}).then(one => { window.first = one; })`);
  const first = (key: string) => page.evaluate(`window.first.${key}`);
  found.status = await first('status');
  found.refused = (await first('body.error')) ?? null;
  await until(page, 'window.first.frames >= 20');
  await page.evaluate(`watch(${id}).then(one => { window.second = one; })`);
  await until(page, 'window.second.frames >= 5');
  found.addresses = await page.evaluate(
    `[...new Set([...first.body.sdp.matchAll(/candidate:.* (\\S+) \\d+ typ/g)].map(match => match[1]))]`,
  );
  found.openToCamera = camera.camera.connections;
  found.views = await metric('webrtc_sessions{kind="view"}');
  found.firstMs = [await first('firstMs'), await page.evaluate('window.second.firstMs')];
  found.answeredMs = [await first('answeredMs'), await page.evaluate('window.second.answeredMs')];

  // One leaves by a word, one just closes its connection.
  const { session } = (await first('body')) as { session: string };
  found.deleted = await page.evaluate(`ask('DELETE', '/api/cameras/${id}/webrtc/${session}').then(one => one.status)`);
  await page.evaluate('window.first.pc.close(); window.second.pc.close()');
  await seen(async () => (await metric('webrtc_sessions{kind="view"}')) === 0, 'nobody watches', 40_000);

  // Talking: the camera hears it on a connection of its own, which goes with the talk.
  found.saidBefore = camera.said.filter(one => one.isOpen).length;
  await page.evaluate(`talk(${id}).then(one => { window.said = one; })`);
  found.talkStatus = await page.evaluate('window.said.status');
  found.talkRefused = (await page.evaluate('window.said.body.error')) ?? null;
  await seen(() => camera.said.some(one => one.packets > 20), 'something was said');
  found.saidRequests = camera.said.at(-1)?.requests.slice(0, 3);
  const other = await connected('interrupting');
  found.interrupted = await other.evaluate(
    `talk(${id}).then(one => [one.status, one.body.error && one.body.error.message])`,
  );
  found.openToCameraWhileTalking = camera.camera.connections;
  const talk = (await page.evaluate('window.said.body')) as { session: string };
  found.kept = await page.evaluate(`ask('PUT', '/api/cameras/${id}/talk/${talk.session}').then(one => one.status)`);
  found.ended = await page.evaluate(`ask('DELETE', '/api/cameras/${id}/talk/${talk.session}').then(one => one.status)`);
  await page.evaluate('window.said.pc.close()');
  await seen(() => camera.said.every(one => !one.isOpen), 'the connection to the speaker is closed');

  // Packets that nobody asked for, and of another payload type than was said, end nothing.
  const pid = async () => (await service.get<{ go2rtc: { pid?: number } }>('/api/status')).go2rtc.pid;
  const pidBefore = await pid();
  await page.evaluate(`intrude(${id}).then(one => { window.intruder = one; })`);
  found.intruded = await page.evaluate('window.intruder.status');
  await until(page, 'window.intruder.count().then(count => count > 100)');
  await page.evaluate('window.intruder.pc.close()');
  await page.evaluate(`talk(${id},
    text => text.replace(/([ :=])111\\b/g, '$197'),
    text => text.replace(/(m=audio 9 \\S+) 8/, '$1 97').replace(/a=(rtpmap|fmtp|rtcp-fb):8 .*\\r\\n/g, '')
      .replace('a=mid', 'a=rtpmap:97 opus/48000/2\\r\\na=mid')).then(one => { window.forger = one; })`);
  found.forged = await page.evaluate('window.forger.status');
  await until(
    page,
    `window.forger.pc.getStats().then(all => [...all.values()]
    .some(one => one.type === 'outbound-rtp' && one.packetsSent > 50))`,
  );
  await page.evaluate('window.forger.pc.close()');
  found.survived = (await pid()) === pidBefore;
  await seen(async () => (await metric('webrtc_sessions{kind="view"}')) === 0, 'the intruder is gone', 40_000);
  await seen(async () => (await metric('webrtc_sessions{kind="talk"}')) === 0, 'the forger is gone', 40_000);

  // A login that ends takes its session with it, whatever the browser does.
  await page.evaluate(`watch(${id}).then(one => { window.third = one; })`);
  await until(page, 'window.third.frames >= 5');
  await page.evaluate(`ask('POST', '/api/logout')`);
  await seen(async () => (await metric('webrtc_sessions{kind="view"}')) === 0, 'the session ended');
  found.endedBy = await metric('webrtc_ended_total{reason="not-allowed"}');
  const frames = () => page.evaluate<number>('window.third.frames');
  let before = await frames();
  // What the browser has already may still be shown.
  const calm = async () => {
    const last = before;
    await new Promise(resolve => setTimeout(resolve, 500));
    before = await frames();
    return before === last;
  };
  await seen(calm, 'the last picture');
  await new Promise(resolve => setTimeout(resolve, 2000));
  found.framesAfterLogout = (await frames()) - before;
  found.gaps = (
    await service.get<{ cameras: { gaps: unknown[] }[] }>(
      `/api/timeline?camera=${id}&startMs=${Date.now() - 120_000}&endMs=${Date.now()}&buckets=1`,
    )
  ).cameras[0]?.gaps;
} catch (error) {
  found.failed = String(error);
  found.log = service.log.filter(line => line.level !== 'debug').slice(-30);
}
process.stdout.write(`${JSON.stringify(found)}\n`);
await browser.close();
await service.stop();
await camera.stop();
