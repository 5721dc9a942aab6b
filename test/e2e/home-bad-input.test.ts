// What can be wrong at a camera's ONVIF and at a broker, one by one at the built service: each is told in words with a cure, or does not
// matter; and recording goes on.
import * as assert from 'uvu/assert';
import type { CameraList, MqttInfo, OnvifInfo, Status } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { Authority, certificateProblem } from '../support/certificates.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { brokerProblem, Mosquitto } from '../support/mosquitto.ts';
import { type OnvifServer, startOnvifServer } from '../support/onvif-server.ts';
import { type OnvifQuirks, soapFault } from '../support/onvif-simulator.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const HOUR_MS = 3_600_000;
const WAIT_MS = 60_000;
const LOGIN = { username: 'admin', password: 'secret & more' };
const noBroker = brokerProblem();
const noTls = noBroker ?? certificateProblem();

const test = suite('bad input: home automation', { timeoutMs: 120_000 });
const servers: OnvifServer[] = [];
let camera: Camera;
let service: Service;

test.before(async () => {
  camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  service = await Service.start();
});
test.after(async () => {
  await service?.stop();
  await camera?.stop();
  for (const server of servers) await server.close();
  await stopChildren();
});

const instead = (wanted: RegExp, body?: string): Partial<OnvifQuirks> => ({
  instead: operation => {
    if (!wanted.test(operation)) return undefined;
    return body === undefined ? soapFault('Receiver') : { status: 200, body };
  },
});

/** A camera with this device beside its stream; resolves when `done`. */
async function withDevice(quirks: Partial<OnvifQuirks>, done: (info: OnvifInfo) => boolean, login = LOGIN) {
  const device = await startOnvifServer(quirks);
  servers.push(device);
  const onvif = { address: `127.0.0.1:${device.port}`, ...login };
  const { id } = await service.post<{ id: number }>('/api/cameras', {
    name: 'Camera',
    main: { url: camera.url },
    onvif,
  });
  const { state, capabilities } = await service.until<OnvifInfo>(`/api/cameras/${id}/onvif`, done, WAIT_MS);
  return { id, device, state, problem: state.problem, clockOffsetMs: capabilities?.clockOffsetMs ?? 0 };
}

const isTold = ({ state }: OnvifInfo) => state.problem !== undefined;
const isLive = ({ state }: OnvifInfo) => state.events === 'live';
const saysCure = (problem: { message: string; cure?: string } | undefined, message: RegExp) => {
  assert.match(problem?.message ?? '', message);
  assert.ok((problem?.cure?.length ?? 0) > 10, problem?.cure);
};

test('ONVIF: a wrong password is told, and not tried again and again', async () => {
  const { id, device, problem } = await withDevice({}, isTold, { ...LOGIN, password: 'wrong' });
  saysCure(problem, /user name and password/);
  const { problems } = await service.get<Status>('/api/status');
  saysCure(
    problems.find(one => one.kind === 'onvif-unauthorized' && one.camera === id),
    /user name and password/,
  );
  assert.is(device.camera.refusals, 1);
  // Who asks in vain adds none.
  for (let n = 0; n < 3; n++) assert.is((await service.ask('GET', `/api/cameras/${id}/ptz/presets`)).status, 503);
  assert.is(device.camera.refusals, 1);
});

test('ONVIF: a clock that is wrong by hours, or in 1970, is corrected and shown', async () => {
  for (const offsetMs of [5 * HOUR_MS, -11 * HOUR_MS, 1e10 - Date.now()]) {
    const { clockOffsetMs, device } = await withDevice({ clockOffsetMs: offsetMs }, isLive);
    assert.ok(Math.abs(clockOffsetMs - offsetMs) < HOUR_MS / 2, `${clockOffsetMs}`);
    assert.is(device.camera.refusals, 0);
  }
});

