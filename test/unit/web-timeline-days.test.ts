// Days and events beyond what is loaded: the same time on another day, the weeks of a month, the event before and behind.
import * as assert from 'uvu/assert';
import { nearestMoment } from '../../web/src/timeline/days.ts';
import { eventAfter, eventBefore, type ListEvents, type Listed } from '../../web/src/timeline/jump.ts';
import { monthOf, monthWords, weekdayNames, weeksOf } from '../../web/src/timeline/month.ts';
import { inParts } from '../../web/src/timeline/parts.ts';
import { sameTime } from '../../web/src/timeline/same-time.ts';
import { suite } from '../support/suite.ts';

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 9, 26, 12);
const test = suite('timeline days');

test('the same time of the day before is 23, 24 or 25 hours away', () => {
  const noon = Date.UTC(2026, 9, 25, 11);
  assert.is(sameTime(noon, -1, 'Europe/Berlin'), noon - 25 * HOUR);
  assert.is(sameTime(noon, 1, 'Europe/Berlin'), noon + 24 * HOUR);
  const spring = Date.UTC(2026, 2, 29, 10) + 123;
  assert.is(sameTime(spring, -1, 'Europe/Berlin'), spring - 23 * HOUR);
  assert.is(sameTime(noon, -1, 'UTC'), noon - 24 * HOUR);
});

test('a month is shown in whole weeks from Monday on', () => {
  for (const [month, first, last, length] of [
    ['2026-10', '2026-09-28', '2026-11-01', 35],
    ['2027-02', '2027-02-01', '2027-02-28', 28],
    ['2026-08', '2026-07-27', '2026-09-06', 42],
  ] as const) {
    const days = weeksOf(month);
    assert.equal([days[0], days.at(-1), days.length], [first, last, length]);
  }
  assert.is(monthOf('2026-10-14'), '2026-10');
  assert.is(monthWords('2026-10'), 'October 2026');
  assert.equal(weekdayNames(), ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']);
});

test('the nearest footage of a day is where there is some, not its midnight', () => {
  const run = [NOW, NOW + HOUR] as const;
  assert.is(nearestMoment([run], NOW - 5 * HOUR), NOW);
  assert.is(nearestMoment([run], NOW + 5 * HOUR), NOW + HOUR - 10_000);
  assert.is(nearestMoment([run], NOW + 5), NOW + 5);
  assert.is(nearestMoment([run, [NOW + 3 * HOUR, NOW + 3 * HOUR + 2000]], NOW + 4 * HOUR), NOW + 3 * HOUR);
  assert.is(nearestMoment([], NOW), undefined);
});

test('more cameras than one question may name are asked for in parts', async () => {
  const many = Array.from({ length: 70 }, (_, index) => index + 1);
  const parts = await inParts(many, async part => part);
  assert.equal([parts.map(part => part.length), parts.flat()], [[32, 32, 6], many]);
  assert.equal(await inParts([], async part => part), [[]]);
});

/** Answers as the service does: newest first, in pages. */
function listing(events: Listed[]): { list: ListEvents; asked: () => number } {
  let asked = 0;
  const newest = [...events].sort((a, b) => b.startMs - a.startMs);
  const list: ListEvents = async ({ camera, startMs, endMs, limit, cursor }) => {
    asked++;
    const fitting = newest.filter(
      one => camera.includes(one.camera) && one.startMs < endMs && one.startMs + 1000 > startMs,
    );
    const from = Number(cursor ?? 0);
    const page = fitting.slice(from, from + limit);
    return from + limit < fitting.length ? { events: page, cursor: String(from + limit) } : { events: page };
  };
  return { list, asked: () => asked };
}

function event(startMs: number, label = 'person', camera = 1): Listed {
  return { id: `${camera}-${startMs}-0`, camera, startMs, labels: [label] };
}

const jump = (fromMs: number, label?: string) => ({
  ...{ cameras: [1], fromMs, nowMs: NOW },
  passes: ({ labels }: { labels: readonly string[] }) => label === undefined || labels.includes(label),
});

test('the next event is found however far away it is, and among how many', async () => {
  const months = listing([event(NOW - 100 * 24 * HOUR), event(NOW - HOUR)]);
  assert.is((await eventAfter(months.list, jump(NOW - 99 * 24 * HOUR)))?.startMs, NOW - HOUR);
  assert.ok(months.asked() < 12);
  const crowd = listing(Array.from({ length: 5000 }, (_, index) => event(NOW - 24 * HOUR + index * 10_000)));
  const fromMs = NOW - 24 * HOUR + 1234 * 10_000;
  assert.is((await eventAfter(crowd.list, jump(fromMs)))?.startMs, fromMs + 10_000);
  assert.is((await eventBefore(crowd.list, jump(fromMs)))?.startMs, fromMs - 10_000);
});

test('jumps honour the filter, other cameras, and the ends', async () => {
  const times = [10, 20, 30].map(hours => NOW - hours * HOUR);
  const [late = 0, middle = 0, early = 0] = times;
  const { list } = listing([
    event(late, 'car'),
    event(middle, 'person'),
    event(early, 'car'),
    event(middle + 5000, 'car', 2),
  ]);
  assert.is((await eventBefore(list, jump(NOW, 'person')))?.startMs, middle);
  assert.is((await eventBefore(list, jump(middle, 'car')))?.startMs, early);
  assert.is((await eventAfter(list, jump(early, 'car')))?.startMs, late);
  assert.is(await eventAfter(list, jump(late)), undefined);
  assert.is(await eventBefore(list, jump(early)), undefined);
  assert.is(await eventBefore(async () => undefined, jump(NOW)), undefined);
});

test.run();
