// Subscriptions against a simulated camera with the oddities of real ones; time moves only when a test says so.
import * as assert from 'uvu/assert';
import { EventStates, type OnvifEvent } from '../../src/onvif/event-states.ts';
import { OnvifError, type OnvifProblem } from '../../src/onvif/problem.ts';
import { PullPoint } from '../../src/onvif/pull-point.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { callerOf } from '../support/onvif-caller.ts';
import { notification, type OnvifQuirks, OnvifSimulator, soapFault } from '../support/onvif-simulator.ts';
import { suite } from '../support/suite.ts';

const test = suite('onvif pull point');

const MOTION = 'VideoSource/MotionAlarm';

function begin(quirks: Partial<OnvifQuirks> = {}) {
  const clock = new FakeClock();
  const camera = new OnvifSimulator(clock, { auth: 'none', ...quirks });
  const caller = callerOf(camera);
  const events: OnvifEvent[] = [];
  const lives: (true | OnvifProblem | undefined)[] = [];
  const stop = new AbortController();
  const states = new EventStates({ clock, onEvent: event => events.push(event), askAnew: () => point.askAnew() });
  const point = new PullPoint({
    calls: {
      ...{ caller, addresses: caller.addresses, service: { port: 80, path: '/onvif/events' } },
      cameraNowMs: () => clock.nowMs() + camera.quirks.clockOffsetMs,
    },
    ...{ states, clock, log: fakeLog().logger, random: () => 0.5 },
    syncClock: async () => undefined,
    onLive: (isLive, problem) => {
      const live = isLive || problem;
      if (lives.at(-1) !== live) lives.push(live);
    },
  });
  let failure: unknown;
  const over = point.run(stop.signal).catch(error => {
    failure = error;
  });
  const end = async () => {
    stop.abort();
    await clock.advance(3000);
    await over;
    states.close();
    assert.is(clock.pending, 0, 'timers left');
  };
  const said = () => events.map(({ kind, change, isAssumed }) => `${kind} ${change}${isAssumed ? ' assumed' : ''}`);
  const count = (operation: string) => camera.operations().filter(one => one === operation).length;
  return { clock, camera, caller, point, lives, said, events, count, end, over, failure: () => failure };
}

test('the state at the start sets nothing off; changes do, at once', async () => {
  const { clock, camera, said, events, end, lives } = begin();
  camera.states.set('RuleEngine/MyRuleDetector/PeopleDetect', 'true');
  await clock.advance(2000);
  assert.equal(said(), []);
  const beforeMs = clock.nowMs();
  camera.setState(MOTION, 'true');
  await clock.advance(0);
  assert.equal(said(), ['motion begin']);
  assert.is(events[0]?.arrivalMs, beforeMs);
  assert.is(events[0]?.cameraTimeMs, Date.UTC(2026, 0, 1));
  camera.setState(MOTION, 'false');
  await clock.advance(1000);
  assert.equal(said(), ['motion begin', 'motion end']);
  assert.equal(lives, [true]);
  await end();
  assert.is(camera.subscriptions, 0);
});

test('a subscription is renewed at half its life, for hours', async () => {
  const { clock, camera, count, end, point } = begin({ grantMs: 60_000 });
  await clock.advance(3 * 60_000);
  assert.is(count('CreatePullPointSubscription'), 1);
  assert.ok(count('Renew') >= 5 && count('Renew') <= 6, `${count('Renew')} renewals`);
  assert.is(point.figures.renewals, count('Renew'));
  camera.setState(MOTION, 'true');
  await clock.advance(0);
  await end();
  assert.is(count('Unsubscribe'), 1);
});

test('pulls that give more time make renewals needless', async () => {
  const { clock, count, end } = begin({ extendsAtPull: true });
  await clock.advance(3 * 60_000);
  assert.is(count('Renew'), 0);
  assert.is(count('CreatePullPointSubscription'), 1);
  await end();
});

