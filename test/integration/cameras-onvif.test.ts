// Cameras that are used over ONVIF: when it is connected, what is passed on, what is stored, and how it ends.
import * as assert from 'uvu/assert';
import { newCameraSchema } from '../../src/cameras/camera-schema.ts';
import { Cameras, DirectHub } from '../../src/cameras/index.ts';
import { type CameraMessage, EventBus, NvrError, parseInput, systemClock } from '../../src/core/index.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeStore } from '../support/fake-store.ts';
import { type OnvifServer, startOnvifServer } from '../support/onvif-server.ts';
import { notification, type OnvifQuirks, soapFault } from '../support/onvif-simulator.ts';
import { suite } from '../support/suite.ts';

const PASSWORD = 'secret & more';
const MOTION = 'VideoSource/MotionAlarm';
const test = suite('cameras over onvif', { timeoutMs: 60_000 });

interface World {
  cameras: Cameras;
  engine: FakeEngine;
  store: FakeStore;
  server: OnvifServer;
  messages: CameraMessage[];
  changed: number[];
  /** Adds the camera; main stays where it begins. */
  add(onvif?: object, rest?: object): Promise<void>;
  mainIs(state: 'live' | 'waiting', problem?: 'unauthorized' | 'timeout'): void;
  until(condition: () => boolean, what: string): Promise<void>;
  onvifIs(events: string): Promise<void>;
}

async function withCameras(quirks: Partial<OnvifQuirks>, body: (world: World) => Promise<void>): Promise<void> {
  const server = await startOnvifServer(quirks);
  const [engine, store, log] = [new FakeEngine(), new FakeStore(), fakeLog()];
  const bus = new EventBus(error => {
    throw error;
  });
  const messages: CameraMessage[] = [];
  const changed: number[] = [];
  bus.on('camera.onvif', ({ event }) => messages.push(event));
  bus.on('camera.changed', ({ camera }) => changed.push(camera));
  const cameras = new Cameras({
    ...{ store, engine, bus, log: log.logger, clock: systemClock, allowLoopback: true, ownPorts: () => [] },
    hub: new DirectHub({ allowLoopback: true }),
  });
  await cameras.start(new AbortController().signal);
  const until = async (condition: () => boolean, what: string) => {
    for (let tries = 0; !condition(); tries++) {
      if (tries > 2000) throw new Error(`never happened: ${what}; ${JSON.stringify(cameras.get(1)?.state.onvif)}`);
      await systemClock.sleep(10);
    }
  };
  const add = async (onvif = {}, rest = {}) => {
    const login = { username: 'admin', password: PASSWORD };
    const input = { name: 'Door', main: { url: 'rtsp://127.0.0.1/a' }, ...login, ...rest };
    await cameras.add(
      parseInput(newCameraSchema, { ...input, onvif: { address: `127.0.0.1:${server.port}`, ...onvif } }),
    );
  };
  const mainIs: World['mainIs'] = (state, problem) =>
    engine.emit({ type: 'link', camera: 1, stream: 'main', state, lastPacketMs: 0, ...(problem ? { problem } : {}) });
  const onvifIs = (events: string) => until(() => cameras.get(1)?.state.onvif?.events === events, events);
  try {
    await body({ cameras, engine, store, server, messages, changed, add, mainIs, until, onvifIs });
  } finally {
    await cameras.stop();
    await server.close();
  }
  assert.equal(log.messages('error'), []);
}

const stateOf = ({ cameras }: World) => cameras.get(1)?.state.onvif;

test('it waits for the main stream, then what the camera can do is known, stored and told', async () => {
  await withCameras({ clockOffsetMs: 3_600_000 }, async world => {
    const { cameras, store, add, mainIs, onvifIs, changed, server } = world;
    await add();
    assert.equal([stateOf(world)?.name, server.connections()], ['waiting', 0]);
    assert.equal([cameras.get(1)?.can.ptz, cameras.get(1)?.onvif?.hasPassword], [false, false]);
    mainIs('live');
    await onvifIs('live');
    const { ptz, presets, relays, dayNight } = cameras.get(1)?.can ?? {};
    assert.equal([ptz, presets, relays, dayNight], [true, true, true, true]);
    assert.ok(changed.length > 1, 'whoever shows it is told');
    const known = store.records.get(1)?.capabilities;
    assert.is(known?.information.manufacturer, 'Maker');
    assert.ok(Math.abs((known?.clockOffsetMs ?? 0) - 3_600_000) < 2000, String(known?.clockOffsetMs));
    assert.is(cameras.onvifView(1).figures?.subscriptions, 1);
  });
});

test('what is known stays known over a restart', async () => {
  await withCameras({}, async ({ store, add, mainIs, onvifIs }) => {
    await add();
    mainIs('live');
    await onvifIs('live');
    const again = new Cameras({
      ...{ store, engine: new FakeEngine(), log: fakeLog().logger, clock: systemClock, allowLoopback: true },
      ...{ hub: new DirectHub({ allowLoopback: true }), ownPorts: () => [], bus: new EventBus(() => undefined) },
    });
    await again.start(new AbortController().signal);
    assert.equal([again.get(1)?.can.ptz, again.get(1)?.state.onvif?.name], [true, 'waiting']);
    assert.is(again.onvifView(1).capabilities?.information.model, 'Model <b>');
    await again.stop();
  });
});

