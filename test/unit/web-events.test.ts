// The events page without its looks: filters in the address, the list and its pill, marks that wait for the service.
import * as assert from 'uvu/assert';
import type { Event } from '../../src/api/contract.ts';
import { Feed } from '../../web/src/events/feed.ts';
import { type Mark, MarkQueue, type Sent } from '../../web/src/events/mark-queue.ts';
import { askedFor, countOf, eventsAddress, parseFilters, passes } from '../../web/src/events/query.ts';
import { suite } from '../support/suite.ts';

const test = suite('events page');

function event(id: string, fields: Partial<Event> = {}): Event {
  const [camera = '1', startMs = '0'] = id.split('-');
  return {
    ...{ id, camera: Number(camera), startMs: Number(startMs), endMs: Number(startMs) + 5000 },
    ...{ labels: [], zones: [], sources: ['http'], boxes: [], postRollMs: 0, locked: false, reviewed: false },
    preRoll: { promisedMs: 5000, deliveredMs: 5000 },
    ...fields,
  };
}

test('filters survive the address, and nonsense in it is no filter', () => {
  for (const filters of [
    { all: false },
    { all: true, camera: 3, label: 'a & b', locked: true, startMs: 5, endMs: 6 },
    { all: true, label: 'person' },
  ]) {
    const text = eventsAddress(filters);
    assert.ok(text.startsWith('#/events'));
    assert.equal(parseFilters(new URLSearchParams(text.split('?')[1] ?? '')), filters);
  }
  const bad = 'show=everything&camera=-4&label=&locked=yes&startMs=9&endMs=8';
  assert.equal(parseFilters(new URLSearchParams(bad)), { all: false });
  assert.is(countOf({ all: true, camera: 1, label: 'x', locked: true, startMs: 1, endMs: 2 }), 4);
  assert.is(countOf({ all: false }), 0);
});

test('the service is asked for the unseen ones unless all are wanted', () => {
  assert.equal(askedFor({ all: false }), { limit: 30, reviewed: false });
  assert.equal(askedFor({ all: true, camera: 2, locked: true }, 'c'), {
    limit: 30,
    camera: [2],
    locked: true,
    cursor: 'c',
  });
});

test('what comes in is counted when it passes the filters', () => {
  const one = event('2-100-0', { labels: ['person'] });
  assert.ok(passes({ all: false }, one));
  assert.not.ok(passes({ all: false }, { ...one, reviewed: true }));
  assert.not.ok(passes({ all: true, camera: 1 }, one));
  assert.not.ok(passes({ all: true, label: 'car' }, one));
  assert.not.ok(passes({ all: true, locked: true }, one));
  assert.ok(passes({ all: true, startMs: 50, endMs: 150 }, one));
  assert.not.ok(passes({ all: true, startMs: 0, endMs: 100 }, one));
});

test('new events are counted and never move the list; pages are joined without doubles', () => {
  const feed = new Feed();
  feed.begin([event('1-30-0'), event('1-20-0')], 60_035);
  for (const id of ['1-40-0', '1-40-0', '1-30-0']) feed.arrive(event(id));
  feed.arrive(event('1-34-0'));
  assert.is(feed.arrived, 1, 'an old event of which something is said is no news');
  feed.append([event('1-20-0'), event('1-10-0')]);
  assert.equal(
    feed.events.map(one => one.id),
    ['1-30-0', '1-20-0', '1-10-0'],
  );
  feed.patch('1-20-0', { reviewed: true });
  assert.is(feed.get('1-20-0')?.reviewed, true);
  feed.remove('1-40-0');
  assert.is(feed.arrived, 0);
  feed.remove('1-20-0');
  feed.append([event('1-5-0')]);
  feed.putBack([event('1-20-0')]);
  assert.equal(
    feed.events.map(one => one.id),
    ['1-30-0', '1-20-0', '1-10-0', '1-5-0'],
    'what came meanwhile stays',
  );
  feed.append(Array.from({ length: 5000 }, (_, index) => event(`2-${index}-0`)));
  assert.is(feed.events.length, feed.most);
});

function queue(answers: Sent[]): { marks: MarkQueue; sent: Mark[]; refused: Mark[] } {
  const sent: Mark[] = [];
  const refused: Mark[] = [];
  const send = async (mark: Mark): Promise<Sent> => {
    sent.push(mark);
    return answers.shift() ?? 'done';
  };
  return { marks: new MarkQueue(send, mark => refused.push(mark)), sent, refused };
}

test('marks wait while the service cannot be reached, and go out in order', async () => {
  const { marks, sent } = queue(['later']);
  marks.add({ id: 'a', change: { reviewed: true } });
  marks.add({ id: 'b', change: { locked: true } });
  await marks.flush();
  assert.is(marks.waiting, 2);
  assert.ok(marks.add({ id: 'a', change: { locked: true } }));
  assert.is(marks.waiting, 2, 'two marks of one event are one');
  await marks.flush();
  assert.is(marks.waiting, 0);
  assert.equal(sent.slice(1), [
    { id: 'a', change: { reviewed: true, locked: true } },
    { id: 'b', change: { locked: true } },
  ]);
});

test('at most 100 marks wait; a refused one is told of and stops no other', async () => {
  const { marks, refused } = queue(['refused']);
  for (let n = 0; n < 100; n++) assert.ok(marks.add({ id: `${n}`, change: { reviewed: true } }));
  assert.not.ok(marks.add({ id: 'one more', change: { reviewed: true } }));
  await marks.flush();
  assert.equal(
    refused.map(mark => mark.id),
    ['0'],
  );
  assert.is(marks.waiting, 0);
});

test.run();
