// The program go2rtc and the folder that it works in: found, tried, refused with words. Real files, real children.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { BinaryFinder, type FoundBinary, findBinary } from '../../src/go2rtc/binary.ts';
import { runtimeFolders, takeRuntimeFolder } from '../../src/go2rtc/runtime-folder.ts';
import { lockDirectory, spawnChild } from '../../src/native/index.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('go2rtc places', { timeoutMs: 60_000 });

function program(script: string, folder = tempDir('bin'), mode = 0o755): string {
  const path = join(folder, 'go2rtc');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, script);
  chmodSync(path, mode);
  return path;
}

const says = (text: string) => `#!/bin/sh\necho '${text}'\n`;
const GOOD = says('go2rtc version 1.9.14+dev.dc1685e (dc1685e) linux/amd64');

/** However long it takes: the clock stands still. */
async function found(configured: string): Promise<FoundBinary> {
  return await new BinaryFinder({ spawn: spawnChild, clock: new FakeClock() }).find({ configured, dataDir: '/' });
}

async function words(configured: string): Promise<string> {
  const binary = await found(configured);
  return binary.state === 'found' ? `found ${binary.version}` : binary.words.message.replace(configured, 'it');
}

test('a program is looked for where it was said, on PATH, and in the data directory', async () => {
  const [dataDir, other, empty] = [tempDir('data'), tempDir('path'), tempDir('empty')];
  const path = ['relative', empty, other].join(':');
  assert.is(await findBinary({ path, dataDir }), undefined);
  const own = program(GOOD, join(dataDir, 'bin'));
  assert.is(await findBinary({ path, dataDir }), own);
  mkdirSync(join(empty, 'go2rtc'));
  const onPath = program(GOOD, other);
  assert.is(await findBinary({ path, dataDir }), onPath, 'a folder of that name is none');
  assert.is(await findBinary({ configured: '/nowhere', path, dataDir }), '/nowhere', 'what is configured counts alone');
});

test('its version is asked for, and what is no usable go2rtc has words', async () => {
  assert.is(await words(program(GOOD)), 'found 1.9.14+dev.dc1685e');
  assert.is(await words(program(says('go2rtc version 1.9.12 (x) linux/arm'))), 'found 1.9.12');
  assert.is(await words(program(says('go2rtc version 2.0.0'))), 'found 2.0.0');
  assert.is(await words(program(says('go2rtc version 1.9.11'))), 'it is go2rtc 1.9.11; 1.9.12 or newer is needed');
  assert.is(await words(program(says('ffmpeg version 5.1'))), 'it is another program');
  assert.is(await words(program('#!/bin/sh\nexit 3\n')), 'it ends when it is asked for its version (exit code 3)');
  assert.is(await words(program('#!/bin/sh\nkill -11 $$\n')), 'it ends when it is asked for its version (signal 11)');
  assert.is(await words(program(GOOD, undefined, 0o644)), 'it may not be executed');
  assert.is(await words(program(GOOD, undefined, 0o757)), 'it can be changed by every user of this machine');
  assert.is(await words('/nowhere/go2rtc'), 'it does not exist');
  assert.is(await words(tempDir('folder')), 'it is not a file');
  assert.is(await words(program('#!/no/such/interpreter\n')), 'it cannot be started: ENOENT');
  const foreign = Buffer.alloc(128);
  foreign.write('\x7fELF\x02\x02\x01', 0, 'latin1');
  const path = program('');
  writeFileSync(path, foreign);
  assert.is(await words(path), 'it is not a program for this machine');
});

test('one that does not answer, or never stops talking, is ended after two seconds', async () => {
  for (const script of ['#!/bin/sh\nexec sleep 1000\n', '#!/bin/sh\nexec yes\n']) {
    const clock = new FakeClock();
    const path = program(script);
    let pid = 0;
    const finder = new BinaryFinder({
      clock,
      spawn: options => {
        const child = spawnChild(options);
        pid = child.pid;
        return child;
      },
    });
    const asked = finder.find({ configured: path, dataDir: '/' });
    await eventually(() => pid > 0 && clock.pending > 0, 'the program runs');
    await clock.advance(2000);
    const binary = await asked;
    assert.is(binary.state, 'unusable');
    assert.match(binary.state === 'unusable' ? binary.words.message : '', /does not tell its version/);
    assert.not(readdirSync('/proc').includes(String(pid)), 'it is gone');
  }
});

