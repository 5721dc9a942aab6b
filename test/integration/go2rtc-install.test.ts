// Installing go2rtc from a server that plays the release service: nothing unverified is run or put in place, whatever that server does.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { NvrError, systemClock } from '../../src/core/index.ts';
import { Installer, installGo2rtc, RELEASE, type Release } from '../../src/go2rtc/index.ts';
import { assetFor, platformOf } from '../../src/go2rtc/release.ts';
import { lockDirectory, spawnChild } from '../../src/native/index.ts';
import { certificateProblem } from '../support/certificates.ts';
import { stopChildren } from '../support/child.ts';
import { fakeLog } from '../support/fake-log.ts';
import { ReleaseServer } from '../support/release-server.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('go2rtc install');
const problem = certificateProblem() ?? serviceProblem();
const it = (name: string, body: () => Promise<void>) => test.needs(!problem, problem ?? '', name, body);

const VERSION = '1.9.14';
const NAME = 'go2rtc_linux_test';
const PATH = `/download/v${VERSION}/${NAME}`;
const machine = { platform: 'linux', arch: 'test', kernelArch: 'test' };

/** A program that tells a version, and leaves a mark when it is run at all. */
function program(mark: string, version = VERSION, end = ''): Buffer {
  const padding = '#'.repeat(200_000);
  return Buffer.from(
    `#!/bin/sh\necho run >> ${mark}\necho "go2rtc version ${version} (test) linux/test"\n${end}\nexit\n${padding}\n`,
  );
}

/** A program of this system, said to be of a machine that is none. */
function foreignProgram(): Buffer {
  const content = readFileSync('/bin/true');
  content.writeUInt16LE(0xfef0, 18);
  return content;
}

const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex');

interface World {
  server: ReleaseServer;
  dataDir: string;
  mark: string;
  content: Buffer;
  release: Release;
  install(more?: object): ReturnType<typeof installGo2rtc>;
  refusal(more?: object): Promise<NvrError>;
  /** In the folder of programs, but for the lock. */
  files(): string[];
  runs(): number;
}

let server: ReleaseServer;
test.before(async () => {
  if (problem) return;
  server = new ReleaseServer();
  await server.start();
});
test.after(() => server?.stop());

function world(content?: (mark: string) => Buffer): World {
  const dataDir = tempDir('install');
  const mark = join(dataDir, 'mark');
  const file = content?.(mark) ?? program(mark);
  server.files.clear();
  server.asked.length = 0;
  server.before = () => false;
  server.cut = { afterBytes: 0, times: 0 };
  server.wholeOnly = false;
  server.files.set(PATH, file);
  const release: Release = { version: VERSION, assets: { 'linux-test': { name: NAME, sha256: digest(file) } } };
  const install = (more: object = {}) =>
    installGo2rtc({
      ...{ dataDir, userAgent: 'Thimble/test', lock: lockDirectory, signal: new AbortController().signal },
      ...{ spawn: spawnChild, clock: systemClock },
      ...{ release, machine, service: server.service },
      ...more,
    });
  return {
    ...{ server, dataDir, mark, content: file, release, install },
    refusal: async more => {
      const error = await install(more).then(
        () => undefined,
        reason => reason,
      );
      assert.instance(error, NvrError);
      return error as NvrError;
    },
    files: () => readdirSync(join(dataDir, 'bin')).filter(name => name !== 'lock'),
    runs: () => (existsSync(mark) ? readFileSync(mark, 'utf8').split('\n').length - 1 : 0),
  };
}

it('downloads, compares, tries and puts in place; a second time there is nothing to do', async () => {
  const { install, dataDir, files, runs, content } = world();
  const seen: number[] = [];
  const installed = await install({ onProgress: (bytes: number) => seen.push(bytes) });
  const path = join(dataDir, 'bin', 'go2rtc');
  assert.equal(installed, { version: VERSION, path, sizeBytes: content.length, changed: true });
  assert.equal([statSync(path).mode & 0o777, files(), runs()], [0o755, ['go2rtc'], 1]);
  assert.equal([seen[0], seen.at(-1)], [0, content.length]);
  assert.is((await install()).changed, false);
  assert.equal([server.asked.length, runs()], [1, 1], 'neither asked for nor run again');
});

it('a file with another digest is neither run nor kept, and what was there stays', async () => {
  const { refusal, dataDir, files, runs, mark, content } = world();
  mkdirSync(join(dataDir, 'bin'));
  writeFileSync(join(dataDir, 'bin', 'go2rtc'), 'the old one');
  const changed = Buffer.from(content);
  changed[changed.length - 2] = 0x21;
  server.files.set(PATH, changed);
  const error = await refusal();
  assert.equal(
    [error.kind, /digest differs/.test(error.message), error.cure !== undefined],
    ['failed-precondition', true, true],
  );
  assert.equal([files(), runs(), existsSync(mark)], [['go2rtc'], 0, false]);
  assert.is(readFileSync(join(dataDir, 'bin', 'go2rtc'), 'utf8'), 'the old one');
});

