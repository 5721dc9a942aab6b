// Zones, days of 23 and 25 hours, and how times are read and written.
import * as assert from 'uvu/assert';
import {
  addDays,
  clock,
  clockTenths,
  dateWords,
  dayOf,
  daySpan,
  dayStart,
  HOUR_MS,
  hoursOf,
  instantOf,
  isZone,
  lengthWords,
  moment,
  offsetMs,
  offsetWords,
  parseClock,
  stopwatch,
  zoneName,
} from '../../web/src/time.ts';
import { suite } from '../support/suite.ts';

const test = suite('web time');
const BERLIN = 'Europe/Berlin';
const utc = (text: string) => Date.parse(`${text}Z`);

test('check 27: days have the hours that their zone gives them', () => {
  const hours = (day: string, zone: string) => {
    const { startMs, endMs } = daySpan(day, zone);
    return (endMs - startMs) / HOUR_MS;
  };
  assert.is(hours('2026-10-24', BERLIN), 24);
  assert.is(hours('2026-10-25', BERLIN), 25);
  assert.is(hours('2026-03-29', BERLIN), 23);
  // Half an hour.
  assert.is(hours('2026-10-04', 'Australia/Lord_Howe'), 23.5);
  assert.is(hours('2026-10-25', 'UTC'), 24);
});

test('a day begins where its zone says, also where there is no midnight', () => {
  assert.is(dayStart('2026-10-25', BERLIN), utc('2026-10-24T22:00:00'));
  assert.is(dayStart('2026-11-21', 'Asia/Kathmandu'), utc('2026-11-20T18:15:00'));
  assert.is(dayStart('2026-11-21', 'Pacific/Kiritimati'), utc('2026-11-20T10:00:00'));
  assert.is(dayStart('2026-11-21', 'Pacific/Niue'), utc('2026-11-21T11:00:00'));
  // Clocks go from 23:59:59 to 1:00 there.
  const beirut = dayStart('2026-03-29', 'Asia/Beirut');
  assert.is(clock(beirut, 'Asia/Beirut'), '01:00:00');
  assert.is(dayOf(beirut - 1, 'Asia/Beirut'), '2026-03-28');
});

test('check 27: the repeated hour bears the name of the zone, the missing one is not there', () => {
  const autumn = hoursOf('2026-10-25', BERLIN).map(({ label }) => label);
  assert.is(autumn.length, 25);
  assert.equal(autumn.slice(1, 5), ['01:00', '02:00 CEST', '02:00 CET', '03:00'].map(named(BERLIN)));
  const spring = hoursOf('2026-03-29', BERLIN).map(({ label }) => label);
  assert.is(spring.length, 23);
  assert.equal(spring.slice(0, 4), ['00:00', '01:00', '03:00', '04:00']);
  const spans = hoursOf('2026-10-04', 'Australia/Lord_Howe');
  assert.is(
    spans.every(({ startMs, endMs }) => endMs > startMs && endMs - startMs <= HOUR_MS),
    true,
  );
  assert.is(spans.at(-1)?.endMs, daySpan('2026-10-04', 'Australia/Lord_Howe').endMs);
});

/** Browsers and Node name the same zone differently, as in "GMT+2". */
function named(zone: string) {
  const names: Record<string, string> = {
    CEST: zoneName(utc('2026-07-01T00:00:00'), zone),
    CET: zoneName(utc('2026-01-01T00:00:00'), zone),
  };
  return (text: string) => text.replace(/CES?T/, name => names[name] ?? name);
}

test('typed times become instants, also on the days of the change', () => {
  const at = (day: string, hour: number, later = false) => instantOf(day, hour * HOUR_MS, BERLIN, later);
  assert.is(at('2026-07-01', 14), utc('2026-07-01T12:00:00'));
  assert.is(at('2026-10-25', 2.5), utc('2026-10-25T00:30:00'));
  assert.is(at('2026-10-25', 2.5, true), utc('2026-10-25T01:30:00'));
  assert.is(at('2026-10-25', 3), utc('2026-10-25T02:00:00'));
  // Left out: the instant of the change.
  assert.is(at('2026-03-29', 2.5), utc('2026-03-29T01:00:00'));
  assert.is(at('2026-03-29', 3), utc('2026-03-29T01:00:00'));
  assert.is(at('2026-03-29', 1.5), utc('2026-03-29T00:30:00'));
});

