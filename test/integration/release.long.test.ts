// The release as a stranger's machine sees it: another place, a foreign working directory, Node and nothing else.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { run, stopChildren } from '../support/child.ts';
import { ffmpegParts } from '../support/ffmpeg-parts.ts';
import { footageFaults, segmentFiles } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

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
