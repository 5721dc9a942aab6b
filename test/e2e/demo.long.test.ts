// How soon the first footage of --demo is there: a figure, so not among the tests that may run beside others.
import * as assert from 'uvu/assert';
import type { SegmentList } from '../../src/api/contract.ts';
import { stopChildren } from '../support/child.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const SOON_MS = 5000;

const test = suite('demo cameras in time', { timeoutMs: 60_000 });
test.after(stopChildren);

test('two cameras are recorded within 5 s, on a first start and on a second one', async () => {
  let dataDir: string | undefined;
  for (const start of ['first', 'second']) {
    const startedMs = Date.now();
    const service = await Service.start({ args: ['--demo'], ...(dataDir === undefined ? {} : { dataDir }) });
    dataDir = service.dataDir;
    for (const id of [1, 2]) {
      await service.until<SegmentList>(`/api/segments?camera=${id}`, ({ segments }) =>
        segments.some(({ open, sizeBytes }) => open && sizeBytes > 0),
      );
    }
    const tookMs = Date.now() - startedMs;
    assert.ok(tookMs <= SOON_MS, `the ${start} start: ${tookMs} ms`);
    assert.is((await service.stop()).code, 0);
  }
});

test.run();
