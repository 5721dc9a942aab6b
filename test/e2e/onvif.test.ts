// ONVIF as its owner meets it: a camera that tells of motion becomes an event with what was before, moves while a key is held, and its
// troubles are told.
import * as assert from 'uvu/assert';
import type {
  Camera as ApiCamera,
  Backup,
  ErrorBody,
  Event,
  EventList,
  OnvifInfo,
  OnvifLog,
  PresetList,
  ProbeResult,
  RestoreReply,
  Status,
} from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { contractFaults } from '../support/contract-faults.ts';
import { type OnvifServer, startOnvifServer } from '../support/onvif-server.ts';
import { notification, soapFault } from '../support/onvif-simulator.ts';
import { eventFaults } from '../support/pre-roll.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const PASSWORD = 'canary & of ONVIF';
const MOTION = 'VideoSource/MotionAlarm';
const PRE_ROLL_MS = 2000;
const POST_ROLL_MS = 1000;
const WAIT_MS = 30_000;

const test = suite('onvif', { timeoutMs: 90_000 });
let camera: Camera;
let device: OnvifServer;
let service: Service;
const said: string[] = [];

test.before(async () => {
  camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  device = await startOnvifServer({ password: PASSWORD, clockOffsetMs: -7_200_000 });
  service = await Service.start({ args: ['--log', 'debug'] });
});
test.after(async () => {
  await service?.stop();
  await stopChildren();
  await device?.close();
  await camera?.stop();
});

const address = () => `127.0.0.1:${device.port}`;
const info = (done: (one: OnvifInfo) => boolean) => service.until<OnvifInfo>('/api/cameras/1/onvif', done, WAIT_MS);
const isLive = ({ state }: OnvifInfo) => state.events === 'live';
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

async function asked<T>(method: string, path: string, body: unknown, wanted: number): Promise<T> {
  const { status, body: answer } = await service.ask<T>(method, path, body);
  const text = JSON.stringify(answer) ?? '';
  assert.is(status, wanted, `${method} ${path}: ${text}`);
  assert.equal(contractFaults(`${method} ${path.replace(/\/1(?=\/|$)/, '/{id}')}`, status, text), []);
  said.push(text);
  return answer;
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + WAIT_MS; !(await condition()); await pause(20)) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
  }
}

test('a camera is tried: a wrong password once, then what it has', async () => {
  const probe = (body: object, wanted = 200) => asked<ProbeResult>('POST', '/api/cameras/probe', body, wanted);
  const wrong = await probe({ onvif: { address: address() }, username: 'admin', password: 'wrong' });
  assert.equal([wrong.ok, wrong.problem?.kind, device.camera.refusals], [false, 'unauthorized', 1]);
  const good = await probe({ onvif: { address: address() }, username: 'admin', password: PASSWORD });
  const { capabilities, streams } = good.onvif ?? ({} as never);
  assert.is(good.ok, true);
  assert.ok(Math.abs(capabilities.clockOffsetMs + 7_200_000) < 5000, String(capabilities.clockOffsetMs));
  assert.equal([streams.main?.profile.codec, streams.sub?.profile.width], ['h265', 640]);
  assert.is(streams.main?.url, 'rtsp://127.0.0.1:8554/main2?a=1&b=2');
  const dead = await probe({ onvif: { address: '127.0.0.1:1' } });
  assert.is(dead.problem?.kind, 'refused');
  assert.equal(
    await probe({ onvif: { address: address() }, url: 'rtsp://127.0.0.1/a' }, 400).then(refusedField),
    'url',
  );
  const withLogin = await probe({ onvif: { address: 'http://a:b@127.0.0.1/' } }, 400);
  assert.equal(refusedField(withLogin), 'onvif.address');
});

function refusedField(answer: unknown): string | undefined {
  return (answer as ErrorBody).error.field;
}