test('a login that the main stream was refused with is not tried here as well', async () => {
  await withCameras({}, async world => {
    const { add, mainIs, onvifIs, until, server } = world;
    await add();
    mainIs('waiting', 'unauthorized');
    assert.equal([stateOf(world)?.name, stateOf(world)?.problem?.kind], ['waiting', 'unauthorized']);
    mainIs('waiting', 'timeout');
    await onvifIs('live');
    mainIs('waiting', 'unauthorized');
    await until(() => server.camera.subscriptions === 0, 'it takes leave');
    const { length } = server.camera.seen;
    await systemClock.sleep(100);
    assert.equal([server.camera.seen.length, server.camera.refusals], [length, 0]);
  });
});

test('what begins and ends is passed on with its sensor, and only the kinds that are wanted begin', async () => {
  await withCameras({}, async ({ cameras, add, mainIs, onvifIs, until, server, messages }) => {
    server.camera.states.set('VideoSource/GlobalSceneChange/ImagingService', 'true');
    await add({ kinds: ['motion'] });
    mainIs('live');
    await onvifIs('live');
    const person = 'RuleEngine/MyRuleDetector/PeopleDetect';
    server.camera.notify(notification(person, 'State', 'true'));
    server.camera.setState(MOTION, 'true');
    await until(() => messages.length === 1, 'the begin');
    server.camera.setState(MOTION, 'false');
    await until(() => messages.length === 2, 'the end');
    assert.equal(
      messages.map(({ kind, change, topic, source }) => [kind, change, topic, source]),
      [
        ['motion', 'begin', MOTION, 'VS1'],
        ['motion', 'end', MOTION, 'VS1'],
      ],
    );
    assert.equal(
      cameras.onvifView(1).events.map(({ kind, change, isUsed }) => [kind, change, isUsed]),
      [
        ['person', 'begin', false],
        ['motion', 'begin', true],
        ['motion', 'end', true],
      ],
    );
    await cameras.update(1, { onvif: { kinds: null } });
    assert.is(server.camera.operations().filter(one => one.startsWith('CreatePull')).length, 1, 'not asked anew');
    server.camera.notify(notification(person, 'State', 'false'), notification(person, 'State', 'true'));
    await until(() => messages.some(({ kind, change }) => kind === 'person' && change === 'begin'), 'a person');
  });
});

test('changed settings are taken up: what goes on ends, and the camera is left before it is asked anew', async () => {
  await withCameras({ maxSubscriptions: 1 }, async world => {
    const { cameras, add, mainIs, onvifIs, until, server, messages, store } = world;
    await add();
    mainIs('live');
    await onvifIs('live');
    server.camera.setState(MOTION, 'true');
    await until(() => messages.length === 1, 'the begin');
    await cameras.update(1, { onvif: { checkCertificate: true } });
    await onvifIs('live');
    assert.equal(
      messages.map(({ change }) => change),
      ['begin', 'end'],
      'what is on from the start sets nothing off',
    );
    assert.is(server.camera.subscriptions, 1);
    await cameras.update(1, { onvif: { username: 'other', password: 'canary-wrong' } });
    assert.not.match(JSON.stringify([...store.records.values(), cameras.list()]), 'canary-wrong');
    assert.equal([cameras.get(1)?.onvif?.username, cameras.get(1)?.onvif?.hasPassword], ['other', true]);
    await until(() => stateOf(world)?.problem?.kind === 'unauthorized', 'its own login is refused');
    await cameras.update(1, { onvif: { username: null } });
    assert.equal([cameras.get(1)?.onvif?.hasPassword, store.records.get(1)?.onvif?.sealedPassword], [false, undefined]);
    await onvifIs('live');
    await cameras.update(1, { onvif: null });
    await until(() => server.camera.subscriptions === 0, 'it takes leave');
    assert.equal([stateOf(world), cameras.get(1)?.onvif, cameras.get(1)?.can.ptz], [undefined, undefined, false]);
    assert.is(store.records.get(1)?.capabilities, undefined);
  });
});

test('a camera of another address is another camera', async () => {
  const other = await startOnvifServer({ hasPtz: false });
  await withCameras({}, async world => {
    const { cameras, add, mainIs, onvifIs, store } = world;
    await add();
    mainIs('live');
    await onvifIs('live');
    await cameras.update(1, { onvif: { address: `http://127.0.0.1:${other.port}/onvif/device_service` } });
    assert.equal([cameras.get(1)?.can.ptz, store.records.get(1)?.capabilities], [false, undefined]);
    await onvifIs('live');
    assert.is(store.records.get(1)?.capabilities?.ptz, null);
  });
  await other.close();
});

