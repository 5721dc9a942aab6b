// lmdb-js as we use it: the mended binary (scripts/lmdb.mjs), and a lock file that is in memory.
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

test.run();