test('motion is an event of source onvif, with what was before it', async () => {
  await asked<ApiCamera>(
    'POST',
    '/api/cameras',
    {
      ...{ name: 'Door', main: { url: camera.url }, record: { mode: 'events' } },
      events: { preRollMs: PRE_ROLL_MS, postRollMs: POST_ROLL_MS, mergeMs: 0 },
      onvif: { address: address(), username: 'admin', password: PASSWORD },
    },
    201,
  );
  await info(isLive);
  const hasPast = ({ state }: ApiCamera) =>
    state.name === 'live' && state.lastPacketMs - state.sinceMs > PRE_ROLL_MS + 2000;
  const { can } = await service.until<ApiCamera>('/api/cameras/1', hasPast, WAIT_MS);
  assert.equal([can.ptz, can.presets, can.relays, can.dayNight], [true, true, true, true]);
  const triggerMs = Date.now();
  device.camera.setState(MOTION, 'true');
  const { events } = await service.until<EventList>('/api/events', list => list.events.length === 1, WAIT_MS);
  const id = events[0]?.id ?? '';
  assert.equal([events[0]?.sources, events[0]?.labels, events[0]?.endMs], [['onvif'], ['motion'], undefined]);
  const lateMs = (events[0]?.startMs ?? 0) - triggerMs;
  await pause(1000);
  device.camera.setState(MOTION, 'false');
  const isOver = ({ endMs, preRoll }: Event) => endMs !== undefined && preRoll.deliveredMs >= preRoll.promisedMs;
  const event = await service.until<Event>(`/api/events/${id}`, isOver, WAIT_MS);
  const promised = { triggerMs: triggerMs + lateMs, preRollMs: PRE_ROLL_MS, postRollMs: POST_ROLL_MS };
  await service.until<{ segments: { open: boolean }[] }>(
    '/api/segments?camera=1',
    ({ segments }) => segments.length > 0 && segments.every(one => !one.open),
    WAIT_MS,
  );
  const report = async () => ({ sent: camera.sent });
  assert.equal(await eventFaults(service, { report } as never, event, promised), []);
  console.log(`from the camera's message to the trigger: ${lateMs} ms`);
});

test('two sensors of one kind do not end each other', async () => {
  const line = (source: string, value: string) =>
    notification('RuleEngine/LineDetector/Crossed', 'State', value, 'Changed', source);
  device.camera.notify(line('A', 'true'));
  const ongoing = async () => (await service.get<EventList>('/api/events?label=line')).events;
  await until(async () => (await ongoing()).length === 1, 'the event');
  device.camera.notify(line('B', 'true'));
  device.camera.notify(line('B', 'false'));
  await info(({ events }) => events.filter(({ kind }) => kind === 'line').length === 3);
  await pause(POST_ROLL_MS + 1500);
  assert.is((await ongoing())[0]?.endMs, undefined);
  device.camera.notify(line('A', 'false'));
  await until(async () => (await ongoing())[0]?.endMs !== undefined, 'its end');
  assert.is((await ongoing()).length, 1);
});

