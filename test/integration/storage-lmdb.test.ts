// The binary of lmdb-js is the mended one: see scripts/lmdb.mjs.
import * as assert from 'uvu/assert';
import { lmdbIsMended } from '../../scripts/lmdb.mjs';
import { suite } from '../support/suite.ts';

const test = suite('lmdb');

test('a page that cannot be written overruns no buffer', () => {
  assert.ok(lmdbIsMended());
});

test.run();
