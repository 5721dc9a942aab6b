// Days of time zones: of 23 and 25 hours, without a midnight, and left out altogether.
import * as assert from 'uvu/assert';
import { ZoneDays } from '../../src/api/zone-days.ts';
import { suite } from '../support/suite.ts';

const test = suite('days of a time zone');

const HOUR_MS = 3_600_000;

function day(zone: string, at: string): [date: string, start: string, hours: number] {
  const { date, startMs, endMs } = new ZoneDays(zone).of(Date.parse(at));
  return [date, new Date(startMs).toISOString(), (endMs - startMs) / HOUR_MS];
}

test('ordinary days', () => {
  assert.equal(day('UTC', '2026-03-01T12:00:00Z'), ['2026-03-01', '2026-03-01T00:00:00.000Z', 24]);
  assert.equal(day('Asia/Kathmandu', '2026-03-01T20:00:00Z'), ['2026-03-02', '2026-03-01T18:15:00.000Z', 24]);
  assert.equal(day('Pacific/Kiritimati', '2026-03-01T12:00:00Z'), ['2026-03-02', '2026-03-01T10:00:00.000Z', 24]);
});

test('the first and the last moment of a day are its own', () => {
  const zone = new ZoneDays('Europe/Berlin');
  const { startMs, endMs } = zone.of(Date.parse('2026-06-01T12:00:00Z'));
  assert.is(zone.of(startMs).startMs, startMs);
  assert.is(zone.of(endMs - 1).startMs, startMs);
  assert.is(zone.of(endMs).startMs, endMs);
});

test('check 27: clocks that change', () => {
  assert.equal(day('Europe/Berlin', '2026-03-29T12:00:00Z'), ['2026-03-29', '2026-03-28T23:00:00.000Z', 23]);
  assert.equal(day('Europe/Berlin', '2026-10-25T12:00:00Z'), ['2026-10-25', '2026-10-24T22:00:00.000Z', 25]);
  // Clocks went from 0:00 to 1:00: the day begins at one.
  assert.equal(day('America/Sao_Paulo', '2018-11-04T12:00:00Z'), ['2018-11-04', '2018-11-04T03:00:00.000Z', 23]);
  // Samoa left out 30 December 2011.
  assert.equal(day('Pacific/Apia', '2011-12-30T08:00:00Z')[0], '2011-12-29');
  assert.equal(day('Pacific/Apia', '2011-12-30T12:00:00Z')[0], '2011-12-31');
});

test('a zone that nobody knows', () => {
  assert.throws(
    () => new ZoneDays('Europe/Atlantis'),
    (error: unknown) => error instanceof RangeError,
  );
});

test.run();