test('it moves while that is said, and stands still by itself', async () => {
  const moves = () => device.camera.seen.filter(({ operation }) => /^(ContinuousMove|Stop)$/.test(operation));
  const hold = () => asked('POST', '/api/cameras/1/ptz', { action: 'move', pan: 0.5 }, 204);
  for (let n = 0; n < 4; n++) {
    await hold();
    assert.ok(moves().length > n, 'each of them');
    await pause(500);
  }
  await until(() => moves().at(-1)?.operation === 'Stop', 'the stop when nothing more comes');
  await hold();
  await asked('POST', '/api/cameras/1/ptz', { action: 'stop' }, 204);
  assert.is(moves().at(-1)?.operation, 'Stop');
  assert.ok(
    moves().every(({ operation, body }) => operation === 'Stop' || />PT1S</.test(body)),
    'its own limit',
  );
  await asked('POST', '/api/cameras/1/ptz', { action: 'preset' }, 400);
  await asked('POST', '/api/cameras/1/ptz', { action: 'preset', preset: '1' }, 204);
  await asked('POST', '/api/cameras/1/ptz', { action: 'home' }, 204);
  const { presets } = await asked<PresetList>('GET', '/api/cameras/1/ptz/presets', undefined, 200);
  assert.equal(presets[0], { token: '1', name: 'door' });
  await asked('POST', '/api/cameras/1/ptz/presets', { name: 'Gate' }, 201);
  await asked('DELETE', '/api/cameras/1/ptz/presets?token=3', undefined, 204);
  await asked('POST', '/api/cameras/1/relay', { relay: 'R1', on: true }, 204);
  await asked('POST', '/api/cameras/1/relay', { relay: 'R9', on: true }, 409);
  await asked('POST', '/api/cameras/1/day-night', { mode: 'night' }, 204);
  assert.equal(await asked('GET', '/api/cameras/1/day-night', undefined, 200), { mode: 'night' });
  assert.equal([device.camera.relay, device.camera.filter], ['active', 'OFF']);
});

test('a camera that has forgotten us is asked anew; one whose events fail is used all the same', async () => {
  const { figures } = await info(isLive);
  device.camera.restart();
  await info(one => isLive(one) && (one.figures?.subscriptions ?? 0) > (figures?.subscriptions ?? 0));
  device.camera.quirks.instead = operation => (/Pull/.test(operation) ? soapFault('Receiver') : undefined);
  const { state } = await info(one => one.state.events === 'interrupted');
  assert.ok(state.silentSinceMs);
  assert.is((await service.get<{ status: string }>('/api/health')).status, 'ok');
  device.camera.quirks.instead = () => undefined;
  await info(isLive);
});

test('a wrong password is told with a cure, and recording goes on', async () => {
  await asked('PATCH', '/api/cameras/1', { onvif: { password: 'wrong by now' } }, 200);
  const { problems } = await service.until<Status>(
    '/api/status',
    one => one.problems.some(({ kind }) => kind === 'onvif-unauthorized'),
    WAIT_MS,
  );
  assert.ok(problems.find(({ kind }) => kind === 'onvif-unauthorized')?.cure);
  assert.is((await service.get<ApiCamera>('/api/cameras/1')).state.name, 'live');
  const refused = await asked<ErrorBody>('POST', '/api/cameras/1/ptz', { action: 'stop' }, 503);
  assert.match(refused.error.message, 'password');
  await asked('PATCH', '/api/cameras/1', { onvif: { password: PASSWORD } }, 200);
  await info(isLive);
});

test('what was said is kept on demand, and no password leaves the service', async () => {
  await asked('PUT', '/api/cameras/1/onvif/log', { on: true }, 200);
  device.camera.restart();
  await until(async () => {
    const { entries } = await asked<OnvifLog>('GET', '/api/cameras/1/onvif/log', undefined, 200);
    return entries.some(({ operation }) => operation === 'CreatePullPointSubscription');
  }, 'it is in the log');
  await asked('PUT', '/api/cameras/1/onvif/log', { on: false }, 200);
  const backup = await asked<Backup>('GET', '/api/backup', undefined, 200);
  assert.equal([backup.cameras[0]?.onvif?.address, backup.cameras[0]?.onvif?.hasPassword], [address(), true]);
  const { steps } = await asked<RestoreReply>('POST', '/api/restore', { backup, dryRun: true }, 200);
  assert.is(steps.find(({ what }) => what === 'camera')?.action, 'same');
  const { subscriptions } = device.camera;
  assert.ok(subscriptions > 0);
  assert.is((await service.stop()).code, 0);
  assert.is(device.camera.subscriptions, 0, 'it has taken leave');
  const all = [...said, ...service.child.stdout, ...service.child.stderr].join('\n');
  assert.not.ok(all.includes(PASSWORD) || all.includes(encodeURIComponent(PASSWORD)));
  assert.not.ok(all.includes('canary &amp; of'));
});

test.run();
