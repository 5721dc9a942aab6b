// The events table over an index in memory: what is kept of an event, lists, footage of events, commits.
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Database } from '../../src/storage/database.ts';
import { type EventFields, type EventQuery, eventId, parseEventId, type StoredEvent } from '../../src/storage/event.ts';
import { boundEvent, decodeEvent, encodeEvent } from '../../src/storage/event-codec.ts';
import { EventTable } from '../../src/storage/events.ts';
import { eventKey } from '../../src/storage/keys.ts';
import { encodeRow } from '../../src/storage/rows.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { MemoryIndex } from './storage-memory-index.ts';

const test = suite('storage: events');
const T0 = Date.UTC(2026, 0, 2, 3, 0, 0);
const MINUTE_MS = 60_000;

async function setUp(index = new MemoryIndex(), footage: [number, number][] = [], footageKnown = true) {
  const log = fakeLog('storage');
  const clock = new FakeClock(T0);
  const commits: number[] = [];
  const database = new Database({
    open: () => index,
    clock,
    log: log.logger,
    maxBytes: 1e9,
    onStep: step => {
      if (step === 'index-commit') commits.push(clock.monotonicMs());
    },
    onHealth: () => undefined,
  });
  database.start();
  const pictures: string[] = [];
  const freed: number[] = [];
  const events = new EventTable({
    database,
    segments: {
      footage: (camera, startMs, endMs) =>
        footage
          .filter(([from, to]) => camera === 1 && from < endMs && to > startMs)
          .map(([from, to]) => [Math.max(from, startMs), Math.min(to, endMs)]),
      last: () => undefined,
      noteEvents: (_, fromMs) => freed.push(fromMs),
    },
    footageKnown: () => footageKnown,
    onLocked: () => undefined,
    pictures: { remove: key => pictures.push(eventId(key)), pathOf: key => join('/pictures', eventId(key)) },
    clock,
    log: log.logger,
  });
  await events.load();
  return { index, database, events, clock, log, commits, pictures, freed };
}

type World = Awaited<ReturnType<typeof setUp>>;

function ids(world: World, query: Partial<EventQuery> = {}): string[] {
  return world.events.list({ limit: 1000, ...query }).events.map(event => event.id);
}

const RICH: EventFields = {
  endMs: T0 + 5000,
  labels: ['person', 'dog'],
  zones: ['door'],
  sources: ['onvif', 'detection'],
  score: 0.875,
  boxes: [
    { label: 'person', box: [0.1, 0.2, 0.3, 0.4], score: 0.5, atMs: T0 + 100 },
    { box: [0, 0, 1, 1], atMs: T0 - 40 },
  ],
  preRoll: { promisedMs: 5000, deliveredMs: 4800 },
  postRollMs: 10_000,
  picture: { atMs: T0 + 40, width: 640, height: 360, sizeBytes: 31_000 },
  locked: true,
  reviewedBy: { all: false, users: [3, 64_000, 1] },
  note: 'the postman',
  payload: '{"a":1}',
  continues: `1-${T0 - 1000}-0`,
};

test('an event reads as it was written, before and after the commit and a restart', async () => {
  const world = await setUp();
  const created = world.events.create(1, T0, RICH);
  assert.equal(created, { ...RICH, id: `1-${T0}-0`, camera: 1, startMs: T0 } as StoredEvent);
  assert.equal(world.events.get(created.id), created);
  await world.database.flush();
  assert.equal(world.events.get(created.id), created);
  const again = await setUp(world.index);
  assert.equal(again.events.get(created.id), created);
  assert.equal(ids(again), [created.id]);
});

