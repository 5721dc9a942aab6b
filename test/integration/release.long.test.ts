// The release as a stranger's machine sees it: another place, a foreign working directory, Node and nothing else.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { Playback } from '../../src/api/contract.ts';
import { Browser, browserProblem } from '../support/browser.ts';
import { run, stopChildren } from '../support/child.ts';
import { ffmpegParts } from '../support/ffmpeg-parts.ts';
import { decodeWhole } from '../support/ffprobe.ts';
import { footageFaults, segmentFiles } from '../support/footage.ts';
import { LiveClient, partFile } from '../support/live-client.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { DESKTOP, openPage, until } from '../support/web-page.ts';

const MINUTE_MS = 60_000;
const test = suite('release', { timeoutMs: 15 * MINUTE_MS });
const root = fileURLToPath(new URL('../../', import.meta.url));
/** Where the release lies in these tests; not where it was built, and with a blank. */
const place = join(tempDir('release'), 'my recorder');
const cache = join(place, 'dist', 'service.cache');

test.before(async () => {
  await run(process.execPath, [join(root, 'scripts/release.mjs')], 14 * MINUTE_MS);
  cpSync(join(root, 'out/release'), place, { recursive: true });
});
test.after(stopChildren);

/** The release's launcher under env(1), with a PATH that holds Node and what the launcher calls. */
function inBareEnvironment(): string[] {
  const path = join(tempDir('path'), 'bin');
  mkdirSync(path);
  symlinkSync(process.execPath, join(path, 'node'));
  for (const program of ['dirname', 'readlink']) symlinkSync(`/usr/bin/${program}`, join(path, program));
  return ['/usr/bin/env', '-i', '-C', '/', `PATH=${path}`, join(place, 'bin/thimble')];
}

function startRelease(args: string[] = []): Promise<Service> {
  return Service.start({ command: inBareEnvironment(), args, allowLoopback: false });
}

/** Files that a process has mapped into its memory. */
function mappedFiles(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n');
  return [...new Set(lines.flatMap(line => /\s(\/.*)$/.exec(line)?.[1] ?? []))];
}

test('records the demo cameras with nothing but Node, and ends with 0', async () => {
  const service = await startRelease(['--demo']);
  await new Promise(resolve => setTimeout(resolve, 8000));
  const mapped = mappedFiles(service.pid);
  assert.ok(mapped.some(path => path === join(place, 'dist/thimble.node')));
  assert.ok(mapped.some(path => path === join(place, 'dist/lmdb.node')));
  assert.equal(
    mapped.filter(path => path.startsWith(root) || /node_modules|lib(av|sw)\w+\.so/.test(path)),
    [],
  );
  assert.equal(await footageFaults(service), []);
  assert.ok(segmentFiles(service.dataDir).length >= 2);
  assert.equal(await service.stop(), { code: 0, signal: null });
});

function saved(content: Buffer): string {
  const path = join(tempDir('release-media'), 'media.mp4');
  writeFileSync(path, content);
  return path;
}

/** Its pages, byte by byte. */
async function assertPages(service: Service): Promise<void> {
  const pages = join(place, 'dist/web');
  const names = readdirSync(pages, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.name.endsWith('.gz'))
    .map(entry => relative(pages, join(entry.parentPath, entry.name)));
  assert.ok(names.length > 10, `${names.length} files`);
  for (const name of names) {
    const { status, data } = await service.exchange('GET', `/${name}`);
    assert.is(status, 200, name);
    assert.ok(data.equals(readFileSync(join(pages, name))), name);
  }
  const whole = await service.exchange('GET', '/', undefined, { 'accept-encoding': 'gzip' });
  assert.is(whole.headers['content-encoding'], 'gzip');
  assert.ok(whole.data.equals(readFileSync(join(pages, 'index.html.gz'))));
}

for (const http of ['uws', 'node']) {
  test(`serves pages, live and recorded pictures: ${http}`, async () => {
    const service = await startRelease(['--demo', '--http', http]);
    assert.is('uwebsockets' in (await service.ask('GET', '/api/health')).headers, http === 'uws');
    await assertPages(service);
    await service.until<{ state: { name: string } }>('/api/cameras/1', ({ state }) => state.name === 'live', 30_000);
    const live = await LiveClient.open(service, 1, '?stream=main');
    await live.until(() => live.fragments >= 24, 30_000);
    assert.is(live.problem, '');
    assert.ok(live.last);
    await decodeWhole(saved(partFile(live.last)));
    live.socket.destroy();
    const range = `camera=1&startMs=0&endMs=${Date.now() + MINUTE_MS}`;
    const recent = `/api/playback?camera=1&startMs=${Date.now() - MINUTE_MS}&endMs=${Date.now() + MINUTE_MS}`;
    const { inits, segments } = await service.until<Playback>(
      recent,
      ({ segments: [first] }) => (first?.fragments.length ?? 0) >= 4,
      30_000,
    );
    const [init] = inits;
    const [segment] = segments;
    assert.ok(init && segment);
    const pieces = [];
    for (const [url, offset, sizeBytes] of [
      [init.url, 0, init.sizeBytes] as const,
      ...segment.fragments.map(([, at, size]) => [segment.url, at, size] as const),
    ]) {
      const bytes = `bytes=${offset}-${offset + sizeBytes - 1}`;
      const { status, data } = await service.exchange('GET', url, undefined, { range: bytes });
      assert.is(status, 206);
      pieces.push(data);
    }
    await decodeWhole(saved(Buffer.concat(pieces)));
    const picture = await service.exchange('GET', '/api/cameras/1/snapshot.jpg');
    assert.equal([picture.status, picture.data.subarray(0, 2).toString('hex')], [200, 'ffd8']);
    assert.is((await service.ask('GET', `/api/timeline?${range}`)).status, 200);
    assert.equal(
      service.log.filter(({ level }) => level === 'error'),
      [],
    );
    assert.equal(await service.stop(), { code: 0, signal: null });
  });
}

