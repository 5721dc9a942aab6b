// lmdb-js as we use it: the mended binary (scripts/lmdb.mjs), and a lock file that is in memory.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { lmdbIsMended } from '../../scripts/lmdb.mjs';
import { openLmdb } from '../../src/storage/environment.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('lmdb');
const [key, value] = [Buffer.from('k'), Buffer.from('v')];

test('a page that cannot be written overruns no buffer', () => {
  assert.ok(lmdbIsMended());
});

function hasMemory(): boolean {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

test.needs(hasMemory(), 'there is no /dev/shm', 'readers are noted in memory, and no name is left', async () => {
  const folder = tempDir('lmdb');
  // What a kill at the wrong moment leaves.
  symlinkSync('/dev/shm/thimble-gone', join(folder, 'lock.mdb'));
  for (let round = 0; round < 2; round++) {
    const index = openLmdb(folder);
    assert.equal(readdirSync(folder), ['data.mdb']);
    await index.write([{ table: 'settings', key, value }]);
    assert.equal(index.get('settings', key), value);
    await index.close();
  }
  assert.not(existsSync('/dev/shm/thimble-gone'));
});

/** Runs a command where /dev/shm is a full volume of its own; nobody else sees that. */
function withFullMemory(...command: string[]) {
  const fill = 'mount -t tmpfs -o size=64k tmpfs /dev/shm && ! cat /dev/zero 2>/dev/null >/dev/shm/full && exec "$@"';
  return spawnSync('unshare', ['-rm', 'sh', '-c', fill, 'sh', ...command], { encoding: 'utf8' });
}

test.needs(withFullMemory('true').status === 0, 'there are no namespaces', 'memory that others have filled up', () => {
  const place = new URL('../../src/storage/environment.ts', import.meta.url).href;
  const program = `
    const { openLmdb } = await import('${place}');
    const index = openLmdb('${tempDir('lmdb')}');
    await index.write([{ table: 'settings', key: Buffer.from('k'), value: Buffer.from('v') }]);
    console.log(String(index.get('settings', Buffer.from('k'))));
    await index.close();`;
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', program];
  const { status, signal, stdout } = withFullMemory(...node);
  assert.equal([status, signal, stdout], [0, null, 'v\n']);
});

test.run();