it('a download that breaks off goes on where it ended', async () => {
  const { install, refusal, files, runs, content } = world();
  server.cut = { afterBytes: 70_000, times: 1 };
  const error = await refusal();
  assert.equal([error.kind, runs()], ['unavailable', 0]);
  assert.match(error.cure ?? '', 'goes on');
  const [part = ''] = files();
  assert.match(part, /^\.go2rtc_linux_test-1\.9\.14\.part$/);
  assert.is((await install()).sizeBytes, content.length);
  const ranges = server.asked.map(({ range }) => range);
  assert.is(ranges[0], undefined);
  assert.match(ranges[1] ?? '', /^bytes=[1-9]\d*-$/);
  assert.equal([files(), runs()], [['go2rtc'], 1]);
});

it('what is left of something else costs one more download and nothing else', async () => {
  for (const left of ['x'.repeat(90_000), 'x'.repeat(400_000)]) {
    const { install, refusal, dataDir, runs } = world();
    mkdirSync(join(dataDir, 'bin'));
    writeFileSync(join(dataDir, 'bin', `.${NAME}-${VERSION}.part`), left);
    writeFileSync(join(dataDir, 'bin', '.go2rtc_linux_test-1.0.0.part'), 'of another release');
    if (left.length > 300_000) assert.is((await refusal()).kind, 'unavailable');
    await install();
    assert.equal([runs(), server.asked.at(-1)?.range], [1, undefined]);
    assert.equal(readdirSync(join(dataDir, 'bin')).sort(), ['go2rtc', 'lock']);
  }
});

it('a server that knows no parts sends the whole, a whole part is used without asking', async () => {
  const first = world();
  server.cut = { afterBytes: 50_000, times: 1 };
  await first.refusal();
  server.wholeOnly = true;
  assert.is((await first.install()).changed, true);
  const second = world();
  mkdirSync(join(second.dataDir, 'bin'));
  writeFileSync(join(second.dataDir, 'bin', `.${NAME}-${VERSION}.part`), second.content);
  await second.install();
  assert.equal([server.asked.length, second.runs()], [0, 1]);
});

it('redirects are followed to the hosts that are named, and nowhere else', async () => {
  const { install, refusal, files, runs, content } = world();
  const mirror = new ReleaseServer();
  await mirror.start();
  mirror.files.set('/blob', content);
  const targets = [
    `https://${mirror.host}/blob`,
    'http://127.0.0.1:1/blob',
    `https://user:pw@${server.host}${PATH}`,
    'file:///etc/passwd',
    '//127.0.0.1:1/',
  ];
  for (const target of targets) {
    server.before = (_request, response) => {
      response.writeHead(302, { Location: target }).end();
      return true;
    };
    const error = await refusal();
    assert.equal([error.kind, /sends us to another place/.test(error.message)], ['failed-precondition', true], target);
  }
  assert.equal([mirror.asked.length, runs()], [0, 0]);
  server.before = (request, response) => {
    if (request.url === '/moved') return false;
    server.files.set('/moved', content);
    response.writeHead(302, { Location: '/moved' }).end();
    return true;
  };
  assert.is((await install()).changed, true);
  assert.equal(files(), ['go2rtc']);
  mirror.stop();
});

it('redirects without end, missing files, errors and floods each say what they are', async () => {
  const { refusal, runs, files } = world();
  const cases: [string, string, World['server']['before']][] = [
    [
      'redirects without end',
      'failed-precondition',
      (_, response) => !!response.writeHead(302, { Location: PATH }).end(),
    ],
    ['HTTP 404', 'failed-precondition', (_, response) => !!response.writeHead(404).end()],
    ['HTTP 503', 'unavailable', (_, response) => !!response.writeHead(503).end()],
    ['HTTP 403', 'unavailable', (_, response) => !!response.writeHead(403).end('<html>')],
    [
      'larger than go2rtc is',
      'failed-precondition',
      (_, response) => response.writeHead(200, { 'Content-Length': 1e10 }).write('x'),
    ],
  ];
  for (const [words, kind, before] of cases) {
    server.before = before;
    const error = await refusal();
    assert.equal(
      [error.kind, error.message.includes(words), error.cure !== undefined],
      [kind, true, true],
      `${words}: ${error.message}`,
    );
  }
  server.before = (_, response) => {
    const chunk = Buffer.alloc(1024 * 1024);
    const more = () => {
      if (!response.destroyed) response.write(chunk, more);
    };
    response.writeHead(200);
    more();
    return true;
  };
  assert.match((await refusal()).message, 'larger than go2rtc is');
  assert.is(runs(), 0);
  assert.ok(files().every(name => name.endsWith('.part')));
});

