// What the pages of cameras reckon: weeks that are painted, patches of forms, addresses of makes.
import * as assert from 'uvu/assert';
import type { Camera } from '../../src/api/contract.ts';
import { draftOf, nested, pastBytes, patchOf, streamUrls } from '../../web/src/cameras/paths.ts';
import { paint, paintBetween, plainWeek, spansOf } from '../../web/src/cameras/week.ts';
import { numberOf } from '../../web/src/components/number-of.ts';
import { suite } from '../support/suite.ts';

const test = suite('web cameras');

test('paints hours of days, and the rectangle between two hours in any direction', () => {
  const week = plainWeek('c');
  assert.is(week.length, 168);
  const work = paint(week, [0, 1], 8, 18, 'e');
  assert.equal(spansOf(work, 1), [
    { from: 0, to: 8, letter: 'c' },
    { from: 8, to: 18, letter: 'e' },
    { from: 18, to: 24, letter: 'c' },
  ]);
  assert.equal(spansOf(work, 2), [{ from: 0, to: 24, letter: 'c' }]);
  const [tuesday20, wednesday22] = [1 * 24 + 20, 2 * 24 + 22];
  const forth = paintBetween(week, tuesday20, wednesday22, '-');
  assert.is(forth, paint(week, [1, 2], 20, 23, '-'));
  assert.is(paintBetween(week, wednesday22, tuesday20, '-'), forth);
  // The corners of a rectangle may also be the other two.
  assert.is(paintBetween(week, 1 * 24 + 22, 2 * 24 + 20, '-'), forth);
  assert.is(paint(week, [0, 1, 2, 3, 4, 5, 6], 0, 24, 'r'), plainWeek('r'));
});

test('numbers can be typed sign by sign, with comma or point, in the unit that is shown', () => {
  const minutes = { scale: 60_000 };
  assert.equal(
    ['1', '1.', '1.5', '1,5', ' 2 ', '', 'two'].map(text => numberOf(text, minutes)),
    [60_000, 60_000, 90_000, 90_000, 120_000, '', 'two'],
  );
  assert.is(numberOf('', { mayBeEmpty: true }), null);
  assert.is(numberOf('1.1', { scale: 1e9 }), 1_100_000_000);
});

test('makes patches of what was typed, and takes away what was emptied', () => {
  assert.equal(nested({ 'main.url': 'x', 'record.mode': 'off', name: 'y' }), {
    main: { url: 'x' },
    record: { mode: 'off' },
    name: 'y',
  });
  assert.equal(patchOf({ 'sub.url': '', hub: '', username: '' }), {
    sub: null,
    hub: null,
    username: null,
    password: null,
  });
  assert.equal(patchOf({ 'sub.url': 'rtsp://a/b' }), { sub: { url: 'rtsp://a/b' } });
  assert.equal(patchOf({ 'main.fallbackUrls': ' rtsp://a/b  rtsp://c/d ' }), {
    main: { fallbackUrls: ['rtsp://a/b', 'rtsp://c/d'] },
  });
  assert.equal(patchOf({ 'main.fallbackUrls': ' ' }), { main: { fallbackUrls: null } });
  assert.equal(patchOf({ 'also.3': true, 'also.2': false, 'events.maxMs': 60_000 }, [2, 4]), {
    events: { maxMs: 60_000, alsoTrigger: [4, 3] },
  });
});

test('fills forms from a camera, without its password', () => {
  const camera = {
    main: { url: 'rtsp://a/b', fallbackUrls: ['rtsp://c', 'rtsp://d'] },
    events: { preRollMs: 5000, alsoTrigger: [3] },
    hasPassword: true,
  } as unknown as Camera;
  assert.equal(draftOf(camera, ['main.url', 'sub.url', 'events.preRollMs', 'also.2', 'also.3', 'password']), {
    'main.url': 'rtsp://a/b',
    'sub.url': undefined,
    'events.preRollMs': 5000,
    'also.2': false,
    'also.3': true,
    password: undefined,
    hub: '',
    'main.fallbackUrls': 'rtsp://c rtsp://d',
  });
});

test('builds the addresses of a make, and leaves whole ones alone', () => {
  assert.equal(streamUrls({ address: ' 192.168.1.40/ ', make: 'Hikvision', sub: '' }), {
    main: 'rtsp://192.168.1.40/Streaming/Channels/101',
    sub: 'rtsp://192.168.1.40/Streaming/Channels/102',
  });
  assert.equal(streamUrls({ address: 'rtsp://a/b', make: 'Hikvision', sub: 'rtsp://a/c ' }), {
    main: 'rtsp://a/b',
    sub: 'rtsp://a/c',
  });
  assert.equal(streamUrls({ address: '', make: 'Reolink', sub: '' }), { main: '', sub: '' });
  assert.equal(streamUrls({ address: 'gate.local:8554/x', make: '', sub: '' }).main, 'rtsp://gate.local:8554/x');
});

test('reckons the memory of the time before events as the board does', () => {
  // Five seconds, two for late triggers, four for the key frame before, at 4 Mb/s.
  assert.is(pastBytes(5000), 5_500_000);
  assert.is(pastBytes(0, 8e6, 2000), 4_000_000);
});

test.run();
