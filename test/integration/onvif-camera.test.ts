// A whole camera over HTTP: what it is, its streams, its events, moving it, switching it, losing it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/core/index.ts';
import {
  DEVICE_PATH,
  OnvifCamera,
  type OnvifCameraOptions,
  type OnvifEvent,
  type OnvifState,
} from '../../src/onvif/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { fastClock } from '../support/fast-clock.ts';
import { type OnvifServer, startOnvifServer } from '../support/onvif-server.ts';
import { notification, type OnvifQuirks, soapFault } from '../support/onvif-simulator.ts';
import { suite } from '../support/suite.ts';
import { testdataDir } from '../support/testdata.ts';

const test = suite('onvif camera', { timeoutMs: 60_000 });

interface World {
  camera: OnvifCamera;
  server: OnvifServer;
  events: OnvifEvent[];
  states: OnvifState[];
  until(condition: () => boolean, what: string): Promise<void>;
}

async function withCamera(
  quirks: Partial<OnvifQuirks>,
  body: (world: World) => Promise<void>,
  options: Partial<OnvifCameraOptions> = {},
): Promise<void> {
  const server = await startOnvifServer(quirks);
  const events: OnvifEvent[] = [];
  const states: OnvifState[] = [];
  const { logger, messages } = fakeLog();
  const camera = new OnvifCamera({
    device: { host: '127.0.0.1', port: server.port, tls: false, path: DEVICE_PATH },
    login: { username: 'admin', password: 'secret & more' },
    rules: { allowLoopback: true, ownPorts: () => [] },
    ...{ clock: systemClock, log: logger, events: true },
    onEvent: event => events.push(event),
    onChange: state => states.push(state),
    ...options,
  });
  const until = async (condition: () => boolean, what: string) => {
    for (let tries = 0; !condition(); tries++) {
      if (tries > 2000) throw new Error(`never happened: ${what}; ${JSON.stringify(states)}`);
      await systemClock.sleep(10);
    }
  };
  try {
    await body({ camera, server, events, states, until });
  } finally {
    await camera.close();
    await server.close();
  }
  assert.equal(messages('error'), []);
}

test('a probe tells all that is needed to add it, and leaves nothing behind', () =>
  withCamera({ auth: 'digest', clockOffsetMs: 3_600_000 }, async ({ camera, server }) => {
    const { capabilities, streams } = await camera.probe(new AbortController().signal);
    assert.equal(capabilities.information, {
      manufacturer: 'Maker',
      model: 'Model <b>',
      firmware: '1.2',
      serial: 'S1',
    });
    assert.ok(Math.abs(capabilities.clockOffsetMs - 3_600_000) < 60_000);
    assert.equal(
      capabilities.profiles.map(({ token, codec, width, videoSource }) => ({ token, codec, width, videoSource })),
      [
        { token: 'sub2', codec: 'h264', width: 640, videoSource: 'VS1' },
        { token: 'main2', codec: 'h265', width: 2560, videoSource: 'VS1' },
      ],
    );
    assert.equal(capabilities.eventKinds, ['motion', 'person']);
    assert.equal(capabilities.relays, [{ token: 'R1', mode: 'Bistable' }]);
    assert.is(capabilities.ptz?.presets, 100);
    assert.is(capabilities.dayNight, true);
    assert.is(streams.main?.url, 'rtsp://127.0.0.1:8554/main2?a=1&b=2');
    assert.is(streams.sub?.url, 'rtsp://127.0.0.1:8554/sub2?a=1&b=2');
    assert.is(streams.snapshotUrl, `http://127.0.0.1:8081/main2.jpg`);
    assert.is(server.camera.subscriptions, 0);
    assert.equal(JSON.parse(JSON.stringify(capabilities)), capabilities);
  }));

const recorded = testdataDir === undefined ? undefined : join(testdataDir, 'onvif/recorded_soap/onvif_simple_server');

/** A recorded answer to an operation, where there is one. */
function recordedAnswer(operation: string, path: string) {
  const file = join(recorded ?? '', `${operation}.xml`);
  // Of its Media 2 nothing was recorded.
  if (path.endsWith('media2_service')) return soapFault('ActionNotSupported');
  if (!existsSync(file)) return undefined;
  return { status: 200, body: readFileSync(file, 'utf8') };
}

test.needs(recorded !== undefined, 'the shared test data is not here', 'answers recorded from a server of others', () =>
  withCamera({ auth: 'none', instead: recordedAnswer }, async ({ camera }) => {
    const { capabilities, streams } = await camera.probe(new AbortController().signal);
    assert.is(capabilities.information.manufacturer !== undefined, true);
    assert.equal(
      capabilities.profiles.map(({ codec, width, videoSource }) => ({ codec, width, videoSource })),
      [
        { codec: 'h264', width: 768, videoSource: 'VideoSourceToken' },
        { codec: 'h264', width: 384, videoSource: 'VideoSourceToken' },
      ],
    );
    assert.equal(capabilities.eventKinds, ['motion', 'person', 'vehicle']);
    assert.is(streams.main?.url, 'rtsp://127.0.0.1:8554/main');
    assert.match(streams.snapshotUrl ?? '', /^http:\/\/127\.0\.0\.1:1984\/api\/frame\.jpeg\?src=main$/);
  }),
);

test('an older camera: GetCapabilities, Media 1, nothing else', () =>
  withCamera(
    { hasGetServices: false, hasMedia2: false, hasPtz: false, hasEvents: false },
    async ({ camera, states, until }) => {
      camera.start();
      await until(() => camera.state.name === 'ready', 'ready');
      assert.is(camera.state.events, 'absent');
      const { capabilities } = camera;
      assert.is(capabilities?.media, 'media');
      assert.is(capabilities?.profiles[0]?.fps, 25);
      assert.is(capabilities?.ptz, null);
      assert.is(capabilities?.dayNight, false);
      assert.is(camera.ptz, undefined);
      const error = await camera.setDayNight('night').catch(one => one);
      assert.is(error.problem, 'unsupported');
      assert.equal(
        states.map(one => one.name),
        ['connecting', 'ready'],
      );
    },
  ));