test('where Renew is refused a new subscription follows, and the camera is never full of old ones', async () => {
  const { clock, camera, count, said, lives, end } = begin({ renew: 'refused', maxSubscriptions: 1 });
  await clock.advance(3 * 60_000);
  assert.is(count('Renew'), 1);
  assert.ok(count('CreatePullPointSubscription') >= 5);
  assert.is(camera.subscriptions, 1);
  assert.equal(lives, [true]);
  camera.setState(MOTION, 'true');
  await clock.advance(0);
  assert.equal(said(), ['motion begin']);
  await end();
});

test('what changed between two subscriptions is told of', async () => {
  const { clock, camera, said, end } = begin();
  await clock.advance(2000);
  camera.restart();
  camera.states.set(MOTION, 'true');
  await clock.advance(2000);
  assert.equal(said(), ['motion begin']);
  camera.restart();
  camera.states.set(MOTION, 'false');
  await clock.advance(5000);
  assert.equal(said(), ['motion begin', 'motion end']);
  await end();
});

test('absolute times, on the clock of the camera, where lengths are refused or misread', async () => {
  for (const times of ['absolute', 'relative-is-over'] as const) {
    const offset = Date.UTC(1970, 0, 1) - Date.UTC(2026, 0, 2);
    const { clock, camera, count, lives, end } = begin({ times, clockOffsetMs: offset });
    await clock.advance(5 * 60_000);
    const created = camera.seen.filter(one => one.operation === 'CreatePullPointSubscription');
    assert.is(lives.length, 1, times);
    assert.match(created.at(-1)?.body ?? '', times === 'absolute' ? /Time>1970-01-0\dT/ : /Time>PT300S/);
    const renewed = camera.seen.filter(one => one.operation === 'Renew');
    assert.match(renewed.at(-1)?.body ?? '', /Time>1970-01-0\dT/);
    assert.ok(count('CreatePullPointSubscription') <= 2, times);
    await end();
  }
});

test('a camera that restarts is found again, with back-off', async () => {
  const { clock, camera, caller, said, lives, end, point } = begin();
  await clock.advance(2000);
  camera.setState(MOTION, 'true');
  await clock.advance(100);
  camera.restart(-5e11);
  caller.failure = new OnvifError('refused');
  await clock.advance(7000);
  caller.failure = undefined;
  camera.states.set(MOTION, 'true');
  await clock.advance(6000);
  assert.equal(lives, [true, 'refused', true]);
  assert.is(point.figures.subscriptions, 2);
  // It went on all the while.
  assert.equal(said(), ['motion begin']);
  await end();
});

test('what went on before a long silence is over', async () => {
  const { clock, camera, caller, said, end } = begin();
  await clock.advance(2000);
  camera.setState(MOTION, 'true');
  await clock.advance(100);
  caller.failure = new OnvifError('timeout');
  await clock.advance(45_000);
  assert.equal(said(), ['motion begin', 'motion end assumed']);
  // It still goes on, or goes on again.
  caller.failure = undefined;
  await clock.advance(60_000);
  assert.equal(said()[2], 'motion begin');
  await end();
});

test('after five failures in a row the whole camera is asked anew; a refused login is not tried again at all', async () => {
  const failing = begin({ instead: operation => (operation === 'PullMessages' ? soapFault('Bug') : undefined) });
  await failing.clock.advance(120_000);
  await failing.over;
  assert.is((failing.failure() as OnvifError).problem, 'fault');
  assert.is(failing.count('CreatePullPointSubscription'), 6);
  await failing.end();

  const locked = begin();
  locked.caller.failure = new OnvifError('unauthorized');
  await locked.clock.advance(1000);
  await locked.over;
  assert.is((locked.failure() as OnvifError).problem, 'unauthorized');
  await locked.end();
});

