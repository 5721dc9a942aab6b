// Parts of the pages that need no browser: addresses, lanes, keys, texts, forms' fields, strength of passwords.
import * as assert from 'uvu/assert';
import { browserName } from '../../web/src/account/browser-name.ts';
import { strengthOf } from '../../web/src/account/password-strength.ts';
import { keyName } from '../../web/src/keys.ts';
import { Lane } from '../../web/src/lane.ts';
import { bitRate, bytes, memory, percent } from '../../web/src/quantities.ts';
import { href, matchPath, parsePlace } from '../../web/src/router.ts';
import { translate, words } from '../../web/src/words.ts';
import { suite } from '../support/suite.ts';

const test = suite('web frame');

test('addresses are taken apart, whatever stands there', () => {
  const { parts, query } = parsePlace('#/time?c=1,2&t=5&z=1%20h');
  assert.equal(parts, ['time']);
  assert.is(query.get('c'), '1,2');
  assert.is(query.get('z'), '1 h');
  assert.equal(parsePlace('').parts, []);
  assert.equal(parsePlace('#/').parts, []);
  assert.equal(parsePlace('#cam/3').parts, ['cam', '3']);
  assert.equal(parsePlace('#/a%20b/%E0%A4%A').parts, ['a b', '%E0%A4%A']);
  assert.is(parsePlace('#/x?next=/y?z=1').query.get('next'), '/y?z=1');
});

test('addresses are made so that they come back', () => {
  assert.is(href(''), '#/');
  assert.is(href('time', { c: '1,2', t: 7, z: undefined }), '#/time?c=1,2&t=7');
  assert.is(parsePlace(href('login', { next: '/time?c=1&t=2' })).query.get('next'), '/time?c=1&t=2');
});

test('paths fit their patterns and no others', () => {
  assert.equal(matchPath('cam/{id}', ['cam', '3']), { id: '3' });
  assert.equal(matchPath('', []), {});
  assert.is(matchPath('cam/{id}', ['cam']), undefined);
  assert.is(matchPath('cam/{id}', ['cam', '3', 'x']), undefined);
  assert.is(matchPath('cam/{id}', ['time', '3']), undefined);
});

test('a lane lets so many in, the oldest or the newest next', async () => {
  for (const order of ['oldest', 'newest'] as const) {
    const lane = new Lane(2, order);
    const entered: number[] = [];
    const leaves: (() => void)[] = [];
    const enter = async (index: number, signal?: AbortSignal) => {
      const leave = await lane.enter(signal);
      if (!leave) return;
      entered.push(index);
      leaves.push(leave);
    };
    const given = new AbortController();
    const all = [0, 1, 2, 3, 4].map(index => enter(index, index === 3 ? given.signal : undefined));
    await settled();
    assert.equal(entered, [0, 1]);
    given.abort();
    leaves[0]?.();
    // Leaving twice frees one place.
    leaves[0]?.();
    await settled();
    assert.equal(entered, [0, 1, order === 'oldest' ? 2 : 4]);
    assert.is(lane.busy, 2);
    leaves[1]?.();
    await settled();
    leaves[2]?.();
    leaves[3]?.();
    await Promise.all(all);
    assert.equal(entered, order === 'oldest' ? [0, 1, 2, 4] : [0, 1, 4, 2]);
    assert.is(lane.busy, 0);
    assert.is(await lane.enter(AbortSignal.abort()), undefined);
  }
});

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

test('keys have the names that tables use', () => {
  const press = (key: string, held: object = {}) =>
    keyName({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...held });
  assert.is(press('G'), 'g');
  assert.is(press('?', { shiftKey: true }), '?');
  assert.is(press('ArrowLeft', { shiftKey: true }), 'Shift+ArrowLeft');
  assert.is(press('ArrowLeft', { ctrlKey: true }), 'Ctrl+ArrowLeft');
  assert.is(press('c', { ctrlKey: true }), 'Ctrl+c');
  assert.is(press('c', { metaKey: true }), 'Ctrl+c');
});

test('texts take values and forms, and a translation lies over them', () => {
  const text = words('sample', { found: '{n} {n:camera|cameras} in {place}', plain: 'Plain' });
  assert.is(text('found', { n: 1, place: 'Yard' }), '1 camera in Yard');
  assert.is(text('found', { n: 0, place: 'Yard' }), '0 cameras in Yard');
  assert.is(text('found', { n: 2 }), '2 cameras in {place}');
  translate('pl', { sample: { found: '{n} {n:kamera|kamery|kamer|kamery}' } });
  const counts = [1, 2, 5, 22].map(n => text('found', { n }));
  assert.equal(counts, ['1 kamera', '2 kamery', '5 kamer', '22 kamery']);
  assert.is(text('plain'), 'Plain');
  translate('en', {});
});

test('amounts are written as people say them', () => {
  assert.is(bytes(999), '999 B');
  assert.is(bytes(4_200_000_000), '4.2 GB');
  assert.is(bytes(119_000_000_000), '119 GB');
  assert.is(bitRate(2_100_000), '2.1 Mb/s');
  assert.is(memory(71 * 1024 * 1024), '71 MiB');
  assert.is(percent(0.924), '92 %');
});

test('passwords are judged by what cannot be guessed from the rest', () => {
  assert.is(strengthOf('short', 'anna'), 'short');
  assert.is(strengthOf('aaaaaaaaaaaa', 'anna'), 'weak');
  assert.is(strengthOf('1234567890123', 'anna'), 'weak');
  assert.is(strengthOf('annaannaanna', 'anna'), 'weak');
  assert.is(strengthOf('horse staple', 'anna'), 'fair');
  assert.is(strengthOf('quiet Harbour, 7 thimbles', 'anna'), 'strong');
});

test('browsers are named in two words', () => {
  const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36';
  assert.is(browserName(chrome), 'Chrome on Linux');
  assert.is(browserName(`${chrome.replace('X11; Linux', 'Linux; Android 14')} Edg/126`), 'Edge on Android');
  assert.is(browserName('curl/8.1'), 'curl');
});

test.run();
