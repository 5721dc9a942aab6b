import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { Camera, CameraList, SegmentList, Status, Timeline } from '../../src/api/contract.ts';
import { Child, stopChildren } from '../support/child.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('api service', { timeoutMs: 40_000 });
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const problem = serviceProblem();
const it = (name: string, body: () => Promise<void>) => test.needs(!problem, problem ?? '', name, body);

test.after(stopChildren);

/** Starts it with flags that should make it end by itself. */
async function refused(args: string[], dataDir = tempDir('data'), port = 0) {
  const { child } = Service.spawn({ dataDir, port, args });
  const { code } = await child.exited;
  return { code, words: child.stderr.join('\n'), stdout: child.stdout };
}

it('arguments that cannot be used end with exit code 2 and a cure', async () => {
  const cases: [string[], RegExp][] = [
    [['--dmeo'], /--dmeo is not a known flag.*\nDid you mean --demo\?/],
    [['--hub', 'vlc'], /cannot be vlc.*\nUse auto, direct or go2rtc/],
    [['--log', 'loud'], /no such level/],
  ];
  for (const [args, expected] of cases) {
    const { code, words, stdout } = await refused(args);
    assert.is(code, 2);
    assert.match(words, expected);
    assert.equal(stdout, []);
  }
});

it('a data directory of somebody else is left alone: exit code 3', async () => {
  const dataDir = tempDir('foreign');
  writeFileSync(join(dataDir, 'thesis.txt'), 'mine');
  const { code, words } = await refused([], dataDir);
  assert.is(code, 3);
  assert.match(words, dataDir);
  assert.equal(readdirSync(dataDir), ['thesis.txt']);
  assert.is(readFileSync(join(dataDir, 'thesis.txt'), 'utf8'), 'mine');
});

it('a damaged identity and a second instance: exit code 3, the first goes on', async () => {
  const first = await Service.start();
  const second = await refused([], first.dataDir);
  assert.is(second.code, 3);
  assert.match(second.words, /in use by another/);
  assert.equal(await first.get('/api/health'), { status: 'ok' });
  assert.is((await first.stop()).code, 0);

  writeFileSync(join(first.dataDir, 'identity.json'), '{"broken');
  for (const name of readdirSync(first.dataDir)) {
    if (name.startsWith('identity.json.')) writeFileSync(join(first.dataDir, name), '');
  }
  const third = await refused([], first.dataDir);
  assert.is(third.code, 3);
  assert.match(third.words, /damaged/);
});

it('a port in use: exit code 2, and the data directory is free again', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const dataDir = tempDir('data');
  const { code, words } = await refused([], dataDir, port);
  server.close();
  assert.is(code, 2);
  assert.match(words, new RegExp(`127\\.0\\.0\\.1:${port} is in use`));
  const service = await Service.start({ dataDir });
  assert.is((await service.stop()).code, 0);
});