test('a camera that answers at once with nothing, and one that never runs out, are not asked all the time', async () => {
  const idle = begin({ pulls: 'instant' });
  await idle.clock.advance(10_000);
  assert.ok(idle.count('PullMessages') <= 12, `${idle.count('PullMessages')} pulls`);
  await idle.end();
  const busy = begin({ pulls: 'instant' });
  for (let round = 0; round < 100; round++) {
    busy.camera.setState(MOTION, round % 2 ? 'true' : 'false');
    await busy.clock.advance(20);
  }
  assert.ok(busy.count('PullMessages') <= 42, `${busy.count('PullMessages')} pulls`);
  await busy.end();
});

test('parameters of the reference come back in each call', async () => {
  const parameters =
    '<wsa5:ReferenceParameters><dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">7 &amp; 8</dom0:SubscriptionId></wsa5:ReferenceParameters>';
  const { clock, camera, end } = begin({ parameters });
  await clock.advance(2000);
  const pulled = camera.seen.find(one => one.operation === 'PullMessages')?.body ?? '';
  assert.match(pulled, '<SubscriptionId xmlns="http://www.axis.com/2009/event">7 &#38; 8</SubscriptionId></s:Header>');
  assert.match(pulled, '<wsa:To s:mustUnderstand="1">http://127.0.0.1:80/sub/');
  await end();
});

test('a state that the camera forgets to end is ended; one that it does end lasts', async () => {
  const { clock, camera, said, count, end } = begin();
  await clock.advance(6000);
  camera.setState(MOTION, 'true');
  await clock.advance(31_000);
  assert.equal(said().splice(0), ['motion begin', 'motion end assumed']);
  // Once it says "true" again, that is news.
  camera.setState(MOTION, 'true');
  await clock.advance(1000);
  camera.setState(MOTION, 'false');
  await clock.advance(1000);
  assert.equal(said().slice(2), ['motion begin', 'motion end']);
  camera.setState(MOTION, 'true');
  await clock.advance(299_000);
  assert.is(said().length, 5);
  assert.is(count('SetSynchronizationPoint'), 0);
  // Then it is asked, says that it goes on, and it goes on.
  await clock.advance(20_000);
  assert.is(count('SetSynchronizationPoint'), 1);
  assert.is(said().length, 5);
  // The end was lost: the camera says so when asked.
  camera.states.set(MOTION, 'false');
  await clock.advance(305_000);
  assert.equal(said().slice(5), ['motion end']);
  await end();
});

test('"initialized" counts when it comes late: some cameras know no other word', async () => {
  const { clock, camera, said, end } = begin();
  await clock.advance(6000);
  camera.notify(notification(MOTION, 'State', 'true', 'Initialized'));
  await clock.advance(100);
  camera.notify(notification('RuleEngine/LineDetector/Crossed', 'ObjectId', '7', 'Initialized'));
  await clock.advance(100);
  camera.notify(notification(MOTION, 'State', 'true', 'Deleted'));
  await clock.advance(100);
  assert.equal(said(), ['motion begin', 'line moment', 'motion end']);
  await end();
});

test('object detection: what is no longer named is over', async () => {
  const { clock, camera, said, end } = begin();
  await clock.advance(6000);
  for (const classes of ['Human', 'Human Vehicle', 'Vehicle', '']) {
    camera.notify(notification('RuleEngine/ObjectDetection/Object', 'ClassTypes', classes));
    await clock.advance(100);
  }
  assert.equal(said(), ['person begin', 'vehicle begin', 'person end', 'vehicle end']);
  await end();
});

test('a camera that invents topics fills nothing', async () => {
  const { clock, camera, said, end } = begin();
  await clock.advance(6000);
  for (let round = 0; round < 10; round++) {
    camera.notify(...Array.from({ length: 90 }, (_, n) => notification(`A${round}x${n}/MotionAlarm`, 'State', 'true')));
    await clock.advance(100);
  }
  assert.is(said().length, 511);
  await end();
});

test.run();
