// The timeline's sums: zoom and pan, requests by zoom, the ruler in its zone, fingers, the range to export, the address.
import * as assert from 'uvu/assert';
import { isAt, parseAddress, timelineAddress } from '../../web/src/timeline/address.ts';
import { fineness, fling, Trail } from '../../web/src/timeline/gesture.ts';
import { ticksOf } from '../../web/src/timeline/ruler.ts';
import { insideOf, LONGEST_EXPORT_MS, moved, selected, sizeOf } from '../../web/src/timeline/selection.ts';
import {
  centredOn,
  LEVELS,
  levelOf,
  parseSpan,
  showing,
  spanName,
  stepSpan,
  timeAt,
  xOf,
  zoomAt,
} from '../../web/src/timeline/view.ts';
import { grainOf, windowsOf } from '../../web/src/timeline/windows.ts';
import { suite } from '../support/suite.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 9, 14, 12, 5, 20);
const test = suite('timeline view');

test('zooming keeps the time under the pointer at its place, at all nine steps and back', () => {
  for (const x of [0, 137, 720, 1439]) {
    let view = centredOn(NOW, 24 * HOUR);
    const anchorMs = timeAt(view, 1440, x);
    for (let steps = 0; steps < 8; steps++) {
      view = zoomAt(view, anchorMs, stepSpan(view.spanMs, 1));
      assert.ok(Math.abs(xOf(view, 1440, anchorMs) - x) < 0.01);
    }
    assert.is(view.spanMs, 60_000);
    for (let steps = 0; steps < 8; steps++) view = zoomAt(view, anchorMs, stepSpan(view.spanMs, -1));
    assert.is(view.spanMs, 24 * HOUR);
    assert.ok(Math.abs(xOf(view, 1440, anchorMs) - x) < 0.01);
  }
});

test('no zoom goes beyond a day or below a minute', () => {
  const view = centredOn(NOW, 2 * HOUR);
  assert.is(zoomAt(view, NOW, 90 * HOUR).spanMs, 24 * HOUR);
  assert.is(zoomAt(view, NOW, 10).spanMs, 60_000);
  assert.is(stepSpan(60_000, 1), 60_000);
  assert.is(stepSpan(24 * HOUR, -1), 24 * HOUR);
  assert.is(stepSpan(1.5 * HOUR, 1), HOUR);
  assert.is(stepSpan(1.5 * HOUR, -1), 2 * HOUR);
});

test('an address that was just written leads to where the reader is, with several cameras too', () => {
  const written = timelineAddress({ cameras: [1, 2], timeMs: NOW, spanMs: HOUR });
  assert.ok(isAt(written, new URLSearchParams(`c=1,2&t=${NOW}&z=1h`)));
  assert.not.ok(isAt(written, new URLSearchParams(`c=1,2&t=${NOW + 1}&z=1h`)));
});

test('zooms have names in addresses, those in between their seconds', () => {
  for (const [index, level] of LEVELS.entries()) {
    assert.is(parseSpan(spanName(level.spanMs)), level.spanMs);
    assert.is(levelOf(level.spanMs), index);
  }
  assert.is(parseSpan(spanName(4_830_000)), 4_830_000);
  for (const bad of ['', '3h', '99999999s', '-60s', '1', undefined]) assert.is(parseSpan(bad), undefined);
  assert.is(parseSpan('10s'), 60_000);
});

test('a time outside is brought into view by moving no further than needed', () => {
  const view = { startMs: 1000 * HOUR, spanMs: HOUR };
  assert.is(showing(view, 1000 * HOUR + 5), view);
  assert.is(showing(view, 999 * HOUR).startMs, 999 * HOUR - HOUR / 10);
  const later = showing(view, 1001 * HOUR);
  assert.is(later.startMs + later.spanMs, 1001 * HOUR + HOUR / 10);
});

test('requests are cut at round times of UTC, a few hundred buckets each, the middle of the view first', () => {
  for (const { spanMs } of LEVELS) {
    const { bucketMs, windowMs } = grainOf(spanMs);
    assert.is(windowMs / bucketMs, 720);
    const windows = windowsOf({ startMs: NOW, spanMs });
    assert.ok(windows.length >= 1 && windows.length <= 3);
    for (const startMs of windows) assert.is(startMs % windowMs, 0);
    const sorted = [...windows].sort((a, b) => a - b);
    assert.ok((sorted[0] ?? 0) <= NOW && (sorted.at(-1) ?? 0) + windowMs >= NOW + spanMs);
  }
  const [first] = windowsOf({ startMs: NOW - (NOW % (24 * HOUR)) - HOUR, spanMs: 24 * HOUR });
  assert.is(first, NOW - (NOW % (24 * HOUR)));
});

test('the ruler shows round times of the zone, never closer than they can be read', () => {
  for (const zone of ['Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns', 'UTC']) {
    for (const { spanMs } of LEVELS) {
      const view = centredOn(NOW, spanMs);
      for (const width of [320, 1440]) {
        const ticks = ticksOf(view, width, zone, NOW);
        assert.ok(ticks.length > 1, `${zone} ${spanMs}`);
        for (const [index, { timeMs }] of ticks.entries()) {
          const before = ticks[index - 1];
          if (before) assert.ok(xOf(view, width, timeMs) - xOf(view, width, before.timeMs) >= 71.9);
        }
      }
    }
  }
  const labels = ticksOf(centredOn(NOW, HOUR), 800, 'Asia/Kathmandu', NOW).map(tick => tick.label);
  assert.equal(labels, ['17:30', '17:40', '17:50', '18:00', '18:10', '18:20']);
});

