// The order of what is appended, what is dropped when the browser is slow, and what is given back when it is full.
import * as assert from 'uvu/assert';
import { type BufferLike, MseSink, type SinkLimits } from '../../web/src/player/mse-sink.ts';
import { suite } from '../support/suite.ts';

const test = suite('web player: sink');

/** Does one thing at a time, when it is told to. */
class FakeBuffer implements BufferLike {
  updating = false;
  timestampOffset = 0;
  readonly done: string[] = [];
  ranges: [number, number][] = [];
  quota = Number.POSITIVE_INFINITY;
  #bytes = 0;
  readonly #listeners = { updateend: new Set<() => void>(), error: new Set<() => void>() };

  get buffered() {
    const { ranges } = this;
    return {
      length: ranges.length,
      start: (at: number) => ranges[at]?.[0] ?? 0,
      end: (at: number) => ranges[at]?.[1] ?? 0,
    };
  }

  appendBuffer(bytes: Uint8Array): void {
    assert.not(this.updating, 'one thing at a time');
    if (this.#bytes + bytes.length > this.quota) throw Object.assign(new Error('full'), { name: 'QuotaExceededError' });
    this.#bytes += bytes.length;
    this.updating = true;
    this.done.push(`append ${bytes[0]} at ${this.timestampOffset}`);
  }

  remove(fromS: number, toS: number): void {
    assert.not(this.updating, 'one thing at a time');
    this.#bytes = 0;
    this.updating = true;
    this.done.push(`remove ${fromS}-${toS}`);
  }

  changeType(type: string): void {
    this.done.push(`type ${type}`);
  }

  addEventListener(name: 'updateend' | 'error', listener: () => void): void {
    this.#listeners[name].add(listener);
  }

  removeEventListener(name: 'updateend' | 'error', listener: () => void): void {
    this.#listeners[name].delete(listener);
  }

  tell(name: 'updateend' | 'error'): void {
    if (name === 'updateend') this.updating = false;
    for (const listener of [...this.#listeners[name]]) listener();
  }

  /** Until nothing is under way. */
  settle(): void {
    while (this.updating) this.tell('updateend');
  }
}

const LIMITS: SinkLimits = { queueBytes: 100, queueS: 3, behindS: 8 };

function made(positionS = () => 0, limits = LIMITS) {
  const buffer = new FakeBuffer();
  const failures: unknown[] = [];
  return { buffer, failures, sink: new MseSink(buffer, limits, positionS, error => failures.push(error)) };
}

/** Its first byte tells which it is. */
function piece(number: number, { size = 10, key = false, startS = number, durationS = 0.1 } = {}) {
  const bytes = new Uint8Array(size);
  bytes[0] = number;
  return { bytes, key, startS, durationS };
}

test('pieces go in one after the other, with their place on the time line', () => {
  const { buffer, sink } = made();
  const told: string[] = [];
  for (const number of [1, 2])
    sink.push({ ...piece(number), offsetS: number * 10, done: appended => told.push(`${number} ${appended}`) });
  assert.equal(buffer.done, ['append 1 at 10']);
  buffer.settle();
  assert.equal(buffer.done, ['append 1 at 10', 'append 2 at 20']);
  assert.equal(told, ['1 true', '2 true']);
  assert.ok(sink.idle);
});

test('where too much waits, pieces are left out up to the next key one', () => {
  const { buffer, sink } = made();
  // The first is under way and waits no more.
  for (let number = 0; number < 11; number++) sink.push(piece(number, { key: number === 0 }));
  assert.is(sink.dropped, 0, '100 bytes may wait');
  sink.push(piece(11));
  sink.push(piece(12));
  assert.is(sink.dropped, 2);
  sink.push(piece(13, { key: true }));
  assert.is(sink.dropped, 12, 'all that waited gives way to a picture that needs none of it');
  sink.push(piece(14));
  buffer.settle();
  assert.equal(
    buffer.done.map(text => Number(text.split(' ')[1])),
    [0, 13, 14],
  );
});

test('more than 3 s do not wait either', () => {
  const { sink } = made();
  for (let number = 0; number < 5; number++) sink.push(piece(number, { durationS: 1, key: number === 0 }));
  assert.is(sink.dropped, 1);
});

test('init segments are never left out', () => {
  const { buffer, sink } = made();
  sink.push(piece(0, { key: true }));
  sink.push({ bytes: new Uint8Array([200]) });
  for (let number = 1; number < 15; number++) sink.push(piece(number));
  sink.push(piece(15, { key: true }));
  buffer.settle();
  assert.equal(buffer.done, ['append 0 at 0', 'append 200 at 0', 'append 15 at 0']);
});

test('what is trimmed ends with a key picture, far enough behind what is shown', () => {
  let positionS = 0;
  const { buffer, sink } = made(() => positionS);
  for (const [number, key] of [
    [0, true],
    [2, false],
    [4, true],
    [6, false],
    [8, true],
    [14, true],
  ] as const)
    sink.push(piece(number, { key, durationS: 0 }));
  buffer.settle();
  buffer.done.length = 0;
  positionS = 11.9;
  sink.trim();
  assert.equal(buffer.done, [], 'less than 4 s');
  positionS = 15;
  assert.is(sink.trim(), 4);
  assert.equal(buffer.done, ['remove 0-3.999']);
  buffer.settle();
  assert.is(sink.trim(), undefined, 'once');
});

test('a full buffer is emptied behind the picture and tried once more', () => {
  const { buffer, sink, failures } = made(() => 20);
  buffer.quota = 25;
  sink.push(piece(1, { key: true }));
  sink.push(piece(14, { key: true }));
  sink.push(piece(19));
  buffer.settle();
  assert.equal(buffer.done, ['append 1 at 0', 'append 14 at 0', 'remove 0-13.999', 'append 19 at 0']);
  assert.is(sink.share, 0.5, 'half the window from then on');
  assert.equal(failures, []);
});

test('what does not fit into an empty buffer is a failure, told once', () => {
  const { buffer, sink, failures } = made(() => 20);
  buffer.quota = 5;
  const told: boolean[] = [];
  sink.push({ ...piece(1, { key: true }), done: appended => told.push(appended) });
  sink.push({ ...piece(2), done: appended => told.push(appended) });
  buffer.settle();
  assert.is(failures.length, 1);
  assert.equal(told, [false, false]);
  sink.push({ ...piece(3, { key: true }), done: appended => told.push(appended) });
  assert.equal(told, [false, false, false]);
});

test('bytes that the browser refuses are a failure', () => {
  const { buffer, sink, failures } = made();
  sink.push(piece(1, { key: true }));
  buffer.tell('error');
  buffer.tell('updateend');
  assert.is(failures.length, 1);
});

test('a change of codec keeps its place in the order', () => {
  const { buffer, sink } = made();
  sink.push(piece(1, { key: true }));
  assert.ok(sink.changeType('video/mp4; codecs="x"'));
  sink.push({ bytes: new Uint8Array([200]) });
  buffer.settle();
  assert.equal(buffer.done, ['append 1 at 0', 'type video/mp4; codecs="x"', 'append 200 at 0']);
});

test('runs of buffered pictures are found by a time in them', () => {
  const { buffer, sink } = made();
  buffer.ranges = [
    [10, 20],
    [20.5, 30],
  ];
  assert.is(sink.bufferedEndS(15), 20);
  assert.is(sink.bufferedEndS(9.95), 20, 'a little before the first picture is as good');
  assert.is(sink.bufferedEndS(20.2), undefined);
  assert.is(sink.nextStartS(20.2), 20.5);
  assert.is(sink.nextStartS(29), undefined);
});

test.run();
