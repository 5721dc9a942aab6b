// MQTT as home automation meets it: the built service at a real broker, from a command to an event with its picture, and its ends.
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera, Event, MqttInfo, MqttTestResult, Status } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { discoveryFaults } from '../support/home-assistant.ts';
import { brokerProblem, Listener, Mosquitto, retainedAt } from '../support/mosquitto.ts';
import { NotifySocket } from '../support/notify-socket.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const PASSWORD = 'canary-of-the-broker';
const RESTART_EXIT_CODE = 75;
const problem = brokerProblem();
const test = suite('mqtt', { timeoutMs: 90_000 });
let broker: Mosquitto;
let listener: Listener;
let camera: Camera;
let service: Service;
let socket: NotifySocket;
const output: string[] = [];
/** Whoever starts us starts us again. */
const start = (dataDir?: string) =>
  Service.start({
    ...{ env: { NOTIFY_SOCKET: socket.path }, args: ['--log', 'debug'] },
    ...(dataDir !== undefined && { dataDir }),
  });

/** There is something before a trigger now. */
const isSettled = ({ name, sinceMs, lastPacketMs }: ApiCamera['state']) =>
  name === 'live' && lastPacketMs - sinceMs > 3000;

const until = (topic: string, done: (text: string) => boolean) =>
  listener.until(topic, () => listener.messages.some(one => one.topic === topic && done(one.text)), 30_000);

test.before(async () => {
  if (problem) return;
  socket = await NotifySocket.listen('path');
  broker = await Mosquitto.start({ users: { nvr: PASSWORD, home: 'home' } });
  listener = await Listener.at(broker, ['#'], { username: 'home', password: 'home' });
  camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  service = await start();
});
test.after(async () => {
  listener?.stop();
  await service?.stop();
  await stopChildren();
  await camera?.stop();
});

test.needs(
  problem === undefined,
  problem ?? '',
  'settings are tried, set, and told without their secrets',
  async () => {
    const body = { name: 'Door', main: { url: camera.url }, record: { mode: 'events' } };
    const events = { preRollMs: 1000, postRollMs: 1000, mergeMs: 0 };
    await service.post<ApiCamera>('/api/cameras', { ...body, events });
    await service.until<ApiCamera>('/api/cameras/1', ({ state }) => isSettled(state), 30_000);
    const login = { url: broker.url, username: 'nvr', password: PASSWORD };
    const tried = (body: object) => service.post<MqttTestResult>('/api/settings/mqtt/test', body);
    const refused = await tried({ ...login, password: `${PASSWORD}!` });
    assert.equal([refused.ok, refused.problem?.kind], [false, 'unauthorized']);
    assert.equal([(await tried(login)).ok, (await tried({ ...login, url: 'mqtt://127.0.0.1:1' })).ok], [true, false]);
    const bad = await service.ask<{ error: { field: string } }>('PUT', '/api/settings/mqtt', { url: 'http://x' });
    assert.equal([bad.status, bad.body.error.field], [400, 'mqtt.url']);
    const set = await service.ask<MqttInfo>('PUT', '/api/settings/mqtt', login);
    assert.equal(
      set.body.devices.map(({ camera: id, name }) => [id, name]),
      [
        [undefined, 'Thimble'],
        [1, 'Door'],
      ],
    );
    assert.equal([set.status, set.body.settings.hasPassword, set.body.settings.enabled], [200, true, true]);
    await service.until<MqttInfo>('/api/settings/mqtt', ({ state }) => state.name === 'online', 30_000);
    await until('thimble/available', text => text === 'online');
  },
);

test.needs(problem === undefined, problem ?? '', 'Home Assistant finds the recorder and its camera', async () => {
  const configs = () =>
    listener.messages.filter(({ topic, text }) => topic.startsWith('homeassistant/device/') && text !== '');
  await listener.until('two devices', () => new Set(configs().map(({ topic }) => topic)).size === 2, 30_000);
  assert.equal(
    configs().flatMap(({ topic, text }) => discoveryFaults(topic, JSON.parse(text))),
    [],
  );
  await until('thimble/1/available', text => text === 'online');
});

