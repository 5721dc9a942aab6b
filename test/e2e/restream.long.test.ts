// Restreaming by figures: how soon the first keyframe is there, what many clients cost in memory, and a real go2rtc as one of them.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { NewRestreamLogin, RestreamInfo, Status } from '../../src/api/contract.ts';
import { Child, run, stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { footageFaults, timelineOf } from '../support/footage.ts';
import { freePort } from '../support/free-port.ts';
import { realGo2rtc } from '../support/go2rtc/peer.ts';
import { GstCameras, gstProblem } from '../support/gst-camera.ts';
import { RtspClient } from '../support/rtsp-client.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const CLIENTS = 20;
const STALLED = 5;
const WATCHED_MS = 30_000;
const FIRST_KEY_MS = 100;
/** What the service may take on top for all of them. */
const MOST_MORE_BYTES = 12 * 1024 * 1024;

const test = suite('restream: figures', { timeoutMs: 180_000 });
test.after(stopChildren);

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

interface Watching {
  client: RtspClient;
  /** From the first byte sent to the last packet of the first picture. */
  firstKeyMs: number;
}

async function watch(url: string, name: string, secret: string): Promise<Watching> {
  const beginMs = performance.now();
  const client = await RtspClient.connect(url);
  const asked = await client.ask('DESCRIBE');
  const challenge = asked.headers.get('www-authenticate') ?? '';
  const nonce = /nonce="(\w+)"/.exec(challenge)?.[1] ?? '';
  const response = md5(`${md5(`${name}:Thimble:${secret}`)}:${nonce}:${md5(`DESCRIBE:${url}`)}`);
  const login = `Digest username="${name}", realm="Thimble", nonce="${nonce}", uri="${url}", response="${response}"`;
  assert.is((await client.ask('DESCRIBE', { Authorization: login })).status, 200);
  const transport = 'RTP/AVP/TCP;unicast;interleaved=0-1';
  assert.is((await client.ask('SETUP', { Transport: transport }, `${url}/trackID=0`)).status, 200);
  assert.is((await client.ask('PLAY')).status, 200);
  await client.until(() => client.rtp().some(packet => ((packet[1] ?? 0) & 0x80) !== 0), 'a whole picture');
  return { client, firstKeyMs: performance.now() - beginMs };
}

async function world(): Promise<{ service: Service; listen: string; secret: string }> {
  const gst = await GstCameras.start({ mounts: { main: { clip: await clipFile(CLIPS.full) } } });
  const service = await Service.start();
  await service.post('/api/cameras', { name: 'Door', main: { url: gst.url('main') } });
  const listen = `127.0.0.1:${await freePort()}`;
  await service.patch('/api/settings', { restream: { enabled: true, listen } });
  const { secret } = await service.post<NewRestreamLogin>('/api/settings/restream/users', { name: 'nvr' });
  const isLive = ({ cameras: [door] }: Status) => door?.state === 'live';
  await service.until<Status>('/api/status', isLive, 20_000);
  return { service, listen, secret };
}

const problem = gstProblem();
test.needs(problem === undefined, problem ?? '', `${CLIENTS} clients, ${STALLED} of them stalled`, async () => {
  const { service, listen, secret } = await world();
  const url = `rtsp://${listen}/1/main`;
  const rss = async () => (await service.get<Status>('/api/status')).memory.rssBytes;
  // The ring has two GOPs by then.
  await new Promise(resolve => setTimeout(resolve, 6000));
  const beforeBytes = await rss();
  const watching: Watching[] = [];
  for (let i = 0; i < CLIENTS; i++) watching.push(await watch(url, 'nvr', secret));
  const firstKeys = watching.map(({ firstKeyMs }) => firstKeyMs).sort((a, b) => a - b);
  for (const { client } of watching.slice(0, STALLED)) client.pause();
  let mostBytes = 0;
  const pictures = () => watching.map(({ client }) => client.rtp().filter(packet => (packet[1] ?? 0) & 0x80).length);
  const atBegin = pictures();
  for (const endMs = performance.now() + WATCHED_MS; performance.now() < endMs; ) {
    await new Promise(resolve => setTimeout(resolve, 1000));
    mostBytes = Math.max(mostBytes, await rss());
  }
  const shown = pictures().map((count, i) => count - (atBegin[i] ?? 0));
  const { state } = await service.get<RestreamInfo>('/api/settings/restream');
  const figures = {
    firstKeyMs: { median: Math.round(firstKeys[CLIENTS >> 1] ?? 0), most: Math.round(firstKeys.at(-1) ?? 0) },
    moreMiB: Number(((mostBytes - beforeBytes) / 2 ** 20).toFixed(1)),
    clientsAtEnd: state.clients.length,
    leastPictures: Math.min(...shown.slice(STALLED)),
    skips: state.clients.reduce((sum, { skips }) => sum + skips, 0),
  };
  process.stdout.write(`restream: ${JSON.stringify(figures)}\n`);
  assert.ok(figures.firstKeyMs.median <= FIRST_KEY_MS, JSON.stringify(figures));
  assert.ok(mostBytes - beforeBytes <= MOST_MORE_BYTES, JSON.stringify(figures));
  assert.ok(figures.leastPictures >= (WATCHED_MS / 1000) * 25 * 0.9, JSON.stringify(figures));
  assert.equal((await timelineOf(service, 1)).gaps, []);
  for (const { client } of watching) client.close();
  assert.equal(await footageFaults(service), []);
  assert.is((await service.child.stop(10_000)).code, 0);
});

const go2rtc = realGo2rtc();
test.needs(
  problem === undefined && go2rtc !== undefined,
  problem ?? 'there is no go2rtc (GO2RTC_BIN, or on PATH)',
  'go2rtc fetches a stream with its login and passes it on',
  async () => {
    const { service, listen, secret } = await world();
    const port = await freePort();
    const config = join(tempDir('go2rtc'), 'go2rtc.yaml');
    writeFileSync(
      config,
      [
        'app: {modules: [api, rtsp]}',
        'api: {listen: ""}',
        `rtsp: {listen: "127.0.0.1:${port}"}`,
        `streams: {door: "rtsp://nvr:${secret}@${listen}/1/main#backchannel=0"}`,
      ].join('\n'),
    );
    const child = new Child(go2rtc ?? '', ['-config', config]);
    await child.line(line => (line.includes('[rtsp] listen') ? true : undefined), 10_000);
    const { stdout } = await run('ffprobe', [
      ...['-v', 'error', '-rtsp_transport', 'tcp', '-show_entries', 'stream=codec_name,width', '-of', 'csv=p=0'],
      `rtsp://127.0.0.1:${port}/door`,
    ]);
    assert.equal(stdout.trim().split('\n').sort(), ['aac', 'h264,1280']);
    await child.stop(5000);
    assert.is((await service.child.stop(10_000)).code, 0);
  },
);

test.run();