test('every instant of a year is found again by what clocks show', () => {
  for (const zone of [BERLIN, 'America/St_Johns', 'Asia/Kolkata', 'America/Santiago']) {
    for (let ms = utc('2026-01-01T00:00:00'); ms < utc('2027-01-01T00:00:00'); ms += 5.75 * HOUR_MS) {
      const day = dayOf(ms, zone);
      const timeMs = ms + offsetMs(ms, zone) - Date.parse(`${day}T00:00:00Z`);
      const hits = [false, true].map(later => instantOf(day, timeMs, zone, later));
      assert.ok(hits.includes(ms), `${zone} ${new Date(ms).toISOString()}`);
    }
  }
});

test('reads the ways in which people write times', () => {
  const minutes = (text: string) => {
    const ms = parseClock(text);
    return ms === undefined ? undefined : ms / 60_000;
  };
  assert.is(minutes('14:05'), 845);
  assert.is(minutes('14:05:30'), 845.5);
  assert.is(minutes('1405'), 845);
  assert.is(minutes('14.05'), 845);
  assert.is(minutes('2 pm'), 840);
  assert.is(minutes('12 am'), 0);
  assert.is(minutes('12:30 p.m.'), 750);
  assert.is(minutes('7'), 420);
  for (const wrong of ['', '24:00', '14:60', '13 pm', '0 am', 'noon', '14:5', '1:2:3', '-1', '14:05:61'])
    assert.is(parseClock(wrong), undefined, wrong);
});

test('writes times', () => {
  const ms = utc('2026-10-13T12:05:20') + 450;
  assert.is(clock(ms, BERLIN), '14:05:20');
  assert.is(clock(ms, BERLIN, false), '14:05');
  assert.is(clockTenths(ms, BERLIN), '14:05:20.4');
  assert.is(dateWords(ms, BERLIN, ms), 'Tue 13 Oct');
  assert.is(dateWords(ms, BERLIN, ms, true), 'Tuesday 13 October');
  assert.match(dateWords(ms, BERLIN, utc('2027-02-01T00:00:00')), '2026');
  assert.is(moment(ms, BERLIN, ms + HOUR_MS), '14:05');
  assert.is(moment(ms, BERLIN, ms + 24 * HOUR_MS), 'Tue 13 Oct, 14:05');
  assert.is(offsetWords(ms, BERLIN), 'UTC+2');
  assert.is(offsetWords(ms, 'America/St_Johns'), 'UTC-2:30');
  assert.is(offsetWords(ms, 'UTC'), 'UTC');
});

test('writes lengths', () => {
  const words: [number, string][] = [
    [-5, '0 s'],
    [18, '18 s'],
    [60, '1 min'],
    [95, '1 min 35 s'],
    [750, '13 min'],
    [3600, '1 h'],
    [11_100, '3 h 5 min'],
    [172_800, '2 days'],
  ];
  for (const [seconds, text] of words) assert.is(lengthWords(seconds * 1000), text);
  assert.is(stopwatch(41_900), '0:41');
  assert.is(stopwatch(3_725_000), '1:02:05');
});

test('days are counted by the calendar', () => {
  assert.is(addDays('2026-02-28', 1), '2026-03-01');
  assert.is(addDays('2028-02-28', 1), '2028-02-29');
  assert.is(addDays('2026-01-01', -1), '2025-12-31');
});

test('knows which zones there are', () => {
  assert.ok(isZone(BERLIN));
  assert.not.ok(isZone('Europe/Thimble'));
});

test.run();
