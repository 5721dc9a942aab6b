// An addon that is missing or cannot be loaded: whoever starts the service is told which file, and what to do.
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import type { NvrError } from '../../src/core/index.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('native: an addon that is not there', { timeoutMs: 30_000 });
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What is said by a copy of the sources beside which `prepare` lays an addon, or none. */
async function refusal(prepare: (dir: string) => void): Promise<NvrError> {
  const dir = tempDir('addon');
  for (const folder of ['core', 'native'])
    cpSync(join(ROOT, 'src', folder), join(dir, 'src', folder), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }');
  prepare(dir);
  const { lockDirectory } = (await import(
    pathToFileURL(join(dir, 'src/native/index.ts')).href
  )) as typeof import('../../src/native/index.ts');
  try {
    lockDirectory(dir);
  } catch (error) {
    return error as NvrError;
  }
  throw new Error('it was loaded');
}

test('its place and the cure are named', async () => {
  const missing = await refusal(() => undefined);
  assert.is(missing.kind, 'failed-precondition');
  assert.match(missing.message, 'build/Release/thimble.node');
  assert.match(missing.cure ?? '', 'npm run build');

  const broken = await refusal(dir => {
    mkdirSync(join(dir, 'build/Release'), { recursive: true });
    writeFileSync(join(dir, 'build/Release/thimble.node'), 'no addon');
  });
  assert.is(broken.kind, 'failed-precondition');
  assert.match(broken.message, 'build/Release/thimble.node cannot be loaded');
  assert.match(broken.cure ?? '', 'npm run build');
});

test.run();