it('a part that is not what was asked for is not used', async () => {
  const { refusal, install, runs } = world();
  server.cut = { afterBytes: 50_000, times: 1 };
  await refusal();
  for (const range of ['bytes 5-9/10', 'bytes */10', 'nonsense', '']) {
    server.before = (_, response) => !!response.writeHead(206, { 'Content-Range': range }).end('abc');
    assert.match((await refusal()).message, 'another part');
  }
  server.before = () => false;
  await install();
  assert.is(runs(), 1);
});

it('a server that nobody vouches for, or of another name, is not believed', async () => {
  const { refusal, runs } = world();
  const { ca: _ca, ...unknown } = server.service;
  const error = await refusal({ service: unknown });
  assert.equal([error.kind, /not to be trusted/.test(error.message)], ['unavailable', true]);
  const other = new ReleaseServer('DNS:elsewhere.test');
  await other.start();
  other.files.set(PATH, Buffer.from('x'));
  assert.match((await refusal({ service: other.service })).message, 'not to be trusted');
  other.stop();
  assert.is(runs(), 0);
});

it('offline: says so, and how the file may come otherwise', async () => {
  const { refusal } = world();
  const gone = new ReleaseServer();
  await gone.start();
  const { service } = gone;
  const host = gone.host;
  gone.stop();
  const error = await refusal({ service: { ...service, hosts: [host], fileUrl: () => `https://${host}/x` } });
  assert.equal([error.kind, error.message], ['unavailable', `${host} cannot be reached (ECONNREFUSED)`]);
  assert.match(error.cure ?? '', '--from');
});

it('a program that is not what it says is not put in place', async () => {
  const cases: [RegExp, (mark: string) => Buffer][] = [
    [/says that it is version 1\.9\.13/, mark => program(mark, '1.9.13')],
    [/another program/, () => Buffer.from('#!/bin/sh\necho hello\n')],
    [/ends when it is asked for its version/, () => Buffer.from('#!/bin/sh\nexit 3\n')],
    [/not a program for this machine/, foreignProgram],
  ];
  for (const [words, content] of cases) {
    const { refusal, dataDir } = world(content);
    const error = await refusal();
    assert.equal([error.kind, /not put in place/.test(error.message)], ['failed-precondition', true]);
    assert.match(error.message, words);
    assert.is(existsSync(join(dataDir, 'bin', 'go2rtc')), false);
  }
});

it('a file that somebody brought goes through the same checks', async () => {
  const { install, refusal, dataDir, content, runs } = world();
  const from = join(dataDir, 'brought');
  writeFileSync(from, content.subarray(1));
  assert.match((await refusal({ from })).message, 'digest differs');
  writeFileSync(from, content);
  assert.is((await install({ from })).changed, true);
  assert.equal([server.asked.length, runs()], [0, 1]);
  const missing = await refusal({
    from: join(dataDir, 'missing'),
    release: { ...RELEASE, assets: { 'linux-test': { name: NAME, sha256: 'f' } } },
  });
  assert.equal([missing.kind, missing.field], ['invalid-argument', '--from']);
});

it('a digest that is not pinned is asked for, and without one nothing is installed', async () => {
  const { install, refusal, content, runs } = world();
  const release: Release = { version: VERSION, assets: { 'linux-test': { name: NAME } } };
  const tell = (value: unknown) => server.files.set(`/releases/v${VERSION}`, Buffer.from(JSON.stringify(value)));
  const wrong = [
    {},
    null,
    { assets: 3 },
    { assets: [null] },
    { assets: [{ name: NAME, digest: 'md5:0' }] },
    { assets: [{ name: 'other', digest: `sha256:${digest(content)}` }] },
  ];
  for (const value of wrong) {
    tell(value);
    assert.match((await refusal({ release })).message, 'no digest');
  }
  server.files.set(`/releases/v${VERSION}`, Buffer.from('{'));
  assert.match((await refusal({ release })).message, 'cannot be read');
  assert.is(runs(), 0);
  tell({ assets: [{ name: NAME, digest: `sha256:${digest(content)}` }] });
  assert.is((await install({ release })).changed, true);
});

it('a volume that cannot be written, and two at once, are told in words', async () => {
  const { install, refusal, dataDir } = world();
  const both = await Promise.allSettled([install(), install()]);
  const failed = both.filter(one => one.status === 'rejected');
  assert.is(failed.length, 1);
  assert.match(String((failed[0] as PromiseRejectedResult).reason.message), 'being installed already');
  writeFileSync(join(dataDir, 'file'), '');
  const error = await refusal({ dataDir: join(dataDir, 'file') });
  assert.match(error.message, 'cannot be stored');
  assert.ok(error.cure);
});

