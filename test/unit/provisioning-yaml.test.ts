// The YAML of configuration files: what is taken, where refusals point, and that no file costs much time or memory.
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { Source } from '../../src/provisioning/source.ts';
import { find, toData } from '../../src/provisioning/tree.ts';
import { parseYaml } from '../../src/provisioning/yaml.ts';
import { suite } from '../support/suite.ts';

const test = suite('provisioning yaml');

function read(text: string): unknown {
  return toData(parseYaml(new Source('f.yaml', text)), value => value);
}

function refusal(text: string): NvrError {
  try {
    read(text);
  } catch (error) {
    assert.instance(error, NvrError);
    assert.is((error as NvrError).kind, 'invalid-argument');
    assert.match((error as NvrError).cure ?? '', /^[A-Z].*\.$/);
    return error as NvrError;
  }
  throw new Error(`accepted: ${JSON.stringify(text).slice(0, 100)}`);
}

test('reads maps, lists, texts of all kinds, numbers and words', () => {
  assert.equal(read('a: {b: [x, "y", \'z\']}\nc:\n- 1\n- 1.5\nd: |\n  *x\n  !y\ne: >-\n  &z\n'), {
    a: { b: ['x', 'y', 'z'] },
    c: [1, 1.5],
    d: '*x\n!y\n',
    e: '&z',
  });
  assert.equal(read('a: off\nb: yes\nc: true\nd: ~\ne:\n'), { a: 'off', b: 'yes', c: true, d: null, e: null });
  assert.equal(read('\uFEFF# note\r\n---\r\na: 1 # one\r\n...\r\n'), { a: 1 });
  assert.equal(Object.keys(read('__proto__: {x: 1}\nconstructor: 1') as object), ['__proto__', 'constructor']);
  assert.is(({} as { x?: number }).x, undefined);
});

test('refuses with line, column and words what is no YAML, or more of it than a configuration needs', () => {
  const cases: [text: string, place: string, words: RegExp][] = [
    ['a: 1\na: 2\n', 'line 2, column 1', /same key/],
    ['1: a\n"1": b\n', 'line 2, column 1', /same key/],
    ['a:\n\tb: 1\n', 'line 2, column 1', /tab/],
    ['a:\n  b: 1\n\tc: 2\n', 'line 3, column 1', /tab/],
    ['a: &x 1\n', 'line 1, column 4', /anchors/],
    ['a: 1\nb: *a\n', 'line 2, column 4', /aliases/],
    ['a: !!str 1\n', 'line 1, column 4', /tags/],
    ['%YAML 1.1\n---\na: off\n', 'line 1, column 1', /directives/],
    ['a: 1\n---\nb: 2\n', 'line 2, column 1', /second document/],
    ['a: b: c\n', 'line 1, column 4', /second colon/],
    ['a: [1, 2\nb: 3\n', 'line 2, column 1', /./],
    ['a: "x\n', 'line 2, column 1', /missing/],
    ['a: @x\n', 'line 1, column 4', /reserves/],
    ['? [a]\n: b\n', 'line 1, column 3', /no word/],
    ['', 'line 1, column 1', /no fields/],
    ['# nothing\n', 'line 1, column 1', /no fields/],
    ['- a\n', 'line 1, column 1', /no fields/],
    ['just words\n', 'line 1, column 1', /no fields/],
  ];
  for (const [text, place, words] of cases) {
    const { message } = refusal(text);
    assert.ok(message.startsWith(`f.yaml, ${place}: `), `${JSON.stringify(text)}: ${message}`);
    assert.match(message, words);
  }
});

test('never repeats the text: it may be a password', () => {
  for (const text of [
    'a: *canary',
    'a: "canary\\q"',
    'a: b: canary',
    'a: @canary',
    'canary',
    '!canary a: 1',
    'a: [canary',
  ])
    assert.not.match(`${refusal(text).message} ${refusal(text).cure}`, 'canary');
});

test('bombs and damage of 256 KiB are refused, or read, in little time and memory', () => {
  const size = 256 * 1024;
  const fill = (text: string) => text.repeat(size / text.length);
  const bomb = 'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n';
  for (const unit of [
    '[',
    '{',
    '- ',
    '? ',
    ': ',
    '&a ',
    '!!',
    '%a\n',
    '---\n',
    'a: 1\n',
    '[a\n',
    ']',
    ',',
    '"a" ',
    '\n',
  ]) {
    assert.ok(refusal(fill(unit)).message.length < 200, unit);
  }
  assert.match(refusal(bomb).message, 'anchors');
  const many = Array.from({ length: 5000 }, (_, index) => `k${index}: 1`).join('\n');
  assert.match(refusal(many).message, 'more than 1000 entries');
  const steps = Array.from({ length: 60 }, (_, index) => `${' '.repeat(index)}a:`).join('\n');
  assert.match(refusal(steps).message, 'nested too deeply');
  for (const unit of ['# \t', '\u0001', ' ', 'x\n\n']) {
    try {
      read(`a: |\n ${fill(unit)}`);
    } catch (error) {
      assert.instance(error, NvrError);
    }
  }
});

test('survives random cuts and changes of a real file', () => {
  const seed = Number(process.env.THIMBLE_SEED ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  const text =
    'cameras:\n  door:\n    main: {url: "rtsp://10.0.0.2/a"}\n    password: |-\n      x: y\n  yard:\n  - [1, 2]\n';
  const signs = '{}[]:,-?&*!|>%@`"\'#\n\t \u0000\u001f\uFEFFa';
  for (let round = 0; round < 400; round++) {
    const letters = [...text];
    for (let change = random(6); change >= 0; change--) {
      letters.splice(random(letters.length), random(3), signs[random(signs.length)] ?? '');
    }
    const input = letters.slice(0, random(4) === 0 ? random(letters.length) : letters.length).join('');
    try {
      read(input);
    } catch (error) {
      assert.instance(error, NvrError, `${JSON.stringify(input)}: ${String(error)}`);
    }
  }
});

test('finds the place of a field, or of what is nearest around it', () => {
  const text = 'a:\n  b.c:\n    - x\n    - y: 1\n';
  const tree = parseYaml(new Source('f.yaml', text));
  assert.is(find(tree, 'a').offset, text.indexOf('a'));
  assert.is(find(tree, 'a.b.c.1.y').offset, text.indexOf('y'));
  assert.is(find(tree, 'a.b.c.1.z').offset, text.indexOf('y: 1'));
  assert.is(find(tree, 'a.nothing').found, undefined);
});

test.run();