test.needs(problem === undefined, problem ?? '', 'a command becomes an event with footage and a picture', async () => {
  await listener.send('thimble/1/trigger/set', JSON.stringify({ label: 'cat', durationMs: 1500 }));
  await until('thimble/1/motion', text => text === 'ON');
  await until('thimble/events', text => JSON.parse(text).type === 'end');
  await until('thimble/1/motion', text => text === 'OFF');
  const feed = listener.messages.filter(({ topic }) => topic === 'thimble/events').map(({ text }) => JSON.parse(text));
  assert.equal([feed[0]?.type, feed[0]?.after.label, feed[0]?.after.camera], ['new', 'cat', 'Door']);
  const id = feed[0]?.after.id as string;
  const isDelivered = ({ endMs, preRoll, picture }: Event) =>
    endMs !== undefined && picture !== undefined && preRoll.deliveredMs >= preRoll.promisedMs;
  const event = await service.until<Event>(`/api/events/${id}`, isDelivered, 30_000);
  assert.equal(event.sources, ['mqtt']);
  await listener.until('the picture', () => listener.last('thimble/1/picture') !== undefined, 30_000);
  const { data } = await service.exchange('GET', `/api/events/${id}/picture.jpg`);
  assert.ok(listener.last('thimble/1/picture')?.payload.equals(data), 'the one of the event');
  const held = await retainedAt(broker, ['#'], { username: 'home', password: 'home' });
  assert.ok(held.has('thimble/1/picture') && !held.has('thimble/events') && !held.has('thimble/1/event'));
});

test.needs(problem === undefined, problem ?? '', 'the mode of recording is set and told', async () => {
  await listener.send('thimble/1/record/set', 'continuous');
  await until('thimble/1/record/state', text => text === 'continuous');
  assert.is((await service.get<ApiCamera>('/api/cameras/1')).record.mode, 'continuous');
});

test.needs(problem === undefined, problem ?? '', 'a broker that is away stops nothing else and is told', async () => {
  await broker.kill();
  const { problems } = await service.until<Status>('/api/status', one =>
    one.problems.some(({ kind }) => kind === 'mqtt'),
  );
  assert.ok(problems.find(({ kind }) => kind === 'mqtt')?.cure);
  assert.is((await service.get<{ status: string }>('/api/health')).status, 'ok', 'footage is in no danger');
  assert.is((await service.get<ApiCamera>('/api/cameras/1')).state.name, 'live');
  await broker.start();
  listener = await Listener.at(broker, ['#'], { username: 'home', password: 'home' });
  await until('thimble/available', text => text === 'online');
  assert.is(listener.last('thimble/1/record/state')?.text, 'continuous', 'states come first');
});

test.needs(
  problem === undefined,
  problem ?? '',
  'killed it is offline; started again it is back; a restart is one that systemd follows',
  async () => {
    service.kill('SIGKILL');
    await until('thimble/available', text => text === 'offline');
    await service.child.exited;
    output.push(...service.child.stdout, ...service.child.stderr);
    listener.messages.length = 0;
    service = await start(service.dataDir);
    await until('thimble/available', text => text === 'online');
    listener.messages.length = 0;
    await listener.send('thimble/restart/set', 'PRESS');
    await until('thimble/available', text => text === 'offline');
    assert.equal(await service.child.exited, { code: RESTART_EXIT_CODE, signal: null });
    output.push(...service.child.stdout, ...service.child.stderr);
    service = await start(service.dataDir);
    await service.until<MqttInfo>('/api/settings/mqtt', ({ state }) => state.name === 'online', 30_000);
  },
);

test.needs(problem === undefined, problem ?? '', 'nobody hears the password', async () => {
  for (const path of [
    '/api/settings',
    '/api/settings/mqtt',
    '/api/backup',
    '/api/status',
    '/api/logs?level=debug',
    '/api/audit',
  ]) {
    const { status, data } = await service.exchange('GET', path);
    assert.is(status, 200, path);
    assert.not.ok(data.toString('utf8').includes(PASSWORD), path);
  }
  assert.equal(await service.stop(), { code: 0, signal: null });
  output.push(...service.child.stdout, ...service.child.stderr);
  assert.ok(output.some(line => line.includes('the MQTT broker is there')));
  assert.not.ok(output.some(line => line.includes(PASSWORD)));
  assert.not.ok(listener.messages.some(({ text }) => text.includes(PASSWORD)));
});

test.run();
