// Every numbered rule about go2rtc has a test case that names it.
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { GO2RTC_RULES, go2rtcRuleFaults, go2rtcRulesOf, STAND_IN_ONLY } from './go2rtc-rules.ts';
import { projectFiles } from './tree.ts';

const test = suite('rules about go2rtc');

test('every rule has its case', () => {
  assert.equal(
    go2rtcRuleFaults(projectFiles(/^(test\/(unit|integration|e2e)|native\/test)\/.*(\.test\.ts|\.cc)$/)),
    [],
  );
});

test('numbers are read from the beginnings of names, and what is missing or unknown is told', () => {
  const file = (text: string) => ({ path: 'test/e2e/a.test.ts', text });
  const some = "test('go2rtc rule S3: a', x); each(\n  `go2rtc rules R4, R5 and P6: b`, y); // go2rtc rule S7: c";
  assert.equal([...go2rtcRulesOf([file(some)])], ['S3', 'R4', 'R5', 'P6']);
  assert.equal([...go2rtcRulesOf([file(some)], true)], ['R4', 'R5', 'P6']);
  assert.equal([...go2rtcRulesOf([file("both(test, { timeScale: 1 })('go2rtc rule S1: a', x);")], true)], ['S1']);
  const of = (number: string, caller: string) => file(`${caller}('go2rtc rule ${number}: x', y);`);
  const whole = Object.keys(GO2RTC_RULES).map(number => of(number, number in STAND_IN_ONLY ? 'test' : 'each'));
  assert.equal(go2rtcRuleFaults(whole, {}), []);
  assert.is(go2rtcRuleFaults(whole.slice(1), {}).length, 1);
  assert.is(go2rtcRuleFaults(whole.slice(1), { S1: 'not yet' }).length, 0);
  assert.match(String(go2rtcRuleFaults([of('S1', 'test'), ...whole.slice(1)], {})), 'S1 lacks a case');
  assert.match(String(go2rtcRuleFaults([...whole, of('S11', 'each')], {})), 'S11 has a case');
  assert.is(go2rtcRuleFaults([...whole, file("test('go2rtc rule S99: x', y);")], {}).length, 1);
  assert.is(go2rtcRuleFaults(whole, { S1: 'not yet' }).length, 1);
});

test.run();