const chromium = browserProblem();
test.needs(!chromium, chromium ?? '', 'its pages show live and recorded pictures', async () => {
  const service = await startRelease(['--demo']);
  const browser = await Browser.start();
  const { page, errors, foreign } = await openPage(browser, service, '#/cam/1', DESKTOP);
  await until(page, `document.querySelector('.camera-picture video[data-shown]')?.currentTime > 0.5`, 60_000);
  await page.evaluate(`location.hash = '#/time?c=1&t=${Date.now() - 2000}'`);
  await until(
    page,
    `[...document.querySelectorAll('main video[data-shown]')].some(video => video.videoWidth > 0)`,
    60_000,
  );
  assert.equal([errors, foreign], [[], []]);
  await browser.close();
  assert.is((await service.stop()).code, 0);
});

test('takes cameras from a file: the parser lies beside the bundle', async () => {
  const config = join(tempDir('config'), 'thimble.yaml');
  writeFileSync(config, 'cameras:\n  door:\n    main: {url: "rtsp://10.255.255.1/a"}\n    enabled: false\n');
  const service = await startRelease(['--config', config]);
  const { cameras } = await service.get<{ cameras: { provisioned?: string }[] }>('/api/cameras');
  assert.equal(
    cameras.map(({ provisioned }) => provisioned),
    ['door'],
  );
  assert.equal(await service.stop(), { code: 0, signal: null });
});

test('mends what a kill left, also the index', async () => {
  const first = await startRelease(['--demo']);
  await new Promise(resolve => setTimeout(resolve, 4000));
  first.kill('SIGKILL');
  await first.child.exited;
  // A child process opens the index first: it must find lmdb-js, too.
  const second = await Service.start({ command: inBareEnvironment(), dataDir: first.dataDir, args: ['--demo'] });
  await second.until<{ segments: { endReason?: string }[] }>(
    '/api/segments?camera=1&startMs=0&endMs=99999999999999',
    ({ segments }) => segments.some(segment => segment.endReason === 'crash'),
  );
  assert.ok(
    !existsSync(join(first.dataDir, 'quarantine')) || readdirSync(join(first.dataDir, 'quarantine')).length === 0,
  );
  assert.equal(await footageFaults(second), []);
  assert.is((await second.stop()).code, 0);
});

test('a damaged or missing code cache is replaced', async () => {
  const good = readFileSync(cache);
  const damaged = Buffer.from(good);
  damaged.fill(0, damaged.length >> 1);
  for (const content of [damaged, good.subarray(0, 100), undefined]) {
    if (content) writeFileSync(cache, content);
    else rmSync(cache);
    const service = await startRelease();
    const deadline = Date.now() + 20_000;
    const isWhole = () =>
      existsSync(cache) && readFileSync(cache).length > good.length / 2 && !readFileSync(cache).equals(damaged);
    while (!isWhole() && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 100));
    assert.ok(isWhole());
    assert.is((await service.stop()).code, 0);
  }
});

test('the addon needs no FFmpeg of the system', async () => {
  const { stdout } = await run('ldd', [join(place, 'dist/thimble.node')]);
  const names = stdout.split('\n').flatMap(line => /^\s*(lib\S+|ld-\S+)/.exec(line)?.[1] ?? []);
  const known = /^(libstdc\+\+|libgcc_s|libm|libc|libpthread|libdl)\.so\.\d+$|^ld-/;
  assert.equal(
    names.filter(name => !known.test(name)),
    [],
  );
});

test('the FFmpeg inside opens no files and no connections, and is LGPL', async () => {
  const parts = await ffmpegParts(join(root, 'build/ffmpeg'));
  assert.equal(parts, {
    decoder: ['h264', 'hevc', 'mjpeg', 'pcm_alaw', 'pcm_mulaw'],
    encoder: ['aac', 'mjpeg'],
    muxer: ['mov', 'mp4'],
    licence: ['LGPL version 2.1 or later'],
  });
});

const hasSystemd = existsSync('/usr/bin/systemd-analyze');
test.needs(hasSystemd, 'systemd-analyze is not installed', 'systemd takes the unit as it is', async () => {
  const unit = join(tempDir('unit'), 'thimble.service');
  const link = join(tempDir('opt'), 'thimble');
  symlinkSync(place, link);
  const text = readFileSync(join(place, 'systemd/thimble.service'), 'utf8');
  writeFileSync(unit, text.replaceAll('/opt/thimble', link));
  const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
  assert.is(`${stdout}${stderr}`.trim(), '');
});

test.run();
