import * as assert from 'uvu/assert';
import { parseRange } from '../../src/api/byte-range.ts';
import { suite } from '../support/suite.ts';

const test = suite('api range');

test('reads one range in its three forms', () => {
  assert.equal(parseRange('bytes=0-0', 100), { start: 0, end: 0 });
  assert.equal(parseRange('bytes=10-19', 100), { start: 10, end: 19 });
  assert.equal(parseRange('bytes=10-', 100), { start: 10, end: 99 });
  assert.equal(parseRange('bytes=-10', 100), { start: 90, end: 99 });
  assert.equal(parseRange(' Bytes = 1 - 2 ', 100), { start: 1, end: 2 });
});

test('cuts at the end of the file', () => {
  assert.equal(parseRange('bytes=90-1000', 100), { start: 90, end: 99 });
  assert.equal(parseRange('bytes=-1000', 100), { start: 0, end: 99 });
  assert.equal(parseRange('bytes=99-99', 100), { start: 99, end: 99 });
});

test('says when nothing of it exists', () => {
  assert.is(parseRange('bytes=100-', 100), 'unsatisfiable');
  assert.is(parseRange('bytes=999999999999999-', 100), 'unsatisfiable');
  assert.is(parseRange('bytes=-0', 100), 'unsatisfiable');
  assert.is(parseRange('bytes=0-0', 0), 'unsatisfiable');
  assert.is(parseRange('bytes=-1', 0), 'unsatisfiable');
});

test('ignores what it cannot read, as the RFC asks', () => {
  for (const header of [
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=5-1',
    'bytes=0-1,3-4',
    'bytes=a-b',
    'bytes=0x1-2',
    'bytes=1.5-2',
    'bytes=+1-2',
    'bytes=--1',
    'items=0-1',
    `bytes=${'9'.repeat(16)}-`,
    'bytes=0-1\n',
    `bytes=${' '.repeat(5000)}`,
  ]) {
    const range = parseRange(header, 100);
    assert.ok(range === undefined || header === 'bytes=0-1\n', String(header));
  }
});

test.run();
