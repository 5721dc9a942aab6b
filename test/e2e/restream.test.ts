// Streams for other programs: ffprobe, ffmpeg and GStreamer fetch each codec from the service, with a login, while it records.
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { NewRestreamLogin, RestreamInfo, Status } from '../../src/api/contract.ts';
import { run, stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { probe } from '../support/ffprobe.ts';
import { footageFaults, timelineOf } from '../support/footage.ts';
import { freePort } from '../support/free-port.ts';
import { GstCameras, gstProblem } from '../support/gst-camera.ts';
import { RtspClient } from '../support/rtsp-client.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('restream', { timeoutMs: 120_000 });
test.after(stopChildren);

interface Probed {
  streams: { codec_name: string; codec_type: string; width?: number; sample_rate?: string; channels?: number }[];
}

async function probeUrl(url: string): Promise<string[]> {
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-rtsp_transport', 'tcp', '-show_streams', '-of', 'json', url],
  ]);
  return (JSON.parse(stdout) as Probed).streams.map(
    ({ codec_name: codec, width, sample_rate: rate, channels }) =>
      `${codec} ${width !== undefined ? width : `${rate}/${channels}`}`,
  );
}

const CAMERAS = [
  { name: 'plain', clip: CLIPS.small, codecs: ['h264 320', 'aac 16000/1'] },
  { name: 'hevc', clip: CLIPS.smallHevc, codecs: ['hevc 320', 'aac 16000/1'] },
  { name: 'pcma', clip: CLIPS.small, ticks: 'pcma', codecs: ['h264 320', 'pcm_alaw 8000/1'] },
  { name: 'pcmu', clip: CLIPS.small, ticks: 'pcmu', codecs: ['h264 320', 'pcm_mulaw 8000/1'] },
  { name: 'opus', clip: CLIPS.small, ticks: 'opus', codecs: ['h264 320', 'opus 48000/2'] },
] as const;

