// Every numbered check of the pages has a test case that names it.
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { CHECKS, checkFaults, checksOf, WAITING } from './checks.ts';
import { projectFiles } from './tree.ts';

const test = suite('checks of the pages');

test('every check has its case', () => {
  assert.equal(checkFaults(projectFiles(/^test\/(unit|integration|e2e)\/.*\.test\.ts$/)), []);
});

test('numbers are read from the beginnings of names, and what is missing or unknown is told', () => {
  const file = (text: string) => ({ path: 'test/e2e/a.test.ts', text });
  assert.equal(
    [...checksOf([file("test('check 3: a', x); live(\n  `checks 4, 5 and 16: b`, y); // check 7: c")])],
    [3, 4, 5, 16],
  );
  const all = Object.keys(CHECKS).filter(number => WAITING[Number(number)] === undefined);
  const whole = all.map(number => file(`test('check ${number}: x', y);`));
  assert.equal(checkFaults(whole), []);
  assert.is(checkFaults(whole.slice(1)).length, 1);
  assert.is(checkFaults([...whole, file("test('check 99: x', y);")]).length, 1);
  assert.is(checkFaults([...whole, file(`test('check ${Object.keys(WAITING)[0]}: x', y);`)]).length, 1);
});

test.run();
