// Children of the addon: what they get of us, how their end is told, and that none outlives us.
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { type ChildExit, type ChildOptions, type ChildProcess, spawnChild } from '../../src/native/index.ts';
import { Child } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('native children', { timeoutMs: 120_000 });

const OWNER = fileURLToPath(new URL('../support/child-owner.ts', import.meta.url));
const ADDON = fileURLToPath(new URL('../../build/Release/thimble.node', import.meta.url));

function begin(path: string, args: string[], options: Partial<ChildOptions> = {}): ChildProcess {
  return spawnChild({ path, args, env: {}, folder: '/', openFiles: 100, ...options });
}

async function run(
  path: string,
  args: string[],
  options: Partial<ChildOptions> = {},
): Promise<{ exit: ChildExit; text: string }> {
  const child = begin(path, args, options);
  const pieces: Buffer[] = [];
  child.onOutput(piece => pieces.push(piece));
  const exit = await child.exited;
  return { exit, text: Buffer.concat(pieces).toString('utf8') };
}

const sh = (script: string, options?: Partial<ChildOptions>) => run('/bin/sh', ['-c', script], options);

/** Neither there nor waiting for somebody to take note of its end. */
function isGone(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

test('what it writes comes from the first to the last byte, and then its end', async () => {
  const { exit, text } = await sh('echo out; echo err >&2; exit 7');
  assert.equal(exit, { code: 7 });
  assert.is(text, 'out\nerr\n');
  const long = await sh(
    'i=0; while [ $i -lt 1000 ]; do echo 0123456789012345678901234567890123456789012345678; i=$((i+1)); done',
  );
  assert.is(long.text.length, 50_000);
  assert.equal((await sh('kill -11 $$')).exit, { signal: 11 });
});

test('it gets nothing of our environment, our files, our signals', async () => {
  assert.is((await run('/usr/bin/env', [], { env: { A: '1', B: 'x=y z' } })).text, 'A=1\nB=x=y z\n');
  const files = (await run('/bin/ls', ['/proc/self/fd'])).text.trim().split('\n');
  assert.equal(files, ['0', '1', '2', '3'], 'the last is the folder that it lists');
  const { text } = await run('/bin/cat', ['/proc/self/status', '/proc/self/stat', '/proc/self/oom_score_adj', '-']);
  assert.match(text, /^NoNewPrivs:\s+1$/m);
  for (const mask of ['SigBlk', 'SigIgn', 'SigCgt']) assert.match(text, new RegExp(`^${mask}:\\s+0+$`, 'm'), mask);
  const [pid, , , , group, session] = (/^\d+ \(cat\).*$/m.exec(text)?.[0] ?? '').split(' ');
  assert.is(group, pid);
  assert.is(session, pid);
  assert.ok(Number(text.trim().split('\n').at(-1)) >= 500);
  assert.is((await sh('pwd; ulimit -n; ulimit -c', { folder: '/usr' })).text, '/usr\n100\n0\n');
});

test('what cannot be started says why', () => {
  const folder = tempDir('child');
  const file = (name: string, content: string | Buffer, mode: number) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };
  // The head of a 64-bit program for SPARC.
  const foreign = Buffer.alloc(128);
  foreign.write('\x7fELF\x02\x02\x01', 0, 'latin1');
  foreign.writeUInt16BE(2, 16);
  foreign.writeUInt16BE(43, 18);
  const codeOf = (path: string, options: Partial<ChildOptions> = {}) => {
    try {
      begin(path, [], options);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    }
    return 'started';
  };
  assert.is(codeOf(join(folder, 'missing')), 'ENOENT');
  assert.is(codeOf(folder), 'EACCES');
  assert.is(codeOf(file('plain', '#!/bin/sh\n', 0o644)), 'EACCES');
  assert.is(codeOf(file('foreign', foreign, 0o755)), 'ENOEXEC');
  assert.is(codeOf(file('text', 'no program', 0o755)), 'ENOEXEC');
  assert.is(codeOf('/bin/true', { folder: join(folder, 'missing') }), 'ENOENT');
  assert.match(codeOf('/bin/true', { openFiles: 1 }), /TypeError/);
  assert.match(codeOf('true'), /TypeError/);
  assert.match(codeOf('/bin/true', { env: { A: 'x\0y' } }), /TypeError/);
});