test('a program is asked again only when its file is another', async () => {
  const folder = tempDir('count');
  const script = (version: string) => `#!/bin/sh\necho x >> ${folder}/asked\necho go2rtc version ${version}\n`;
  const path = program(script('1.9.12'));
  const finder = new BinaryFinder({ spawn: spawnChild, clock: new FakeClock() });
  const ask = async () => {
    const binary = await finder.find({ configured: path, dataDir: '/' });
    return `${binary.state === 'found' ? binary.version : binary.state} ${statSync(join(folder, 'asked')).size / 2}`;
  };
  assert.is(await ask(), '1.9.12 1');
  assert.is(await ask(), '1.9.12 1');
  writeFileSync(path, script('1.10.14'));
  assert.is(await ask(), '1.10.14 2');
});

test('the folder is ours alone, empty, and one service has it at a time', async () => {
  const path = join(tempDir('run'), 'thimble');
  mkdirSync(path, { mode: 0o755 });
  writeFileSync(join(path, 'api-1234.sock'), '');
  const taken = await takeRuntimeFolder([path], lockDirectory);
  if (taken.state !== 'taken') throw new Error(taken.words.message);
  assert.is(statSync(path).mode & 0o777, 0o700);
  assert.equal(readdirSync(path), ['lock']);
  const second = await takeRuntimeFolder([path], lockDirectory);
  assert.match(second.state === 'failed' ? second.words.message : '', /Another service/);
  writeFileSync(join(path, 'go2rtc.yaml'), '');
  await taken.folder.release();
  assert.not(existsSync(path), 'nothing is left of it');
  const third = await takeRuntimeFolder([path], lockDirectory);
  assert.is(third.state, 'taken');
  if (third.state === 'taken') await third.folder.release();
});

test('a folder that cannot be removed is free all the same', async () => {
  const parent = join(tempDir('run'), 'p');
  mkdirSync(parent);
  let isHeld = true;
  const lock = () => ({ unlock: () => void (isHeld = false) });
  const taken = await takeRuntimeFolder([join(parent, 'thimble')], lock);
  renameSync(parent, `${parent}-away`);
  writeFileSync(parent, 'a path through a file cannot even be looked at');
  if (taken.state === 'taken') await taken.folder.release();
  assert.equal([taken.state, isHeld], ['taken', false]);
});

test('places that are not ours, or cannot be used, are passed over; memory comes first', async () => {
  const folder = tempDir('places');
  const link = join(folder, 'link');
  symlinkSync(tempDir('elsewhere'), link);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const bad = [
    link,
    file,
    join(folder, 'a=b'),
    join(folder, 'missing/deeper'),
    join(folder, 'x'.repeat(80)),
    '/proc/x',
  ];
  const failed = await takeRuntimeFolder(bad, lockDirectory);
  assert.match(failed.state === 'failed' ? failed.words.message : '', /no place for its configuration/);
  const disk = join(folder, 'disk');
  const taken = await takeRuntimeFolder([...bad, disk], lockDirectory);
  assert.is(taken.state === 'taken' && taken.folder.path, disk);
  const none = await takeRuntimeFolder([], lockDirectory);
  assert.is(none.state, 'failed');
});

test('the places follow from who runs it', () => {
  const storeUuid = '0123456789abcdef0123456789abcdef';
  assert.equal(runtimeFolders({ userId: 1000, storeUuid, userDirectory: '/run/user/1000' }), [
    '/run/user/1000/thimble-0123456789ab',
    '/dev/shm/thimble-0123456789ab-1000',
    '/tmp/thimble-0123456789ab-1000',
  ]);
  assert.is(
    runtimeFolders({ userId: 0, storeUuid, runtimeDirectory: '/run/thimble:/run/x' })[0],
    '/run/thimble/thimble-0123456789ab',
  );
});

test.run();
