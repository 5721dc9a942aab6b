// Batches of segment files for the addon: what goes together, what does not wait, and failures.
import * as assert from 'uvu/assert';
import { makeExaminer } from '../../src/native/examiner.ts';
import type { Examination, SegmentReport } from '../../src/native/index.ts';
import { suite } from '../support/suite.ts';

interface Call {
  paths: string[];
  storeUuid: string;
  how: Examination;
  answer: (reports: SegmentReport[]) => void;
  fail: (error: Error) => void;
}

function rig() {
  const calls: Call[] = [];
  const examine = makeExaminer(
    (paths, storeUuid, how) =>
      new Promise((answer, fail) => {
        calls.push({ paths, storeUuid, how, answer, fail });
      }),
  );
  return { calls, examine };
}

function report(path: string): SegmentReport {
  return { code: path } as SegmentReport;
}

async function settle(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve));
}

const MEND = { write: true, thorough: false };

const test = suite('batches of segment files');

test('what comes while three batches are under way is the next one, at most 16 of one store', async () => {
  const { calls, examine } = rig();
  const asked = Array.from({ length: 40 }, (_, n) => `${n}`).map(path => examine(path, 'a', MEND));
  const others = [
    examine('other', 'b', MEND),
    examine('slow', 'a', { ...MEND, thorough: true }),
    examine('last', 'b', MEND),
  ];
  assert.equal(
    calls.map(call => call.paths),
    [['0'], ['1'], ['2']],
  );
  for (let at = 0; at < calls.length; at++) {
    calls[at]?.answer(calls[at]?.paths.map(report) ?? []);
    await settle();
  }
  assert.equal(
    calls.map(call => [call.paths.length, call.storeUuid, call.how.write, call.how.thorough]),
    [
      [1, 'a', true, false],
      [1, 'a', true, false],
      [1, 'a', true, false],
      [16, 'a', true, false],
      [16, 'a', true, false],
      [5, 'a', true, false],
      [2, 'b', true, false],
      [1, 'a', true, true],
    ],
  );
  assert.is((await Promise.all(asked))[17]?.code, '17');
  assert.equal(
    (await Promise.all(others)).map(one => one.code),
    ['other', 'slow', 'last'],
  );
});

test('reading waits for nobody', async () => {
  const { calls, examine } = rig();
  const mended = examine('mended', 'a', MEND);
  const read = examine('read', 'a', { write: false, thorough: true });
  calls[1]?.answer([report('read')]);
  assert.is((await read).code, 'read');
  assert.equal(calls[1]?.how, { write: false, thorough: true });
  calls[0]?.answer([report('mended')]);
  assert.is((await mended).code, 'mended');
});

test('a failed batch rejects all of it, and the next one is tried', async () => {
  const { calls, examine } = rig();
  const outcome = (promise: Promise<unknown>) => promise.then(String, error => (error as Error).message);
  const first = outcome(examine('1', 'a', MEND));
  const second = examine('2', 'a', MEND);
  calls[0]?.fail(new Error('gone'));
  assert.is(await first, 'gone');
  await settle();
  calls[1]?.answer([report('2')]);
  assert.is((await second).code, '2');
});

test.run();