test('values are bounded, and what cannot be kept is refused', async () => {
  const { events } = await setUp();
  const long = 'x'.repeat(40);
  const many = Array.from({ length: 30 }, (_, n) => `label ${n}`);
  const event = events.create(1, T0, {
    labels: [long, long, '', ...many],
    score: 7,
    boxes: Array.from({ length: 9 }, () => ({ box: [-1, 0.123456, 2, 0.5] as const, atMs: T0 })).map(box => ({
      ...box,
      box: [...box.box] as [number, number, number, number],
    })),
    preRoll: { promisedMs: 1e9, deliveredMs: -5 },
    postRollMs: 0.4,
    endMs: T0 - 100,
    note: '',
  });
  assert.equal(event.labels.length, 16);
  assert.is(event.labels[0], 'x'.repeat(32));
  assert.is(event.labels[1], 'label 0');
  assert.is(event.score, 1);
  assert.is(event.boxes.length, 8);
  assert.equal(event.boxes[0]?.box, [0, 0.1235, 1, 0.5]);
  assert.equal(event.preRoll, { promisedMs: 60_000, deliveredMs: 0 });
  assert.equal([event.postRollMs, event.endMs, event.note], [0, T0, undefined]);
  assert.equal(events.get(event.id), event);
  const refused: EventFields[] = [
    { note: 'x'.repeat(501) },
    { payload: 'ü'.repeat(513) },
    { score: Number.NaN },
    { continues: 'x' },
  ];
  for (const fields of refused) {
    assert.throws(
      () => events.create(1, T0, fields),
      (error: { kind: string }) => error.kind === 'invalid-argument',
    );
    assert.throws(
      () => events.update(event.id, fields),
      (error: { kind: string }) => error.kind === 'invalid-argument',
    );
  }
  for (const startMs of [-1, 0.5, Number.NaN, 1e15]) assert.throws(() => events.create(1, startMs));
  assert.is(events.list({ limit: 10 }).events.length, 1);
});

test('ids are read strictly', () => {
  assert.equal(parseEventId(`7-${T0}-3`), { camera: 7, startMs: T0, n: 3 });
  const bad = [
    '',
    '0-1-0',
    '1-1',
    '1-1-1-1',
    '01-1-0',
    '1-01-0',
    '1-1-00',
    '1-1-65536',
    '1--1-0',
    '1-999999999999999-0',
  ];
  for (const id of [...bad, ' 1-1-0', '1-1-0\n', '1-1-x', '1234567890-1-0', '1-1e3-0']) {
    assert.is(parseEventId(id), undefined, id);
  }
});

test('damaged and hostile rows are told from events', () => {
  const key = { camera: 1, startMs: T0, n: 0 };
  const row = encodeEvent(boundEvent(key, RICH));
  for (let at = 0; at < row.length; at++) {
    const damaged = Buffer.from(row);
    damaged[at] = (damaged[at] as number) ^ 0x10;
    assert.is(decodeEvent(key, damaged), undefined, `byte ${at}`);
    assert.is(decodeEvent(key, row.subarray(0, at)), undefined, `${at} bytes`);
  }
  const good = [0, [], [], 0, null, [], 0, 0, 0, null, 0, null, null, null, null] as unknown[];
  assert.ok(decodeEvent(key, encodeRow(good)));
  const bad: [number, unknown][] = [
    [0, 'x'],
    [0, 1.5],
    [1, 'person'],
    [1, [1]],
    [2, {}],
    [3, '1'],
    [4, 'x'],
    [5, [1]],
    [5, [['x', 1, 2, 3]]],
    [5, [[5, 1, 2, 3, 4, null, 0]]],
    [6, null],
    [9, [1]],
    [9, [1, 2, 3, '4']],
    [10, null],
    [11, 7],
    [11, 'x'.repeat(501)],
    [12, 'x'.repeat(2000)],
    [13, 'nothing'],
    [14, 1],
    [14, ['1']],
    [14, [1, -2]],
    [14, [1.5]],
  ];
  for (const [at, value] of bad) {
    assert.is(decodeEvent(key, encodeRow(good.with(at, value))), undefined, `${at} = ${JSON.stringify(value)}`);
  }
  for (const value of [null, 7, 'x', {}, [], [[]]]) assert.is(decodeEvent(key, encodeRow(value)), undefined);
});

test('changes, and ends taken back', async () => {
  const { events } = await setUp();
  const { id } = events.create(1, T0, { labels: ['car'], note: 'x', score: 0.5 });
  assert.is(events.update(id, { endMs: T0 + 10, reviewedBy: { all: false, users: [2] } })?.endMs, T0 + 10);
  const open = events.update(id, { endMs: null, score: null, note: '', labels: [] });
  assert.equal(
    [open?.endMs, open?.score, open?.note, open?.labels, open?.reviewedBy.users],
    [undefined, undefined, undefined, [], [2]],
  );
  assert.equal(events.ongoing(), [open]);
  assert.is(events.update('1-5-0', { locked: true }), undefined);
  assert.is(events.update('nonsense', { locked: true }), undefined);
  assert.is(events.get('nonsense'), undefined);
  assert.not.ok(events.remove('1-5-0'));
});

