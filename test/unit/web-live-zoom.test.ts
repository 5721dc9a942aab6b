// Looking closer at a picture with fingers, wheel and keys.
import * as assert from 'uvu/assert';
import { doubleTap, Fingers, MOST_SCALE, pan, WHOLE, type Zoom, zoomTo } from '../../web/src/live/zoom.ts';
import { suite } from '../support/suite.ts';

const test = suite('web live: zoom');

/** What of the picture lies under a point of the frame. */
const under = ({ scale, x, y }: Zoom, at: { x: number; y: number }) => [(at.x - x) / scale, (at.y - y) / scale];

test('the point that is zoomed at stays', () => {
  const at = { x: 0.7, y: 0.4 };
  let zoom = WHOLE;
  for (const scale of [1.5, 3, 8, 4, 2]) {
    zoom = zoomTo(zoom, scale, at);
    assert.is(zoom.scale, scale);
    const [x = 0, y = 0] = under(zoom, at);
    assert.ok(Math.hypot(x - at.x, y - at.y) < 1e-9);
  }
});

test('never more than eight times, never less than the whole, never beyond its edges', () => {
  assert.is(zoomTo(WHOLE, 100, { x: 0.5, y: 0.5 }).scale, MOST_SCALE);
  assert.equal(zoomTo({ scale: 2, x: -0.5, y: -0.5 }, 0.3, { x: 0, y: 0 }), WHOLE);
  assert.equal(pan({ scale: 2, x: -0.5, y: -0.5 }, 5, -5), { scale: 2, x: 0, y: -1 });
});

test('a double tap is twice as large there, the next one the whole picture', () => {
  const fingers = new Fingers();
  const at = { x: 0.25, y: 0.25 };
  fingers.down(1, at, 0);
  assert.equal(fingers.up(1, WHOLE, 80), {});
  fingers.down(2, at, 200);
  const { tapped } = fingers.up(2, WHOLE, 260);
  assert.equal(tapped, at);
  const zoom = doubleTap(WHOLE, at);
  assert.equal(zoom, { scale: 2, x: -0.25, y: -0.25 });
  assert.equal(doubleTap(zoom, at), WHOLE);
});

test('two taps far apart, or long after each other, are two taps', () => {
  for (const [x, ms] of [
    [0.9, 200],
    [0.25, 900],
  ] as const) {
    const fingers = new Fingers();
    fingers.down(1, { x: 0.25, y: 0.25 }, 0);
    fingers.up(1, WHOLE, 50);
    fingers.down(2, { x, y: 0.25 }, ms);
    assert.equal(fingers.up(2, WHOLE, ms + 50), {});
  }
});

test('two fingers pinch about their middle', () => {
  const fingers = new Fingers();
  fingers.down(1, { x: 0.4, y: 0.5 }, 0);
  fingers.down(2, { x: 0.6, y: 0.5 }, 0);
  let zoom = fingers.move(1, { x: 0.3, y: 0.5 }, WHOLE);
  zoom = fingers.move(2, { x: 0.7, y: 0.5 }, zoom);
  assert.ok(Math.abs(zoom.scale - 2) < 1e-9, `${zoom.scale}`);
  assert.equal(fingers.up(1, zoom, 100), {}, 'no swipe');
  assert.equal(fingers.up(2, zoom, 100), {});
});

test('a swipe changes the camera only over the whole picture', () => {
  const swiped = (zoom: Zoom, toX: number, toY = 0.5) => {
    const fingers = new Fingers();
    fingers.down(1, { x: 0.5, y: 0.5 }, 0);
    fingers.move(1, { x: toX, y: toY }, zoom);
    return fingers.up(1, zoom, 150).swipe;
  };
  assert.is(swiped(WHOLE, 0.1), 'next');
  assert.is(swiped(WHOLE, 0.9), 'previous');
  assert.is(swiped(WHOLE, 0.1, 0.9), undefined);
  assert.is(swiped({ scale: 2, x: -0.5, y: -0.5 }, 0.1), undefined);
});

test('a drag moves what is zoomed', () => {
  const fingers = new Fingers();
  fingers.down(1, { x: 0.5, y: 0.5 }, 0);
  const zoom = fingers.move(1, { x: 0.6, y: 0.45 }, { scale: 2, x: -0.5, y: -0.5 });
  assert.ok(Math.abs(zoom.x + 0.4) < 1e-9 && Math.abs(zoom.y + 0.55) < 1e-9);
  assert.is(fingers.count, 1);
  fingers.cancel(1);
  assert.is(fingers.count, 0);
});

test.run();