test('each machine takes its own file, and others are told that there is none', () => {
  const of = (arch: string, kernelArch = '', platform = 'linux') => platformOf({ platform, arch, kernelArch });
  assert.equal(
    [of('x64'), of('arm64'), of('ia32'), of('mipsel')],
    ['linux-amd64', 'linux-arm64', 'linux-386', 'linux-mipsle'],
  );
  assert.equal(
    [of('arm', 'armv6l'), of('arm', 'armv7l'), of('arm', 'aarch64')],
    ['linux-armv6', 'linux-armv7', 'linux-armv7'],
  );
  for (const [platform, { name, sha256 }] of Object.entries(RELEASE.assets)) {
    assert.match(name, /^go2rtc_linux_[a-z0-9]+$/);
    assert.ok(sha256 === undefined ? platform === 'linux-mipsle' : /^[0-9a-f]{64}$/.test(sha256), platform);
  }
  const none = () => assetFor(RELEASE, { platform: 'darwin', arch: 'arm64', kernelArch: 'arm64' });
  assert.throws(none, (error: NvrError) => error.kind === 'failed-precondition' && /darwin-arm64/.test(error.message));
});

it('while the service runs: one at a time, with progress, and a stop in between', async () => {
  const { dataDir, release, runs } = world();
  const log = fakeLog();
  let installed = 0;
  const make = () =>
    new Installer({
      ...{ dataDir, userAgent: 'Thimble/test', lock: lockDirectory, release, machine, service: server.service },
      ...{ spawn: spawnChild, clock: systemClock, log: log.logger, onInstalled: () => installed++ },
    });
  const until = async (one: Installer, name: string) => {
    while (one.state.name !== name) await systemClock.sleep(5);
  };
  const first = make();
  assert.equal([first.state.name, first.offered], ['idle', { version: VERSION, file: NAME }]);
  server.before = (_, response) => !!response.writeHead(200, { 'Content-Length': 1000 }).write('abc');
  first.begin();
  while ((first.state.receivedBytes ?? 0) < 3) await systemClock.sleep(5);
  assert.equal([first.state.name, first.state.sizeBytes], ['running', 1000]);
  assert.throws(
    () => first.begin(),
    (error: NvrError) => error.kind === 'failed-precondition',
  );
  await first.stop();
  assert.throws(
    () => first.begin(),
    (error: NvrError) => error.kind === 'unavailable',
  );
  const second = make();
  server.before = (_, response) => !!response.writeHead(500).end();
  second.begin();
  await until(second, 'failed');
  assert.match(second.state.message ?? '', 'HTTP 500');
  server.before = () => false;
  second.begin();
  await until(second, 'installed');
  assert.equal([installed, runs()], [1, 1]);
  assert.equal(log.messages('error'), []);
});

it('the command: takes a file, refuses a wrong one, and a first start finds its directory its own', async () => {
  const dataDir = join(tempDir('command'), 'data');
  const from = join(tempDir('brought'), 'go2rtc');
  writeFileSync(from, 'not go2rtc');
  chmodSync(from, 0o755);
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['dist/thimble.js', ...args], {
      cwd: process.cwd(),
      encoding: 'utf8',
      timeout: 15_000,
    });
  const refused = run('go2rtc', 'install', '--data', dataDir, '--from', from);
  assert.equal([refused.status, refused.stdout], [1, '']);
  assert.match(refused.stderr, /digest differs.*\n.*Nothing was installed/);
  assert.is(run('go2rtc', 'install', '--data', dataDir, '--from', join(dataDir, 'nothing')).status, 2);
  assert.equal(readdirSync(join(dataDir, 'bin')), ['lock']);
});

const apart = spawnSync('unshare', ['-rn', 'true']).status === 0 ? undefined : 'unshare -rn does not work here';
test.needs(
  !problem && !apart,
  problem ?? apart ?? '',
  'the command without a network says so, and leaves a directory in which the service starts',
  async () => {
    const dataDir = join(tempDir('offline'), 'data');
    const command = ['-rn', process.execPath, 'dist/thimble.js', 'go2rtc', 'install', '--data', dataDir];
    const { status, stdout, stderr } = spawnSync('unshare', command, { encoding: 'utf8', timeout: 15_000 });
    assert.equal([status, stdout], [1, '']);
    assert.match(stderr, /github\.com cannot be reached \(E[A-Z_]+\)\.\n.*--from/);
    const service = await Service.start({ dataDir });
    assert.is((await service.stop()).code, 0);
    await stopChildren();
  },
);

test.run();
