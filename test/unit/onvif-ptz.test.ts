// Moving: what is held moves, what is let go stands still within a second, however slow or broken the camera is.
import * as assert from 'uvu/assert';
import { OnvifError } from '../../src/onvif/problem.ts';
import { askPtzAbilities, Ptz } from '../../src/onvif/ptz.ts';
import type { SoapCaller } from '../../src/onvif/soap-client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { callerOf } from '../support/onvif-caller.ts';
import { OnvifSimulator } from '../support/onvif-simulator.ts';
import { suite } from '../support/suite.ts';

const test = suite('onvif ptz');
const LEFT = { pan: -1, tilt: 0, zoom: 0 };

function begin(slowMs = 0) {
  const clock = new FakeClock();
  const camera = new OnvifSimulator(clock, { auth: 'none' });
  const inner = callerOf(camera);
  const failures: OnvifError[] = [];
  const times: number[] = [];
  const caller: SoapCaller = {
    async call(call, signal) {
      const failure = failures.shift();
      if (failure) throw failure;
      const answer = await inner.call(call, signal);
      times.push(clock.monotonicMs());
      if (slowMs > 0 && call.operation === 'ContinuousMove') await clock.sleep(slowMs, signal);
      return answer;
    },
  };
  const ptz = new Ptz({ caller, target: { port: 80, path: '/onvif/ptz' }, profile: 'main', clock });
  return { clock, camera, caller, ptz, failures, times };
}

test('a move that is let go without a word stops within a second', async () => {
  const { clock, camera, ptz, times } = begin();
  await ptz.move(LEFT);
  await clock.advance(500);
  await ptz.move(LEFT);
  await clock.advance(10_000);
  assert.equal(camera.operations(), ['ContinuousMove', 'ContinuousMove', 'Stop']);
  assert.ok((times[2] ?? 0) - (times[1] ?? 0) <= 1000);
  assert.match(camera.seen[0]?.body ?? '', '<tt:PanTilt x="-1" y="0"/></tptz:Velocity><tptz:Timeout>PT1S<');
  assert.is(clock.pending, 0);
});

test('a slow camera gets the newest move only, and a stop overtakes what is under way', async () => {
  const { clock, camera, ptz } = begin(2000);
  const moves = Array.from({ length: 20 }, (_, n) => ptz.move({ pan: n / 20, tilt: 0.5, zoom: 0 }));
  await clock.advance(100);
  assert.equal(camera.operations(), ['ContinuousMove']);
  await ptz.stop();
  assert.equal(camera.operations(), ['ContinuousMove', 'Stop']);
  await clock.advance(5000);
  await Promise.all(moves);
  // The camera may have taken them in the other order.
  assert.equal(camera.operations(), ['ContinuousMove', 'Stop', 'Stop']);
});

test('after a stop nothing moves it again', async () => {
  const { clock, camera, ptz } = begin(600);
  const first = ptz.move(LEFT);
  await clock.advance(100);
  const second = ptz.move({ pan: 1, tilt: 0, zoom: 0 });
  await clock.advance(100);
  await ptz.stop();
  await clock.advance(5000);
  await Promise.all([first, second]);
  assert.is(camera.operations().filter(one => one === 'ContinuousMove').length, 1);
  assert.is(camera.operations().at(-1), 'Stop');
});

test('a stop is tried again when it did not arrive, but not against a refusal', async () => {
  const passing = begin();
  passing.failures.push(new OnvifError('closed'), new OnvifError('timeout'));
  const stopped = passing.ptz.stop();
  await passing.clock.advance(1000);
  await stopped;
  assert.equal(passing.camera.operations(), ['Stop']);
  const refused = begin();
  refused.failures.push(new OnvifError('fault'));
  const error = await refused.ptz.stop().catch(one => one);
  assert.is(error.problem, 'fault');
});

test('only what moves is named, and what moved before is told to end', async () => {
  const { camera, ptz } = begin();
  await ptz.move({ pan: 0, tilt: 0, zoom: 0.5 });
  await ptz.move({ pan: 0.25, tilt: 7, zoom: 0 });
  await ptz.move({ pan: Number.NaN, tilt: 0, zoom: 0 });
  const sent = camera.seen.map(one => /<tptz:Velocity>(.*)<\/tptz:Velocity>/.exec(one.body)?.[1]);
  assert.equal(sent, ['<tt:Zoom x="0.5"/>', '<tt:PanTilt x="0.25" y="1"/><tt:Zoom x="0"/>', undefined]);
  assert.is(camera.operations().at(-1), 'Stop');
});

test('close stops what moves, and only that', async () => {
  const moving = begin();
  await moving.ptz.move(LEFT);
  await moving.ptz.close();
  assert.equal(moving.camera.operations(), ['ContinuousMove', 'Stop']);
  assert.is(moving.clock.pending, 0);
  const resting = begin();
  await resting.ptz.close();
  assert.equal(resting.camera.operations(), []);
});

test('places, presets, home, and what it can do', async () => {
  const { camera, caller, ptz } = begin();
  await ptz.goTo({ pan: 0.5, tilt: -0.5, zoom: -1 });
  assert.match(camera.seen.at(-1)?.body ?? '', '<tt:PanTilt x="0.5" y="-0.5"/><tt:Zoom x="0"/>');
  await ptz.goBy({ zoom: -0.1 });
  assert.match(camera.seen.at(-1)?.body ?? '', '<tptz:Translation><tt:Zoom x="-0.1"/></tptz:Translation>');
  assert.equal(await ptz.position(), { pan: 0.5, tilt: -0.25 });
  assert.equal(await ptz.presets(), [
    { token: '1', name: 'door' },
    { token: '2', name: '2' },
  ]);
  await ptz.goToPreset('<1>');
  assert.match(camera.seen.at(-1)?.body ?? '', '<tptz:PresetToken>&#60;1&#62;</tptz:PresetToken>');
  assert.is(await ptz.keepPreset('gate & yard'), '3');
  assert.match(camera.seen.at(-1)?.body ?? '', 'PresetName>gate &#38; yard<');
  await ptz.removePreset('3');
  await ptz.goHome();
  await ptz.keepHome();
  const abilities = await askPtzAbilities(caller, { port: 80, path: '/onvif/ptz' }, new AbortController().signal);
  assert.equal(abilities, { continuous: true, absolute: true, relative: false, zoom: true, presets: 100, home: true });
});

test.run();