test('ONVIF: no event service is no fault', async () => {
  const { state } = await withDevice({ hasEvents: false }, one => one.state.events === 'absent');
  assert.equal([state.name, state.problem], ['ready', undefined]);
});

test('ONVIF: an event service that dies, a subscription that is refused, garbage: told, and the camera is used', async () => {
  for (const [quirks, message] of [
    [instead(/PullMessages/), /refuses what was asked/],
    [instead(/CreatePullPointSubscription/), /refuses what was asked/],
    [instead(/PullMessages/, '\u0001<<<>>>'), /cannot be read/],
  ] as const) {
    const { id, state, problem } = await withDevice(quirks, one => isTold(one) && one.state.name === 'ready');
    saysCure(problem, message);
    assert.is(state.events, 'interrupted');
    assert.is((await service.ask('GET', `/api/cameras/${id}/ptz/presets`)).status, 200);
  }
});

test('ONVIF: garbage from the first answer on', async () => {
  const { state, problem } = await withDevice(instead(/./, 'no XML at all'), isTold);
  saysCure(problem, /cannot be read|does not speak ONVIF/);
  assert.is(state.name, 'failed');
});

test('ONVIF: an address in its answers that nobody reaches does not matter', async () => {
  const { state } = await withDevice({ named: '127.0.0.2:9' }, isLive);
  assert.equal([state.name, state.problem], ['ready', undefined]);
});

async function broken(settings: object): Promise<MqttInfo['state']> {
  const { status } = await service.ask('PUT', '/api/settings/mqtt', { enabled: true, ...settings });
  assert.is(status, 200);
  const away = ({ state }: MqttInfo) => state.name === 'away' && state.problem !== undefined;
  const { state } = await service.until<MqttInfo>('/api/settings/mqtt', away, WAIT_MS);
  const { problems } = await service.get<Status>('/api/status');
  const told = problems.find(({ kind }) => kind === 'mqtt');
  saysCure(told, /^MQTT: /);
  saysCure(state.problem, /./);
  assert.ok((state.retryAtMs ?? 0) > Date.now() - WAIT_MS, 'it is tried again');
  return state;
}

test('MQTT: an address where nothing is', async () => {
  assert.is((await broken({ url: 'mqtt://127.0.0.1:1' })).problem?.kind, 'refused');
});

test.needs(noBroker === undefined, noBroker ?? '', 'MQTT: a login that is refused, and topics that are', async () => {
  const acl = ['user nvr', 'topic readwrite thimble/#'];
  const broker = await Mosquitto.start({ users: { nvr: 'right' }, acl });
  const login = { url: broker.url, username: 'nvr' };
  assert.is((await broken({ ...login, password: 'wrong' })).problem?.kind, 'unauthorized');
  const state = await broken({ ...login, password: 'right' });
  assert.is(state.problem?.kind, 'topic-forbidden');
  assert.match(state.problem?.message ?? '', /homeassistant\//);
  await broker.kill();
});

test.needs(noTls === undefined, noTls ?? '', 'MQTT: a CA that did not sign the certificate of the broker', async () => {
  const [ours, other] = [new Authority('ours'), new Authority('other')];
  const { certFile, keyFile } = ours.sign('broker', 'IP:127.0.0.1');
  const broker = await Mosquitto.start({ tls: { ca: ours.certFile, cert: certFile, key: keyFile } });
  const url = broker.url.replace('mqtt:', 'mqtts:');
  assert.is((await broken({ url, username: null, password: null, ca: other.cert })).problem?.kind, 'certificate');
  await broker.kill();
});

test('meanwhile everything records', async () => {
  const { cameras } = await service.get<CameraList>('/api/cameras');
  assert.ok(cameras.length >= 10 && cameras.every(({ state }) => state.name === 'live'));
  assert.is((await service.get<{ status: string }>('/api/health')).status, 'ok');
  assert.equal(
    service.log.filter(({ level }) => level === 'error'),
    [],
  );
});

test.run();