it('starts empty, says ready, answers, and stops with exit code 0', async () => {
  const service = await Service.start();
  assert.equal([service.ready.hub, service.ready.dataDir], ['auto', service.dataDir]);
  assert.match(service.ready.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(await service.get('/api/cameras'), { cameras: [] });
  const status = await service.get<Status>('/api/status');
  assert.is(status.service.pid, service.pid);
  assert.ok(status.memory.rssBytes > 1e7);
  const started = performance.now();
  assert.is((await service.stop()).code, 0);
  assert.ok(performance.now() - started < 2000);
  assert.equal(service.child.stderr, []);
});

it('SIGINT stops it as well, and a second signal leaves at once', async () => {
  const service = await Service.start({ args: ['--demo'] });
  service.kill('SIGINT');
  service.kill('SIGTERM');
  const { code, signal } = await service.child.exited;
  assert.is(signal, null);
  assert.ok(code === 0 || code === 1);
  const again = await Service.start({ dataDir: service.dataDir });
  assert.is((await again.stop()).code, 0);
});

it('cameras outlive the service, passwords stay hidden on disk and in the log', async () => {
  const canary = 'canary-3f9';
  const dataDir = tempDir('data');
  const first = await Service.start({ dataDir, allowLoopback: false });
  const input = { name: 'Door', enabled: false, main: { url: `rtsp://bob:${canary}@10.0.0.2/a` } };
  const added = await first.post<Camera>('/api/cameras', input);
  const own = await first.ask<{ error: { field: string } }>('POST', '/api/cameras', {
    name: 'Own',
    main: { url: `rtsp://u:${canary}@127.0.0.1/` },
  });
  assert.equal([own.status, own.body.error.field], [400, 'main.url']);
  await first.post('/api/cameras', { ...input, name: 'Second' });
  await first.delete(`/api/cameras/${added.id}`);
  assert.is((await first.stop()).code, 0);

  const second = await Service.start({ dataDir });
  const { cameras } = await second.get<CameraList>('/api/cameras');
  assert.equal(
    cameras.map(({ id, name, hasPassword, state }) => [id, name, hasPassword, state.name]),
    [[2, 'Second', true, 'disabled']],
  );
  assert.is((await second.post<Camera>('/api/cameras', input)).id, 3);
  await second.stop();
  const everything = [first, second].flatMap(({ child }) => [...child.stdout, ...child.stderr]);
  for (const name of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    if (name.isFile()) everything.push(readFileSync(join(name.parentPath, name.name), 'latin1'));
  }
  assert.not.match(everything.join('\n'), canary);
});

it('a camera that cannot be reached has a state with words and goes on being tried', async () => {
  const service = await Service.start();
  await service.post('/api/cameras', { name: 'Nobody', main: { url: 'rtsp://127.0.0.1:1/x' } });
  const { state } = await service.until<Camera>('/api/cameras/1', camera => camera.state.reason !== undefined);
  assert.equal([state.name, state.reason], ['reconnecting', 'refused']);
  assert.ok(state.message && state.cure);
  assert.equal(await service.get('/api/health'), { status: 'degraded' });
  await service.patch('/api/cameras/1', { main: { url: 'rtsp://no-such-name.invalid/x' } });
  const named = await service.until<Camera>('/api/cameras/1', camera => camera.state.reason === 'unknown-host');
  assert.is(named.state.name, 'failed');
  assert.is((await service.stop()).code, 0);
});

it('--demo records two cameras; their footage is listed, played back and removed', async () => {
  const service = await Service.start({ args: ['--demo'] });
  const { cameras } = await service.until<CameraList>('/api/cameras', list =>
    list.cameras.every(camera => camera.state.name === 'live' && camera.state.main),
  );
  assert.equal(
    cameras.map(camera => [camera.name, camera.demo, camera.state.main?.codec]),
    [
      ['Demo 1', true, 'h264'],
      ['Demo 2', true, 'h264'],
    ],
  );
  const open = await service.until<SegmentList>(
    '/api/segments?camera=1',
    ({ segments }) => (segments[0]?.sizeBytes ?? 0) > 10_000,
  );
  const segment = open.segments[0];
  assert.is(segment?.open, true);
  const { status, data } = await service.exchange('GET', `/api/segments/${segment?.id}/file`);
  assert.is(status, 200);
  assert.is(data.toString('latin1', 4, 8), 'ftyp');
  assert.is((await service.ask('DELETE', `/api/segments/${segment?.id}`)).status, 409);

  await service.patch('/api/cameras/1', { record: { mode: 'off' } });
  const closed = await service.until<SegmentList>(
    '/api/segments?camera=1',
    ({ segments }) => segments[0]?.open === false,
  );
  assert.is(closed.segments[0]?.endReason, 'mode');
  assert.is((await service.get<Camera>('/api/cameras/1')).state.name, 'live');
  const timeline = await service.get<Timeline>(`/api/timeline?camera=1&camera=2&startMs=0&endMs=2000000000`);
  assert.equal(
    timeline.cameras.map(({ camera }) => camera),
    [1, 2],
  );
  const range = `startMs=${closed.segments[0]?.startMs}&endMs=${Date.now() + 1000}`;
  const now = await service.get<Timeline>(`/api/timeline?camera=1&${range}`);
  assert.equal(now.cameras[0]?.footage, [[closed.segments[0]?.startMs, closed.segments[0]?.endMs]]);
  assert.is(now.cameras[0]?.gaps[0]?.reason, 'stopped');

  const folder = join(service.dataDir, 'segments', '2');
  await service.until<SegmentList>('/api/segments?camera=2', ({ segments }) => segments.length > 0);
  assert.is(existsSync(folder), true);
  assert.is((await service.ask('DELETE', '/api/cameras/2?footage=delete')).status, 204);
  assert.equal((await service.get<SegmentList>('/api/segments?camera=2')).segments, []);
  assert.is(existsSync(folder), false);
  const started = performance.now();
  assert.is((await service.stop()).code, 0);
  assert.ok(performance.now() - started < 2000);
});

it('goes on when nobody reads its output any more', async () => {
  const service = await Service.start({ args: ['--log', 'debug'] });
  service.child.process.stdout?.destroy();
  service.child.process.stderr?.destroy();
  for (let i = 0; i < 3; i++) {
    await service.post('/api/cameras', { name: 'x', enabled: false, main: { url: 'rtsp://10.0.0.2/' } });
  }
  await wait(200);
  assert.is((await service.get<CameraList>('/api/cameras')).cameras.length, 3);
  assert.is((await service.stop()).code, 0);
});

it('a file in the place of the data directory: exit code 3', async () => {
  const path = join(tempDir('place'), 'file');
  writeFileSync(path, 'mine');
  const child = new Child(join(ROOT, 'bin', 'thimble'), ['--data', path, '--listen', '127.0.0.1:0']);
  assert.is((await child.exited).code, 3);
  assert.match(child.stderr.join(), path);
  assert.is(readFileSync(path, 'utf8'), 'mine');
});

it('--version and --help', async () => {
  for (const [flag, expected] of [
    ['--version', /^thimble \d+\.\d+\.\d+$/],
    ['--help', /--data DIR/],
  ] as const) {
    const child = new Child(join(ROOT, 'bin', 'thimble'), [flag]);
    assert.is((await child.exited).code, 0);
    assert.match(child.stdout.join('\n'), expected);
  }
});

test.run();
