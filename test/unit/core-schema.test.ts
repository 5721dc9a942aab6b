import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { background, NvrError, nearest, parseInput } from '../../src/core/index.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';

const test = suite('core schema');

const schema = v.strictObject({
  name: v.pipe(v.string('Write a name.'), v.maxLength(5, 'Use at most 5 characters.')),
  main: v.optional(
    v.strictObject({ url: v.string('Write a URL.'), audio: v.optional(v.boolean('Use true or false.'), true) }),
  ),
});

function refusal(input: unknown): NvrError {
  try {
    parseInput(schema, input);
  } catch (error) {
    assert.instance(error, NvrError);
    return error as NvrError;
  }
  throw new Error('accepted');
}

test('fills in defaults', () => {
  assert.equal(parseInput(schema, { name: 'a', main: { url: 'u' } }), { name: 'a', main: { url: 'u', audio: true } });
});

test('names the field and the cure, and never the value', () => {
  const error = refusal({ name: 'canary-too-long' });
  assert.is(error.kind, 'invalid-argument');
  assert.is(error.field, 'name');
  assert.is(error.cure, 'Use at most 5 characters.');
  assert.not.match(JSON.stringify([error.message, error.cure]), 'canary');
});

test('a missing field gets the cure of the field', () => {
  const error = refusal({ name: 'a', main: {} });
  assert.is(error.field, 'main.url');
  assert.match(error.message, 'missing');
  assert.is(error.cure, 'Write a URL.');
});

test('an unknown field gets the nearest known name, before all other faults', () => {
  assert.is(refusal({ nmae: 'a' }).cure, 'Did you mean "name"?');
  assert.is(refusal({ name: 'a', main: { url: 'u', uadio: true } }).cure, 'Did you mean "main.audio"?');
  assert.match(refusal({ name: 'a', zzzzzz: 1 }).cure ?? '', 'Known: name, main');
});

test('takes hostile keys for what they are: unknown', () => {
  for (const key of ['__proto__', 'constructor', 'toString', 'a.b', 'x'.repeat(10_000)]) {
    const error = refusal(JSON.parse(`{"name":"a","${key}":{"polluted":true}}`));
    assert.match(error.message, 'not a known field');
    assert.ok(error.message.length < 200);
  }
  assert.is(({} as { polluted?: boolean }).polluted, undefined);
});

test('what is no object is said so', () => {
  for (const input of [null, 5, 'text']) assert.match(refusal(input).cure ?? '', 'JSON object');
});

test('finds the nearest name, and none when all are far', () => {
  assert.is(nearest('--dmeo', ['--data', '--demo']), '--demo');
  assert.is(nearest('strem', ['stream', 'startMs']), 'stream');
  assert.is(nearest('zzz', ['stream', 'startMs']), undefined);
});

test('background work that fails is logged, cancelled work is not', async () => {
  const log = fakeLog();
  const abort = new AbortController();
  background(Promise.reject(new Error('no')), 'first', log.logger);
  background(new FakeClock().sleep(10, abort.signal), 'second', log.logger);
  abort.abort();
  await settle();
  assert.equal(log.messages('error'), ['background task failed']);
  assert.is(log.lines[0]?.task, 'first');
});

test.run();
