// A few rounds of each fault test, so that none of them rots: `npm run faults` plays the long sets.
import * as assert from 'uvu/assert';
import { FAULT_TESTS } from '../faults/tests.ts';
import { stopChildren } from '../support/child.ts';
import { serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('faults, a few rounds', { timeoutMs: 900_000 });
test.after(stopChildren);

for (const { name, title, fewRounds, problem, run } of FAULT_TESTS) {
  const why = serviceProblem() ?? problem();
  test.needs(why === undefined, why ?? '', `${name}: ${title}`, async () => {
    const seed = Date.now() % 100_000;
    const say = (line: string) => process.stdout.write(`${name}, seed ${seed}: ${line}\n`);
    assert.equal((await run({ rounds: fewRounds, seed, all: false, say })).faults, [], `seed ${seed}`);
  });
}

test.run();
