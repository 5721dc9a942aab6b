import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { writeFileAtomic } from '../../src/core/index.ts';
import { suite } from '../support/suite.ts';

const test = suite('core atomic file');
let folder = '';

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-atomic-'));
});
test.after.each(() => rmSync(folder, { recursive: true }));

test('writes and replaces, with the mode asked for, leaving nothing beside', async () => {
  const path = join(folder, 'a.json');
  await writeFileAtomic(path, 'one', { mode: 0o640 });
  await writeFileAtomic(path, new Uint8Array([50]), {});
  assert.is(readFileSync(path, 'utf8'), '2');
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.equal(readdirSync(folder), ['a.json']);
});

test('keeps the generation before when asked to', async () => {
  const path = join(folder, 'a.json');
  for (const text of ['one', 'two', 'three']) await writeFileAtomic(path, text, { keepPrevious: true });
  assert.is(readFileSync(path, 'utf8'), 'three');
  assert.is(readFileSync(`${path}.previous`, 'utf8'), 'two');
  assert.equal(readdirSync(folder).sort(), ['a.json', 'a.json.previous']);
});

test('a failure leaves the old content and no temporary file', async () => {
  const path = join(folder, 'taken');
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), '');
  let failed = false;
  await writeFileAtomic(path, 'x').catch(() => (failed = true));
  assert.is(failed, true);
  assert.equal(readdirSync(folder), ['taken']);
  chmodSync(path, 0o700);
});

test('rejects when there is no such folder', async () => {
  let code = '';
  await writeFileAtomic(join(folder, 'no/such'), 'x').catch(error => (code = error.code));
  assert.is(code, 'ENOENT');
});

test.run();
