// The rules for what we let through to go2rtc, seen from its side: what it is asked when browsers ask us.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { both } from '../support/go2rtc/both.ts';
import { addCamera, hubPid, isLive, startWithHub } from '../support/go2rtc/hub-service.ts';
import { VIEWER, VIEWER_OF_H265 } from '../support/go2rtc/offers.ts';
import type { Program } from '../support/go2rtc/peer.ts';
import { type StandInOptions, standIn } from '../support/go2rtc/stand-in.ts';
import { askedCalls, supervise } from '../support/go2rtc/supervised.ts';
import type { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('go2rtc rules: what is let through', { timeoutMs: 90_000 });
test.after(stopChildren);
const CANDIDATES = [
  'a=candidate:1 1 udp 2130706431 192.168.7.7 50000 typ host',
  'a=candidate:2 1 udp 2130706431 5d3c1b2a-1111-4444-8888-123456789abc.local 50001 typ host',
  'a=end-of-candidates',
];

function alone(options: StandInOptions): Program {
  return { name: 'stand-in', path: standIn(options), timeScale: options.timeScale ?? 1 };
}

interface Served {
  service: Service;
  id: number;
  camera: Camera;
  /** What the stand-in was asked for peers. */
  offers(): ReturnType<typeof askedCalls>;
  stop(): Promise<void>;
}

async function served(options: StandInOptions = {}): Promise<Served> {
  const requestLog = join(tempDir('log'), 'requests');
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  const service = await startWithHub(alone({ requestLog, ...options }));
  const id = await addCamera(service, 'Door', camera.url, { hub: 'direct' });
  await service.until<ApiCamera>(`/api/cameras/${id}`, isLive, 20_000);
  const stop = async () => {
    await service.stop();
    await camera.stop();
  };
  return {
    service,
    id,
    camera,
    stop,
    offers: () => askedCalls(requestLog).filter(({ path }) => path === '/api/webrtc'),
  };
}

async function watch({ service, id }: Served, sdp: string, headers: Record<string, string> = {}, query = '') {
  const all = { ...service.headers, 'content-type': 'application/json', ...headers };
  const { status, data } = await service.exchange('POST', `/api/cameras/${id}/webrtc${query}`, { sdp }, all);
  return { status, body: JSON.parse(data.toString() || '{}') as { sdp?: string; error?: unknown; session?: string } };
}

test('go2rtc rules P1 and P2: our stream, our name, no addresses, whatever a browser sends', async () => {
  const world = await served();
  const sdp = `${VIEWER}${CANDIDATES.join('\r\n')}\r\n`;
  const origin = new URL(world.service.ready.url).origin;
  const headers = { origin, cookie: 'other=1', 'user-agent': 'Mozilla/5.0 Chrome/150.0 evil' };
  const { status, body } = await watch(world, sdp, headers);
  assert.is(status, 201, JSON.stringify(body));
  await watch(world, sdp, {}, '?src=th-2-main&name=x');
  const asked = world.offers();
  assert.ok(asked.length >= 1);
  for (const call of asked) {
    assert.equal(call.query, { src: `th-${world.id}-view` });
    assert.is(call.headers['user-agent'], 'Thimble');
    for (const name of ['origin', 'cookie', 'referer', 'x-forwarded-for']) assert.not(name in call.headers, name);
    assert.not.match(call.body, /candidate|192\.168\.7\.7|\.local/);
    assert.match(call.body, /^v=0\r\n/);
  }
  await world.stop();
});

test('go2rtc rule P3: what fails is told in our words', async () => {
  const world = await served();
  const answers = [await watch(world, VIEWER_OF_H265), await watch(world, 'garbage')];
  const texts = answers.map(({ status, body }) => {
    assert.ok(status >= 400 && status < 600, String(status));
    return JSON.stringify(body);
  });
  for (const text of texts) assert.not.match(text, /streams:|codecs not matched|127\.0\.0\.1|sdp:|dial/);
  await world.stop();
});

both(test, { timeScale: 0.2 })('go2rtc rule P4: a snapshot without content is a failure in words', async program => {
  const hub = await supervise(program);
  const claim = hub.go2rtc.claim('th-1-main', 'rtsp://127.0.0.1:1/dead#backchannel=0');
  await hub.url(claim);
  for (const kind of ['jpeg', 'mp4'] as const) {
    let message = '';
    await hub.go2rtc.snapshot('th-1-main', kind, AbortSignal.timeout(20_000)).catch((error: Error) => {
      message = error.message;
    });
    assert.ok(message.length > 0, kind);
    assert.not.match(message, /127\.0\.0\.1|streams:/);
  }
  await hub.stop();
});

test('go2rtc rule P5: pictures without it, and not more viewers than there are places', async () => {
  const world = await served();
  const { status, data } = await world.service.exchange('GET', `/api/cameras/${world.id}/snapshot.jpg`);
  assert.is(status, 200);
  assert.is(data.toString('hex', 0, 3), 'ffd8ff');
  assert.equal(world.offers(), [], 'it had no part in that');
  const statuses: number[] = [];
  for (let viewer = 0; viewer < 40; viewer++) statuses.push((await watch(world, VIEWER)).status);
  assert.ok(statuses.includes(201));
  assert.ok(statuses.includes(429) || statuses.includes(503), `${statuses}`);
  assert.ok(world.offers().length < 40);
  await hubPid(world.service);
  await world.stop();
});

test('go2rtc rule P1: it has no module that a browser could speak to without us', async () => {
  const world = await served();
  await watch(world, VIEWER);
  const pid = await hubPid(world.service);
  const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const config = JSON.parse(readFileSync(args[args.indexOf('-config') + 1] ?? '', 'utf8')) as {
    app: { modules: string[] };
    api: { listen: string; allow_paths: string[]; local_auth: boolean };
  };
  assert.is(config.api.listen, '');
  assert.ok(config.api.local_auth);
  for (const module of ['ws', 'hls', 'exec', 'ffmpeg', 'echo', 'expr', 'debug'])
    assert.not(config.app.modules.includes(module), module);
  for (const path of ['/api/config', '/api/exit', '/api/restart', '/api/log', '/'])
    assert.not(config.api.allow_paths.includes(path), path);
  await world.stop();
});

test.run();