const problem = gstProblem();
test.needs(
  problem === undefined,
  problem ?? '',
  'each codec reaches ffprobe, ffmpeg and GStreamer as the camera sent it, and recording does not notice',
  async () => {
    const mounts: Record<string, { clip: string; ticks?: 'pcma' | 'pcmu' | 'opus' }> = {};
    for (const camera of CAMERAS) {
      const clip = await clipFile(camera.clip);
      mounts[camera.name] = 'ticks' in camera ? { clip, ticks: camera.ticks } : { clip };
    }
    mounts.small = { clip: await clipFile(CLIPS.small) };
    const gst = await GstCameras.start({ mounts });
    const service = await Service.start();
    for (const { name } of CAMERAS)
      await service.post('/api/cameras', { name, main: { url: gst.url(name) }, sub: { url: gst.url('small') } });
    await service.until<Status>(
      '/api/status',
      ({ cameras }) => cameras.length === CAMERAS.length && cameras.every(({ state }) => state === 'live'),
      30_000,
    );
    const port = await freePort();
    await service.patch('/api/settings', { restream: { enabled: true, listen: `127.0.0.1:${port}` } });
    const { secret } = await service.post<NewRestreamLogin>('/api/settings/restream/users', { name: 'nvr' });
    const address = (path: string, login = `nvr:${secret}@`) => `rtsp://${login}127.0.0.1:${port}${path}`;

    for (const [i, { codecs }] of CAMERAS.entries()) {
      assert.equal(await probeUrl(address(`/ring/${i + 1}/main`)), codecs);
    }
    // A sub stream that nobody needed is connected for whoever fetches it.
    assert.equal(await probeUrl(address('/2/sub')), CAMERAS[0].codecs);

    // Pictures and sound are those of the camera, byte for byte, from a keyframe on.
    const dir = tempDir('restream');
    for (const [i, { clip: spec }] of CAMERAS.slice(0, 2).entries()) {
      const target = join(dir, `${i}.mp4`);
      await run('ffmpeg', [
        ...['-v', 'error', '-nostdin', '-y', '-rtsp_transport', 'tcp', '-i', address(`/${i + 1}/main`)],
        ...['-c', 'copy', '-t', '4', target],
      ]);
      const [got, sent] = [await probe(target), await probe(await clipFile(spec))];
      assert.ok(got.video[0]?.key);
      assert.ok(got.video.length >= 75, `${got.video.length}`);
      const loop = sent.video.map(packet => packet.sha256);
      const first = loop.indexOf(got.video[0]?.sha256 ?? '');
      assert.ok(first >= 0);
      assert.equal(
        got.video.map(packet => packet.sha256),
        got.video.map((_, at) => loop[(first + at) % loop.length]),
      );
      const sounds = new Set(sent.audio.map(packet => packet.sha256));
      assert.ok(got.audio.length > 40);
      assert.ok(got.audio.every(packet => sounds.has(packet.sha256)));
    }

    // GStreamer, with its own login, decoding what it gets.
    const raw = join(dir, 'gst.h264');
    await run('gst-launch-1.0', [
      ...['-q', 'rtspsrc', `location=${address('/1/main', '')}`, 'user-id=nvr', `user-pw=${secret}`, 'protocols=tcp'],
      ...[
        '!',
        'application/x-rtp,media=video',
        '!',
        'rtph264depay',
        '!',
        'h264parse',
        '!',
        'video/x-h264,stream-format=byte-stream,alignment=au',
      ],
      ...['!', 'identity', 'eos-after=60', '!', 'filesink', `location=${raw}`],
    ]);
    const { stdout } = await run('ffprobe', [
      ...['-v', 'error', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', raw],
    ]);
    assert.ok(Number.parseInt(stdout, 10) >= 50, stdout);

    // The camera has one connection each, and nothing of it was lost.
    const { settings, state } = await service.get<RestreamInfo>('/api/settings/restream');
    assert.is(state.name, 'listening');
    assert.equal(settings.users, [{ name: 'nvr', cameras: 'all', hasSecret: true }]);
    assert.equal(await footageFaults(service, ({ camera }) => camera === 1), []);
    assert.equal((await timelineOf(service, 1)).gaps, []);
    assert.is((await service.child.stop(10_000)).code, 0);
    assert.not.ok(service.child.stdout.some(line => line.includes(secret)));
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'twenty clients of which five take nothing; logins, scopes, and what is taken away',
  async () => {
    const gst = await GstCameras.start({ mounts: { main: { clip: await clipFile(CLIPS.full) } } });
    const service = await Service.start();
    await service.post('/api/cameras', { name: 'Door', main: { url: gst.url('main') } });
    await service.post('/api/cameras', { name: 'Yard', main: { url: gst.url('main') } });
    const port = await freePort();
    const listen = `127.0.0.1:${port}`;
    await service.patch('/api/settings', { restream: { enabled: true, listen } });
    const user = { name: 'wall', cameras: [1] };
    const { secret } = await service.post<NewRestreamLogin>('/api/settings/restream/users', user);
    await service.until<Status>('/api/status', ({ cameras }) => cameras.every(one => one.state === 'live'), 20_000);

    const url = (login: string, path: string) => `rtsp://${login}@${listen}${path}`;
    const refused = async (login: string, path: string) => {
      const error = await probeUrl(url(login, path)).catch((reason: unknown) => String(reason));
      return typeof error === 'string' ? (/returned (40\d)/.exec(error)?.[1] ?? error) : 'let in';
    };
    assert.is(await refused('wall:a-wrong-secret', '/1/main'), '401');
    assert.is(await refused(`wall:${secret}`, '/2/main'), '404');
    assert.is(await refused(`wall:${secret}`, '/3/main'), '404');
    const anonymous = await RtspClient.connect(`rtsp://${listen}/1/main`);
    const asked = await anonymous.ask('DESCRIBE');
    assert.is(asked.status, 401);
    anonymous.close();

    const readers = Array.from({ length: 15 }, (_, i) =>
      run('ffmpeg', [
        ...['-v', 'error', '-nostdin', '-rtsp_transport', 'tcp', '-i', url(`wall:${secret}`, '/1/main')],
        ...['-c', 'copy', '-t', '5', '-f', 'null', i === 0 ? '-' : '/dev/null', '-y'],
      ]),
    );
    // They ask, and never read.
    const silent = Array.from({ length: 5 }, () => connect(port, '127.0.0.1').pause());
    for (const socket of silent) socket.write('DESCRIBE rtsp://a/1/main RTSP/1.0\r\nCSeq: 1\r\n');
    await Promise.all(readers);
    for (const socket of silent) socket.destroy();
    const { gaps } = await timelineOf(service, 1);
    assert.equal(gaps, []);
    assert.equal(await footageFaults(service, ({ camera }) => camera === 1), []);

    // Whoever watches is told, and ends with the login.
    const watcher = run('ffmpeg', [
      ...['-v', 'error', '-nostdin', '-rtsp_transport', 'tcp', '-i', url(`wall:${secret}`, '/1/main')],
      ...['-c', 'copy', '-f', 'null', '-'],
    ]).catch(() => undefined);
    const { state } = await service.until<RestreamInfo>(
      '/api/settings/restream',
      info => info.state.clients.length === 1,
      15_000,
    );
    const [client] = state.clients;
    assert.equal([client?.user, client?.camera, client?.stream, client?.address], ['wall', 1, 'main', '127.0.0.1']);
    await service.delete('/api/settings/restream/users/wall');
    await watcher;
    assert.is(await refused(`wall:${secret}`, '/1/main'), '401');
    const { entries } = await service.get<{ entries: { action: string; target?: string }[] }>('/api/audit');
    for (const action of ['add', 'remove', 'login-failed'])
      assert.ok(
        entries.some(entry => entry.action === action && /restream/.test(entry.target ?? '')),
        action,
      );

    // What is given up can be had again at once.
    for (const enabled of [false, true, false, true]) await service.patch('/api/settings', { restream: { enabled } });
    assert.is((await service.get<RestreamInfo>('/api/settings/restream')).state.name, 'listening');

    // A port that another program has.
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise(resolve => other.once('listening', resolve));
    const { port: taken } = other.address() as { port: number };
    await service.patch('/api/settings', { restream: { listen: `127.0.0.1:${taken}` } });
    const status = await service.get<Status>('/api/status');
    const trouble = status.problems.find(({ kind }) => kind === 'restream');
    assert.match(trouble?.message ?? '', /EADDRINUSE/);
    assert.match(trouble?.cure ?? '', /another port/);
    assert.ok(status.cameras.every(one => one.state === 'live'));
    other.close();
    assert.is((await service.child.stop(10_000)).code, 0);
  },
);

test.run();