test('events arrive, and closing takes leave', () =>
  withCamera({ auth: 'digest' }, async ({ camera, server, events, states, until }) => {
    camera.start();
    await until(() => camera.state.events === 'live', 'live');
    server.camera.setState('VideoSource/MotionAlarm', 'true');
    await until(() => events.length === 1, 'the begin');
    server.camera.setState('VideoSource/MotionAlarm', 'false');
    server.camera.notify(notification('RuleEngine/MyRuleDetector/PeopleDetect', 'State', 'true'));
    await until(() => events.length === 3, 'the end and a person');
    assert.equal(
      events.map(({ kind, change, source }) => `${kind} ${change} ${source}`),
      ['motion begin VS1', 'motion end VS1', 'person begin VS1'],
    );
    await camera.close();
    // What went on is ended with it.
    assert.is(events.at(-1)?.change, 'end');
    assert.is(server.camera.subscriptions, 0);
    assert.equal(
      states.map(({ name, events: state }) => `${name} ${state}`),
      ['connecting off', 'ready starting', 'ready live', 'closed off'],
    );
  }));

test('a camera that loses its memory is subscribed to again', () =>
  withCamera({}, async ({ camera, server, events, until }) => {
    camera.start();
    await until(() => camera.state.events === 'live', 'live');
    server.camera.restart();
    await until(() => server.camera.subscriptions === 1 && camera.state.events === 'live', 'live again');
    server.camera.setState('VideoSource/MotionAlarm', 'true');
    await until(() => events.length === 1, 'an event');
    assert.is(camera.figures?.subscriptions, 2);
  }));

test('a camera that is away at the start is found when it comes', async () => {
  const early = await startOnvifServer();
  await early.close();
  await withCamera(
    {},
    async ({ camera, states, until }) => {
      camera.start();
      await until(() => camera.state.name === 'failed', 'failed');
      assert.is(camera.state.problem, 'refused');
      const late = await startOnvifServer({}, early.port);
      await until(() => camera.state.events === 'live', 'live');
      assert.is(camera.state.problem, undefined);
      assert.ok(states.some(one => one.name === 'failed'));
      await camera.close();
      await late.close();
    },
    { device: { host: '127.0.0.1', port: early.port, tls: false, path: DEVICE_PATH } },
  );
});

test('a wrong password is said, and tried once', () =>
  withCamera(
    { auth: 'digest' },
    async ({ camera, server, until }) => {
      camera.start();
      await until(() => camera.state.name === 'failed', 'failed');
      assert.is(camera.state.problem, 'unauthorized');
      await systemClock.sleep(100);
      assert.is(server.camera.refusals, 1);
    },
    { login: { username: 'admin', password: 'wrong' } },
  ));

test('a camera whose events fail is usable all the same, and left in peace for longer and longer', () =>
  withCamera(
    { instead: operation => (operation === 'CreatePullPointSubscription' ? soapFault('Bug') : undefined) },
    async ({ camera, server, until }) => {
      camera.start();
      await until(() => camera.state.problem === 'fault', 'the problem');
      assert.is(camera.state.name, 'ready');
      assert.is(camera.state.events, 'interrupted');
      await until(() => server.camera.operations().filter(one => one === 'GetServices').length === 3, 'asked anew');
      assert.is(camera.state.name, 'ready');
    },
    { clock: fastClock(100) },
  ));

test('it moves, switches and sees in the dark', () =>
  withCamera({}, async ({ camera, server, until }) => {
    camera.start();
    await until(() => camera.state.name === 'ready', 'ready');
    await camera.ptz?.move({ pan: 1, tilt: 0, zoom: 0 });
    await until(() => server.camera.operations().includes('Stop'), 'the stop by itself');
    await camera.switchRelay('R1', true);
    assert.is(server.camera.relay, 'active');
    assert.is(await camera.dayNight(), 'auto');
    await camera.setDayNight('night');
    assert.is(server.camera.filter, 'OFF');
    assert.is(await camera.dayNight(), 'night');
    await camera.ptz?.move({ pan: 1, tilt: 0, zoom: 0 });
    const stops = server.camera.operations().filter(one => one === 'Stop').length;
    await camera.close();
    assert.is(server.camera.operations().filter(one => one === 'Stop').length, stops + 1);
  }));

test('relays that only the service for inputs and outputs knows', () =>
  withCamera({ relaysAt: 'io' }, async ({ camera, server }) => {
    const { capabilities } = await camera.probe(new AbortController().signal);
    assert.equal(capabilities.relays, [{ token: 'R1', mode: 'Bistable' }]);
    await camera.switchRelay('R1', true);
    assert.is(server.camera.relay, 'active');
    const error = await camera.switchRelay('R2', true).catch(one => one);
    assert.is(error.problem, 'unsupported');
  }));

test('of a recorder only the named channel counts', () =>
  withCamera(
    {},
    async ({ camera, server, events, until }) => {
      camera.start();
      await until(() => camera.state.events === 'live', 'live');
      server.camera.notify(
        notification('VideoSource/MotionAlarm', 'State', 'true', 'Changed', 'VS1'),
        notification('RuleEngine/CellMotionDetector/Motion', 'IsMotion', 'true', 'Changed', 'unknown'),
      );
      await until(() => events.length === 1, 'the other event');
      assert.is(events[0]?.source, 'unknown');
    },
    { videoSource: 'VS2' },
  ));

test.run();
