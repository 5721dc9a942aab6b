import * as assert from 'uvu/assert';
import { exportPieces } from '../../src/api/export-pieces.ts';
import { suite } from '../support/suite.ts';

const test = suite('export pieces');

function segment(startMs: number, endMs: number, clockGen = 0) {
  return { startMs, endMs, clockGen };
}

function shown(segments: ReturnType<typeof segment>[], startMs: number, endMs: number) {
  return exportPieces(segments, startMs, endMs).map(piece => [
    piece.segment.startMs,
    piece.segment.clockGen,
    piece.fromMs,
    piece.toMs,
  ]);
}

test('only the ends of the range are cut', () => {
  const segments = [segment(0, 100), segment(100, 200), segment(300, 400)];
  assert.equal(shown(segments, 50, 350), [
    [0, 0, 50, undefined],
    [100, 0, undefined, undefined],
    [300, 0, undefined, 350],
  ]);
  assert.equal(shown(segments, 0, 400), [
    [0, 0, undefined, undefined],
    [100, 0, undefined, undefined],
    [300, 0, undefined, undefined],
  ]);
  assert.equal(shown(segments, 210, 290), []);
});

test('where the clock was set back the newer footage lies on top', () => {
  // Recorded up to 300, set back to 120, recorded again up to 180; a third time at 150.
  const segments = [segment(0, 100), segment(100, 300), segment(120, 180, 1), segment(150, 160, 2)];
  assert.equal(shown(segments, 10, 250), [
    [0, 0, 10, undefined],
    [100, 0, undefined, 120],
    [120, 1, undefined, 150],
    [150, 2, undefined, undefined],
    [120, 1, 160, undefined],
    [100, 0, 180, 250],
  ]);
});

test('pieces never overlap, and cover all that there is footage of', () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 200; round++) {
    const segments = Array.from({ length: 1 + random(6) }, (_, generation) => {
      const startMs = random(100);
      return segment(startMs, startMs + 1 + random(60), generation);
    });
    const startMs = random(80);
    const endMs = startMs + 1 + random(80);
    const pieces = exportPieces(segments, startMs, endMs);
    for (let ms = startMs; ms < endMs; ms++) {
      const here = pieces.filter(
        ({ segment: one, fromMs, toMs }) => (fromMs ?? one.startMs) <= ms && ms < (toMs ?? one.endMs),
      );
      const newest = segments.filter(one => one.startMs <= ms && ms < one.endMs).at(-1);
      assert.equal(
        here.map(piece => piece.segment),
        newest ? [newest] : [],
      );
    }
  }
});

test.run();