test('a signal reaches what it has started, too, and its end takes them along', async () => {
  for (const how of ['signal', 'exit'] as const) {
    const child = begin('/bin/sh', ['-c', `/bin/sleep 1000 & echo $!; ${how === 'signal' ? 'wait' : 'exit 3'}`]);
    let text = '';
    child.onOutput(piece => {
      text += piece.toString('utf8');
    });
    const grandchild = await eventually(() => /^(\d+)\n/.exec(text)?.[1], 'the pid of the grandchild');
    if (how === 'signal') child.kill('SIGTERM');
    assert.equal(await child.exited, how === 'signal' ? { signal: 15 } : { code: 3 });
    await eventually(() => isGone(Number(grandchild)), 'the end of the grandchild');
    child.kill('SIGKILL');
  }
});

test("Node's own children and ours do not take each other's ends", async () => {
  const run = promisify(execFile);
  const own = Array.from({ length: 10 }, (_, index) => sh(`exit ${index}`));
  const others = Array.from({ length: 10 }, (_, index) =>
    run('/bin/sh', ['-c', `exit ${index}`]).then(
      () => 0,
      (error: { code: number }) => error.code,
    ),
  );
  assert.equal(
    (await Promise.all(own)).map(({ exit }) => exit.code),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.equal(await Promise.all(others), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('no descriptor and no thread is left of them', async () => {
  const count = () => ({
    files: readdirSync('/proc/self/fd').length,
    threads: readFileSync('/proc/self/status', 'utf8').match(/^Threads:\s+(\d+)/m)?.[1],
  });
  await sh('exit 0');
  const before = count();
  for (let i = 0; i < 100; i++) {
    await sh('echo x');
    assert.throws(() => begin('/missing', []));
  }
  await eventually(() => count().threads === before.threads, 'the end of the threads');
  await eventually(() => count().files <= before.files, 'the end of the descriptors');
});

test('only the main thread starts them', async () => {
  const script = `
    const { parentPort } = require('node:worker_threads');
    const { Child } = require(${JSON.stringify(ADDON)});
    try {
      new Child({ path: '/bin/true', args: [], env: [], folder: '/', openFiles: 64 }, () => undefined);
      parentPort.postMessage('started');
    } catch (error) {
      parentPort.postMessage(error.code);
    }`;
  const worker = new Worker(script, { eval: true });
  const said = await new Promise(resolve => worker.once('message', resolve));
  await worker.terminate();
  assert.is(said, 'EPERM', 'the end of that thread would kill the child');
});

test('none outlives us, however we end', async () => {
  for (const signal of ['SIGKILL', 'SIGKILL', 'SIGSEGV', 'SIGTERM'] as const) {
    const owner = new Child(process.execPath, ['--import', 'tsx', OWNER]);
    const pid = Number(await owner.line(line => (/^\d+$/.test(line) ? line : undefined), 30_000));
    assert.ok(existsSync(`/proc/${pid}`));
    owner.kill(signal);
    await owner.exited;
    await eventually(() => isGone(pid), `the end of the child after ${signal}`);
  }
});

test('nor when we are killed while one is being started', async () => {
  const running = (seconds: string) =>
    readdirSync('/proc').filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').endsWith(`\0${seconds}\0`) && !isGone(Number(pid));
      } catch {
        return false;
      }
    });
  for (let round = 0; round < 12; round++) {
    const seconds = `1000.${process.pid}${String(round).padStart(2, '0')}`;
    const owner = new Child(process.execPath, ['--import', 'tsx', OWNER, seconds]);
    await owner.line(line => (/^\d+$/.test(line) ? line : undefined), 30_000);
    assert.ok(running(seconds).length > 0);
    await new Promise(resolve => setTimeout(resolve, 5 + round * 1.3));
    owner.kill('SIGKILL');
    await owner.exited;
    // Whoever was between fork and exec has our own arguments until then.
    await new Promise(resolve => setTimeout(resolve, 50));
    await eventually(() => running(seconds).length === 0, `the end of all children of round ${round}`);
  }
});

test.run();