test('events of the same moment have numbers; a removed one is gone with its picture', async () => {
  const world = await setUp();
  const made = Array.from({ length: 3 }, () => world.events.create(2, T0).id);
  assert.equal(made, [`2-${T0}-0`, `2-${T0}-1`, `2-${T0}-2`]);
  assert.ok(world.events.remove(`2-${T0}-1`));
  assert.equal(ids(world), [`2-${T0}-2`, `2-${T0}-0`]);
  assert.equal(world.pictures, [`2-${T0}-1`]);
  assert.is(world.events.create(2, T0).id, `2-${T0}-3`);
  assert.is(world.events.picturePath(`2-${T0}-3`), `/pictures/2-${T0}-3`);
});

/** Over several cameras and parts of the directory, in random order. */
function fill(world: World, count: number, seed: number): StoredEvent[] {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const labels = ['person', 'car', 'dog', 'cat', 'parcel'];
  return Array.from({ length: count }, () => {
    const startMs = T0 + random(count) * 1000;
    return world.events.create(1 + random(3), startMs, {
      ...(random(50) === 0 ? {} : { endMs: startMs + random(5000) }),
      labels: [labels[random(5)] as string, labels[random(5)] as string],
      zones: random(2) === 0 ? ['door'] : ['garden'],
      sources: random(2) === 0 ? ['motion'] : ['http', 'mqtt'],
      score: random(1001) / 1000,
      reviewedBy: { all: random(10) === 0, users: [1, 5, 6, 70].filter(() => random(3) === 0) },
      locked: random(10) === 0,
      preRoll: { promisedMs: random(10_000), deliveredMs: 0 },
      postRollMs: random(10_000),
    });
  });
}

function newestFirst(a: StoredEvent, b: StoredEvent): number {
  const [left, right] = [parseEventId(a.id), parseEventId(b.id)];
  if (!left || !right) throw new Error('no id');
  return right.startMs - left.startMs || right.camera - left.camera || right.n - left.n;
}

