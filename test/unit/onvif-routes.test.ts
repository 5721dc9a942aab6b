// ONVIF over the API: who sees what of it, its problems in words; and messages of cameras as triggers.
import * as assert from 'uvu/assert';
import type { Camera, DiscoverReply, OnvifInfo } from '../../src/api/contract.ts';
import { onvifRoutes } from '../../src/api/onvif-routes.ts';
import { isRecordingEndangered, problems } from '../../src/api/problems.ts';
import { Router } from '../../src/api/router.ts';
import { seenCamera } from '../../src/api/seen-camera.ts';
import type { ApiServices } from '../../src/api/services.ts';
import type { CameraMessage } from '../../src/core/index.ts';
import { ADMIN, askRouter } from '../support/ask-router.ts';
import { EventWorld } from '../support/event-world.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { suite } from '../support/suite.ts';

const test = suite('onvif over the api');
const HOUR_MS = 3_600_000;
const OPERATOR = { ...ADMIN, role: 'operator' as const };

const camera = (onvif: Partial<Camera['state']['onvif']>, main = 'rtsp://10.0.0.2/a') =>
  ({
    ...{ id: 1, name: 'Door', enabled: true, main: { url: main }, record: { mode: 'events' }, events: {} },
    onvif: { address: 'http://[fd00::7]:8000/onvif/device_service', username: 'bob', hasPassword: true },
    state: { name: 'live', problems: [], onvif: { name: 'ready', events: 'live', sinceMs: 5, ...onvif } },
  }) as unknown as Camera;

function told(onvif: Partial<Camera['state']['onvif']>, clock = new FakeClock()) {
  const services = {
    ...{ clock, problems: () => [], ongoingGap: () => undefined, shortPastsMs: () => new Map() },
    cameras: { list: () => [camera(onvif)], unreadable: [] } as never,
  };
  assert.is(isRecordingEndangered(services), false);
  return problems(services).map(({ kind, message, cure, sinceMs }) => [kind, message, cure, sinceMs]);
}

test('what stands in the way is told with its cure, and what a camera lacks is no problem', () => {
  const problem = { kind: 'unauthorized' as const, message: 'No.', cure: 'Try.' };
  assert.equal(told({}), []);
  assert.equal(told({ events: 'absent', problem: { ...problem, kind: 'unsupported' } }), []);
  assert.equal(told({ name: 'waiting', events: 'off' }), []);
  assert.is(told({ name: 'waiting', events: 'off', problem })[0]?.[0], 'onvif-unauthorized');
  assert.equal(told({ name: 'failed', problem }), [['onvif-unauthorized', 'Door, ONVIF: No.', 'Try.', 5]]);
});

test('messages that stay away are told of after a minute', () => {
  const clock = new FakeClock();
  const silentSinceMs = clock.nowMs();
  const silent = { events: 'interrupted' as const, silentSinceMs };
  clock.step(60_000);
  assert.equal(told(silent, clock), []);
  clock.step(1);
  const [[kind, message, cure, sinceMs] = []] = told(silent, clock);
  assert.equal([kind, message, sinceMs], ['onvif-events', 'Door: ONVIF events do not arrive.', silentSinceMs]);
  assert.ok(cure);
});

const routes = (services: object) => new Router(onvifRoutes(services as ApiServices));
const request = (method: string, path: string, body?: object) =>
  ({
    ...{ method, path, query: '', remoteAddress: '127.0.0.1' },
    header: () => 'application/json',
    body: async () => Buffer.from(JSON.stringify(body)),
  }) as never;
const json = (reply: { body?: unknown }) => JSON.parse(String(reply.body));

test('a search tells which of the cameras are here already', async () => {
  const device = (host: string) => ({ device: { host, port: 80, tls: false, path: '/onvif/device_service' } });
  const waits: number[] = [];
  const router = routes({
    cameras: { list: () => [camera({}), { ...camera({}, 'rtsp://[fd00::9]:554/a'), id: 2, onvif: undefined }] },
    prober: {
      discover: async (waitMs: number) => {
        waits.push(waitMs);
        const cameras = ['10.0.0.2', 'fd00::7', 'fd00::9', '10.0.0.99'].map(device);
        return { cameras, failed: [{ address: '10.0.0.1', reason: 'EPERM' }] };
      },
    },
  });
  const reply = json(await askRouter(router, request('POST', '/api/cameras/discover', {}))) as DiscoverReply;
  assert.equal(waits, [3000]);
  assert.equal(
    reply.devices.map(({ address, cameras }) => [address, cameras]),
    [
      ['http://10.0.0.2/onvif/device_service', [1]],
      ['http://[fd00::7]/onvif/device_service', [1]],
      ['http://[fd00::9]/onvif/device_service', [2]],
      ['http://10.0.0.99/onvif/device_service', []],
    ],
  );
  assert.equal(reply.failed, [{ address: '10.0.0.1', reason: 'EPERM' }]);
});

test('users and serial numbers are for admins', async () => {
  assert.is(seenCamera(camera({}), ADMIN).onvif?.username, 'bob');
  assert.is(seenCamera(camera({}), OPERATOR).onvif?.username, undefined);
  const view = { capabilities: { information: { model: 'M', serial: 'canary' } }, events: [] };
  const router = routes({ cameras: { onvifView: () => view } });
  const ask = request('GET', '/api/cameras/1/onvif');
  const informationFor = async (caller: typeof ADMIN) =>
    (json(await askRouter(router, ask, caller)) as OnvifInfo).capabilities?.information;
  assert.equal(await informationFor(ADMIN), { model: 'M', serial: 'canary' });
  assert.equal(await informationFor({ ...OPERATOR, role: 'operator' } as never), { model: 'M' });
});

test('what a camera begins goes on until the same sensor ends it, an hour at most', async () => {
  const world = new EventWorld();
  world.camera(1, { mergeMs: 0, postRollMs: 0, maxMs: 2 * HOUR_MS });
  const say = (change: CameraMessage['change'], source: string, kind = 'motion') =>
    world.bus.emit('camera.onvif', {
      camera: 1,
      event: { kind, change, topic: 'VideoSource/MotionAlarm', source, property: source, timeMs: world.clock.nowMs() },
    });
  const ongoing = () => world.events.ongoing().length;
  say('begin', 'A');
  say('begin', 'B');
  await world.clock.advance(20_000);
  say('end', 'B');
  await world.clock.advance(20_000);
  assert.is(ongoing(), 1);
  say('end', 'A');
  await world.clock.advance(20_000);
  assert.is(ongoing(), 0);
  assert.equal(
    world.events.list({ limit: 9 }).events.map(({ labels, sources }) => [labels, sources]),
    [[['motion'], ['onvif']]],
  );
  say('begin', 'A', 'person');
  await world.clock.advance(HOUR_MS - 5000);
  assert.is(ongoing(), 1);
  await world.clock.advance(10_000);
  assert.is(ongoing(), 0, 'a camera that never says that it is over');
  say('moment', 'A', 'line');
  await world.clock.advance(10_000);
  assert.is(ongoing(), 0);
  assert.equal(world.events.list({ limit: 9 }).events[0]?.labels, ['line']);
  await world.events.stop();
});

test.run();