test('disabled, removed or stopped it takes leave of the camera', async () => {
  await withCameras({}, async ({ cameras, add, mainIs, onvifIs, until, server }) => {
    await add();
    mainIs('live');
    await onvifIs('live');
    await cameras.update(1, { enabled: false });
    await until(() => server.camera.subscriptions === 0, 'disabled');
    await cameras.update(1, { enabled: true });
    mainIs('live');
    await onvifIs('live');
    await cameras.remove(1);
    assert.is(server.camera.subscriptions, 0);
    await add({}, { name: 'Yard' });
    await cameras.stop();
  });
});

test('a camera that answers nothing any more holds up neither a change nor the end', async () => {
  await withCameras({}, async ({ cameras, add, mainIs, onvifIs, server }) => {
    await add();
    mainIs('live');
    await onvifIs('live');
    // No answer ever.
    server.camera.quirks.instead = () => new Promise(() => undefined) as never;
    await cameras.update(1, { onvif: { events: false } });
    await cameras.stop();
    assert.is(cameras.get(1)?.state.onvif?.name, 'idle');
  });
});

test('what is held stops within a second when nobody says more, and what moves stops with the service', async () => {
  await withCameras({}, async ({ cameras, add, mainIs, onvifIs, until, server }) => {
    await add();
    mainIs('live');
    await onvifIs('live');
    const operations = () => server.camera.operations().filter(one => /Move|Stop/.test(one));
    const move = () => cameras.onvif(1).askPtz(ptz => ptz.move({ pan: 0.5, tilt: 0, zoom: 0 }));
    await move();
    await until(() => operations().includes('Stop'), 'the stop');
    assert.equal(operations(), ['ContinuousMove', 'Stop']);
    await move();
    await cameras.stop();
    assert.equal(operations().at(-1), 'Stop');
  });
});

test('presets are known without asking for them each time, and gone to by their names', async () => {
  await withCameras({}, async ({ cameras, add, mainIs, onvifIs, until, server }) => {
    await add();
    assert.equal(cameras.presets(1), []);
    mainIs('live');
    await onvifIs('live');
    await until(() => cameras.presets(1).length === 2, 'presets');
    assert.equal(cameras.presets(1)[0], { token: '1', name: 'door' });
    await cameras.goToPreset(1, 'door');
    await cameras.goToPreset(1, '2');
    const went = server.camera.seen.filter(({ operation }) => operation === 'GotoPreset');
    assert.equal(
      went.map(({ body }) => /PresetToken>([^<]*)</.exec(body)?.[1]),
      ['1', '2'],
    );
    const error = await cameras.goToPreset(1, 'nowhere').catch(reason => reason);
    assert.instance(error, NvrError);
    const asked = () => server.camera.operations().filter(one => one === 'GetPresets').length;
    assert.is(asked(), 1);
    await cameras.onvif(1).keepPreset('Gate');
    await until(() => asked() === 2, 'asked anew');
    await cameras.update(1, { onvif: null });
    assert.equal(cameras.presets(1), []);
  });
});

test('what cannot be asked is told in words that are not about who asks', async () => {
  await withCameras({ hasPtz: false }, async ({ cameras, add, mainIs, onvifIs, server }) => {
    const refusal = async (promise: Promise<unknown>): Promise<unknown[]> => {
      const error = await promise.then(
        () => undefined,
        reason => reason,
      );
      assert.instance(error, NvrError);
      assert.ok(error.cure);
      return [error.kind, error.message];
    };
    await add();
    const link = () => cameras.onvif(1);
    assert.is((await refusal(link().askPtz(ptz => ptz.stop())))[0], 'unavailable');
    mainIs('live');
    await onvifIs('live');
    assert.is((await refusal(link().askPtz(ptz => ptz.stop())))[0], 'failed-precondition');
    server.camera.quirks.instead = operation =>
      operation.startsWith('SetRelay') ? soapFault('NotAuthorized', 400) : undefined;
    const [kind] = await refusal(link().ask(camera => camera.switchRelay('R1', true)));
    assert.is(kind, 'failed-precondition', 'our caller is not logged out by it');
    await cameras.update(1, { onvif: null });
    assert.is((await refusal(link().ask(camera => camera.dayNight())))[0], 'failed-precondition');
    assert.throws(
      () => link().setLog(true),
      (error: NvrError) => error.kind === 'failed-precondition',
    );
  });
});

test('what is said is kept when somebody wants it, without the password', async () => {
  await withCameras({ auth: 'digest' }, async ({ cameras, add, mainIs, onvifIs, until }) => {
    await add();
    cameras.onvif(1).setLog(true);
    mainIs('live');
    await onvifIs('live');
    const { on, untilMs = 0, entries } = cameras.onvif(1).log();
    assert.ok(on && untilMs > Date.now() && entries.length > 10);
    assert.not.match(JSON.stringify(entries), PASSWORD);
    cameras.onvif(1).setLog(false);
    assert.equal(cameras.onvif(1).log(), { on: false, entries: [] });
    await until(() => cameras.onvif(1).log().entries.length === 0, 'nothing more is kept');
  });
});

test.run();