test('lists agree with a plain search, whatever the filters, page by page', async () => {
  const seed = Date.now() >>> 0;
  const world = await setUp();
  const all = fill(world, 1200, seed).sort(newestFirst);
  await world.database.flush();
  const [from, to] = [T0 + 200_000, T0 + 700_000];
  const queries: [Partial<EventQuery>, (event: StoredEvent) => boolean][] = [
    [{}, () => true],
    [{ cameras: [2] }, event => event.camera === 2],
    [{ cameras: [3, 1, 3, 9] }, event => event.camera !== 2],
    [{ label: 'cat' }, event => event.labels.includes('cat')],
    [{ label: 'unicorn' }, () => false],
    [{ zone: 'door', source: 'mqtt' }, event => event.zones.includes('door') && event.sources.includes('mqtt')],
    ...[1, 2, 5, 6, 7, 70].flatMap((user): [Partial<EventQuery>, (event: StoredEvent) => boolean][] => [
      [
        { reviewed: { user, is: false }, locked: true },
        event => event.reviewedBy.users.includes(user) === event.reviewedBy.all && event.locked,
      ],
      [
        { reviewed: { user, is: true }, locked: false },
        event => event.reviewedBy.users.includes(user) !== event.reviewedBy.all && !event.locked,
      ],
    ]),
    [
      { startMs: from, endMs: to },
      event => event.startMs < to && ((event.endMs ?? 1e15) > from || event.startMs >= from),
    ],
    [{ endMs: T0 }, () => false],
  ];
  for (const [query, matches] of queries) {
    const expected = all.filter(matches).map(event => event.id);
    assert.equal(ids(world, { ...query, limit: 5000 }), expected, `${JSON.stringify(query)}, seed ${seed}`);
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = world.events.list({ ...query, limit: 37, ...(cursor === undefined ? {} : { cursor }) });
      assert.ok(page.events.length <= 37);
      paged.push(...page.events.map(event => event.id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    assert.equal(paged, expected, `pages of ${JSON.stringify(query)}, seed ${seed}`);
  }
  for (const cursor of ['', 'x', '1-2', '1-2-3-4', `${T0}-main-0`]) {
    assert.throws(
      () => world.events.list({ limit: 1, cursor }),
      (error: { field: string }) => error.field === 'cursor',
    );
  }
});

test('the directory follows changes and removals, and is as good after a restart', async () => {
  const seed = Date.now() >>> 0;
  const world = await setUp();
  let all = fill(world, 600, seed);
  for (const [n, event] of all.entries()) if (n % 3 === 0) world.events.remove(event.id);
  all = all.filter((_, n) => n % 3 !== 0);
  all = all.map((event, n) =>
    n % 4 === 0 ? (world.events.update(event.id, { labels: ['tree'], locked: true }) ?? event) : event,
  );
  all.sort(newestFirst);
  await world.database.flush();
  const again = await setUp(world.index);
  for (const one of [world, again]) {
    assert.equal(
      ids(one),
      all.map(event => event.id),
      `seed ${seed}`,
    );
    assert.equal(
      ids(one, { label: 'tree' }),
      all.filter(event => event.labels.includes('tree')).map(event => event.id),
    );
    for (const camera of [1, 2, 3]) {
      for (const [from, to] of [
        [T0 + 100_000, T0 + 130_000],
        [T0, T0 + 1],
        [T0 + 599_000, T0 + 900_000],
      ] as const) {
        const expected = all
          .filter(event => event.camera === camera)
          .filter(event => event.startMs - event.preRoll.promisedMs < to)
          .filter(event => (event.endMs === undefined ? 1e15 : event.endMs + event.postRollMs) > from)
          .map(event => event.id)
          .reverse();
        if (one === world)
          assert.equal(
            one.events.overlapping(camera, from, to).map(event => event.id),
            expected,
            `seed ${seed}`,
          );
      }
    }
  }
  assert.equal(again.events.ongoing(), [], 'a start ends what went on');
});

test('a damaged directory is made anew from the events, a damaged event goes alone', async () => {
  const world = await setUp();
  const all = fill(world, 300, 7).sort(newestFirst);
  await world.database.flush();
  const [part] = world.index.range('event-times', { from: Buffer.alloc(1), to: Buffer.alloc(13, 0xff), limit: 1 });
  await world.index.write([{ table: 'event-times', key: part?.key ?? Buffer.alloc(0), value: Buffer.from('damaged') }]);
  const [lost] = all;
  const parsed = lost && parseEventId(lost.id);
  if (!parsed) throw new Error('no event');
  await world.index.write([{ table: 'events', key: eventKey(parsed), value: Buffer.from('damaged too') }]);
  const again = await setUp(world.index);
  assert.equal(
    ids(again),
    all.slice(1).map(event => event.id),
  );
  assert.ok(again.log.messages('error').length > 0);
  await again.database.flush();
  const third = await setUp(world.index);
  assert.equal(third.log.messages('error'), []);
  const next = all[1] && parseEventId(all[1].id);
  if (!next) throw new Error('no event');
  await world.index.write([{ table: 'events', key: eventKey(next), value: Buffer.from('damaged') }]);
  const fourth = await setUp(world.index);
  assert.equal(
    ids(fourth),
    all.slice(2).map(event => event.id),
  );
  await fourth.clock.advance(2000);
  const fifth = await setUp(world.index);
  assert.equal(
    ids(fifth),
    all.slice(2).map(event => event.id),
  );
  assert.equal(fifth.log.messages('error'), [], 'the event left the directory too');
});

test('the footage of events is joined, and knows what is locked', async () => {
  const { events } = await setUp();
  events.create(1, T0, { endMs: T0 + 1000, preRoll: { promisedMs: 5000, deliveredMs: 0 }, postRollMs: 2000 });
  events.create(1, T0 + 4000, { endMs: T0 + 5000, preRoll: { promisedMs: 1000, deliveredMs: 1000 } });
  const locked = events.create(1, T0 + MINUTE_MS, { endMs: T0 + 2 * MINUTE_MS, locked: true });
  const going = events.create(1, T0 + 5 * MINUTE_MS);
  const end = T0 + 60 * MINUTE_MS;
  assert.equal(events.footage(1, T0 - MINUTE_MS, end), [
    [T0 - 5000, T0 + 5000],
    [T0 + MINUTE_MS, T0 + 2 * MINUTE_MS],
    [T0 + 5 * MINUTE_MS, end],
  ]);
  assert.equal(events.footage(1, T0, end, 'locked'), [[T0 + MINUTE_MS, T0 + 2 * MINUTE_MS]]);
  assert.equal(events.footage(1, T0 + 1, T0 + 2), [[T0 + 1, T0 + 2]]);
  assert.equal(events.footage(2, T0, end), []);
  events.remove(locked.id);
  events.update(going.id, { endMs: going.startMs });
  assert.equal(events.footage(1, T0 + MINUTE_MS, end).length, 1);
});

test('the strongest of a time, and how many more', async () => {
  const { events } = await setUp();
  const made = [0.2, 0.9, 0.9, 0.1].map((score, n) =>
    events.create(1, T0 + n * 1000, { endMs: T0 + n * 1000 + (n === 2 ? 900 : 500), score, postRollMs: MINUTE_MS }),
  );
  const strongest = (startMs: number, endMs: number, most: number) => {
    const { events: found, more } = events.between(1, startMs, endMs, most);
    return [found.map(event => made.findIndex(other => other.id === event.id)), more];
  };
  assert.equal(strongest(T0, T0 + MINUTE_MS, 3), [[2, 1, 0], 1]);
  assert.equal(strongest(T0, T0 + MINUTE_MS, 0), [[], 4]);
  assert.equal(strongest(T0, T0 + MINUTE_MS, 9), [[2, 1, 0, 3], 0]);
  assert.equal(strongest(T0 + 3600, T0 + MINUTE_MS, 9), [[], 0], 'post-roll is no part of an event here');
});

test('commits: one event at once, at most one a second however many, at once when somebody waits', async () => {
  const world = await setUp();
  const { clock, events, commits, database } = world;
  const startMs = clock.monotonicMs();
  events.create(1, T0);
  events.create(2, T0);
  await clock.advance(0);
  assert.equal(commits, [startMs], 'together');
  for (let n = 0; n < 600; n++) {
    const { id } = events.create(1 + (n % 4), T0 + n * 15);
    events.update(id, { endMs: T0 + n * 15 + 5, labels: ['storm'] });
    await clock.advance(15);
  }
  await clock.advance(1000);
  const seconds = (clock.monotonicMs() - startMs) / 1000;
  assert.ok(commits.length <= seconds && commits.length >= seconds / 2, `${commits.length} commits in ${seconds} s`);
  assert.not.ok(database.dirty);
  const before = commits.length;
  events.create(1, T0);
  await database.flush();
  assert.is(commits.length, before + 1);
  await clock.advance(5000);
  assert.is(commits.length, before + 1, 'nothing was left for the timer');
});

test('a start ends what a crash left going on, again when its footage is adopted', async () => {
  const world = await setUp();
  const { id } = world.events.create(1, T0, { preRoll: { promisedMs: 4000, deliveredMs: 0 } });
  const bare = world.events.create(2, T0 + 5, {});
  await world.database.flush();
  const footage: [number, number][] = [[T0 - 5000, T0 + 2000]];
  const again = await setUp(world.index, footage);
  assert.equal(again.events.ongoing(), []);
  assert.is(again.events.get(id)?.endMs, T0 + 2000);
  footage[0] = [T0 - 5000, T0 + 7000];
  again.events.endLeft();
  assert.is(again.events.get(id)?.endMs, T0 + 7000);
  assert.equal(again.events.get(id)?.preRoll, { promisedMs: 4000, deliveredMs: 4000 }, 'what footage shows');
  assert.is(again.events.get(bare.id)?.endMs, T0 + 5, 'without footage');
});

test('a full index: the oldest that are not locked go', async () => {
  const world = await setUp();
  const made = Array.from({ length: 400 }, (_, n) =>
    world.events.create(1 + (n % 2), T0 + n * 1000, { endMs: T0 + n * 1000, locked: n === 3 }),
  );
  world.events.relieve();
  const left = ids(world).reverse();
  assert.equal(
    left,
    [made[3], ...made.slice(65)].map(event => event?.id),
  );
  assert.is(world.pictures.length, 64);
  world.events.removeCamera(2);
  assert.equal(ids(world, { cameras: [2] }), [made[3]?.id], 'a locked one stays');
});

test('events go with the last of their footage', async () => {
  const footage: [number, number][] = [[T0 + 10_000, T0 + 20_000]];
  const world = await setUp(new MemoryIndex(), footage);
  const { events } = world;
  const gone = events.create(1, T0, { endMs: T0 + 1000 });
  const left = events.create(1, T0 + 8000, { endMs: T0 + 9000, postRollMs: 2000 });
  const locked = events.create(1, T0 + 100, { endMs: T0 + 1000, locked: true });
  const going = events.create(1, T0 + 200);
  const open = events.create(1, T0 + 300, { endMs: T0 + 9_000_000 });
  world.freed.length = 0;
  await world.database.flush();
  const early = await setUp(world.index, footage, false);
  assert.is(early.events.removeBare(1, T0 - 5000, T0 + 30_000), 0, 'not while footage is still to be taken in');
  assert.is(events.removeBare(1, T0 - 5000, T0 + 30_000), 1);
  assert.equal(ids(world).sort(), [left, locked, going, open].map(event => event.id).sort());
  assert.equal(world.pictures, [gone.id]);
  assert.equal(world.freed, [], 'no footage became free');
});

test.run();