test('an hour that comes twice has its zone beside it, and one that is left out has no mark', () => {
  const autumn = { startMs: Date.UTC(2026, 9, 24, 22), spanMs: 6 * HOUR };
  const names = ticksOf(autumn, 600, 'Europe/Berlin', NOW).map(tick => tick.label);
  assert.equal(names, ['Sun 25 Oct', '01:00', '02:00 CEST', '02:00 CET', '03:00', '04:00']);
  const spring = { startMs: Date.UTC(2026, 2, 28, 23), spanMs: 4 * HOUR };
  const jumped = ticksOf(spring, 400, 'Europe/Berlin', NOW).map(tick => tick.label);
  assert.equal(jumped, ['Sun 29 Mar', '01:00', '03:00', '04:00']);
});

test('a finger that moves away from the lanes is four and sixteen times finer', () => {
  assert.equal([0, 63, 64, 127, 128, 500].map(fineness), [1, 1, 4, 4, 16, 16]);
});

test('a fling begins with the speed of the finger, slows down and ends', () => {
  const trail = new Trail();
  for (let ms = 0; ms <= 200; ms += 20) trail.add(ms * 2, ms);
  assert.ok(Math.abs(trail.speed(200) - 2) < 1e-9);
  assert.is(trail.speed(400), 0);
  let before = 0;
  let lastStep = Number.POSITIVE_INFINITY;
  for (let ms = 16; ms < 5000; ms += 16) {
    const { wayPx, ended } = fling(2, ms);
    assert.ok(wayPx > before && wayPx - before < lastStep);
    lastStep = wayPx - before;
    before = wayPx;
    if (ended) return;
  }
  assert.unreachable('it never ended');
});

test('check 32: handles that cross change places, and a range stays between a second and a day', () => {
  assert.equal(selected(500_000, 100_000), { inMs: 100_000, outMs: 500_000 });
  assert.equal(selected(5000, 5000), { inMs: 5000, outMs: 6000 });
  const range = { inMs: 100_000, outMs: 500_000 };
  assert.equal(moved(range, 'in', 600_000), { range: { inMs: 500_000, outMs: 600_000 }, handle: 'out' });
  assert.equal(moved(range, 'out', 90_000), { range: { inMs: 90_000, outMs: 100_000 }, handle: 'in' });
  // The other one stays where it is, however near they come on the way.
  let [held, way]: ['in' | 'out', typeof range] = ['in', range];
  for (let toMs = 490_000; toMs <= 510_000; toMs += 300) {
    ({ handle: held, range: way } = moved(way, held, toMs));
    assert.is(held === 'in' ? way.outMs : way.inMs, 500_000, `${toMs}`);
    assert.ok(way.outMs - way.inMs >= 1000);
  }
  assert.is(held, 'out');
  assert.equal(moved({ inMs: 4000, outMs: 5000 }, 'in', 5000), { range: { inMs: 5000, outMs: 6000 }, handle: 'out' });
  assert.equal(moved({ inMs: 4000, outMs: 5000 }, 'out', 4000), { range: { inMs: 3000, outMs: 4000 }, handle: 'in' });
  const far = moved(range, 'out', 100_000 + 30 * HOUR);
  assert.is(far.range.outMs - far.range.inMs, LONGEST_EXPORT_MS);
  const back = moved({ inMs: 100 * HOUR, outMs: 101 * HOUR }, 'in', 10 * HOUR);
  assert.equal(back.range, { inMs: 77 * HOUR, outMs: 101 * HOUR });
});

test('what is really inside a range, why the rest is missing, and its size', () => {
  const range = { inMs: 0, outMs: 300_000 };
  const inside = insideOf(
    range,
    [
      [-50_000, 100_000],
      [150_000, 400_000],
    ],
    [{ startMs: 100_000, endMs: 150_000, reason: 'offline' }],
  );
  assert.equal(inside, { footageMs: 250_000, absent: [{ reason: 'offline', ms: 50_000 }] });
  assert.equal(insideOf(range, [], [{ startMs: 200_000, reason: 'disk-full' }]).absent, [
    { reason: 'disk-full', ms: 100_000 },
  ]);
  const segments = [
    { startMs: -100_000, endMs: 100_000, sizeBytes: 1000 },
    { startMs: 100_000, endMs: 200_000, sizeBytes: 700 },
    { startMs: 300_000, endMs: 400_000, sizeBytes: 9000 },
  ];
  assert.is(sizeOf(range, segments), 1200);
});

test('the address holds pictures, time, zoom and range; what cannot be read is left out', () => {
  const whole = { cameras: [2, 1], timeMs: NOW, spanMs: 7_200_000, selection: { inMs: NOW, outMs: NOW + 60_000 } };
  const text = timelineAddress(whole);
  assert.is(text, `#/time?c=2,1&t=${NOW}&z=2h&in=${NOW}&out=${NOW + 60_000}`);
  assert.equal(parseAddress(new URLSearchParams(text.slice('#/time?'.length))), whole);
  const bad = 'c=0,-1,x,3,3,1e9999,4,5,6,7&t=-5&z=year&in=7&out=soon';
  assert.equal(parseAddress(new URLSearchParams(bad)), { cameras: [3, 4, 5, 6] });
  assert.is(timelineAddress({ cameras: [] }), '#/time');
});

test.run();
