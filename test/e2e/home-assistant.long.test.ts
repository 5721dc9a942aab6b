// Home Assistant itself as the judge of what we tell it: the real one at a real broker, beside the built service with two cameras. Needs
// HOMEASSISTANT_PYTHON (see test/support/real-home-assistant.ts).
//   AWAY_S=… that the broker is away; default 60
import * as assert from 'uvu/assert';
import type { Camera as ApiCamera, CameraList, EventList, MqttInfo } from '../../src/api/contract.ts';
import { stopChildren } from '../support/child.ts';
import { brokerProblem, Mosquitto } from '../support/mosquitto.ts';
import { NotifySocket } from '../support/notify-socket.ts';
import { CAMERA_LOGIN, type OnvifWorld, startOnvifWorld } from '../support/onvif-world.ts';
import { HomeAssistant, type HomeEntity, homeAssistantProblem } from '../support/real-home-assistant.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const AWAY_MS = Number(process.env.AWAY_S ?? '60') * 1000;
const WAIT_MS = 60_000;
const NUMBER = /^\d+(\.\d+)?$/;

const problem = homeAssistantProblem() ?? brokerProblem() ?? serviceProblem();
const test = suite('Home Assistant', { timeoutMs: 600_000 });
const folder = tempDir('home');
let broker: Mosquitto;
let service: Service;
let world: OnvifWorld;
let home: HomeAssistant;

test.before(async () => {
  if (problem) return;
  const socket = await NotifySocket.listen('path');
  broker = await Mosquitto.start();
  world = await startOnvifWorld();
  // Whoever starts it starts it again: only then it offers to be restarted.
  service = await Service.start({ env: { NOTIFY_SOCKET: socket.path } });
  const onvif = { address: world.address, events: true };
  const events = { preRollMs: 1000, postRollMs: 1000, mergeMs: 0 };
  await service.post('/api/cameras', { name: 'Gate', main: { url: world.main.url }, ...CAMERA_LOGIN, onvif, events });
  await service.post('/api/cameras', { name: 'Shed', main: { url: world.sub.url }, ...CAMERA_LOGIN });
  const isLive = ({ cameras }: CameraList) => cameras.every(({ state }) => state.name === 'live');
  await service.until<CameraList>('/api/cameras', isLive, 60_000);
  await service.until<ApiCamera>('/api/cameras/1', ({ can }) => can.presets, 60_000);
  home = await HomeAssistant.start(broker.port, folder);
  console.log(`Home Assistant ${home.version}`);
  const { status } = await service.ask('PUT', '/api/settings/mqtt', { enabled: true, url: broker.url });
  assert.is(status, 200);
});
test.after(async () => {
  await home?.stop();
  await service?.stop();
  await world?.stop();
  await stopChildren();
});

const find = (entities: readonly HomeEntity[], device: string, name: string) => {
  const one = entities.find(entity => entity.device === device && entity.name === name);
  if (!one) throw new Error(`${device} has no ${name}`);
  return one;
};
const stateOf = (entities: readonly HomeEntity[], device: string, name: string) =>
  entities.find(entity => entity.device === device && entity.name === name)?.state;

/** What Home Assistant complained of, as far as it is about what it hears. */
async function complaints(): Promise<string[]> {
  const { told } = await home.states();
  // That the broker went is no fault of ours, nor what it says about its own code.
  return told.filter(
    line => /mqtt/i.test(line) && !/[Dd]isconnected|[Ff]ailed to connect|connection was lost|helpers\.frame/.test(line),
  );
}

/** Device and entity that are not as the service says. */
async function stale(entities: readonly HomeEntity[]): Promise<string[]> {
  const { cameras } = await service.get<CameraList>('/api/cameras');
  const wanted: [device: string, name: string, state: string | RegExp][] = cameras.flatMap(
    ({ name, enabled, record, state }): [string, string, string | RegExp][] => {
      const isLive = state.name === 'live';
      return [
        [name, 'Recording', record.mode],
        [name, 'Enabled', enabled ? 'on' : 'off'],
        [name, 'Connection', isLive ? 'on' : 'off'],
        [name, 'Motion', isLive ? 'off' : 'unavailable'],
        [name, 'Bit rate', isLive ? NUMBER : 'unavailable'],
        [name, 'Reconnects', String(state.reconnects)],
        [name, 'Days kept', NUMBER],
      ];
    },
  );
  wanted.push(
    ['Thimble', 'Problem', 'off'],
    ['Thimble', 'Disk free', NUMBER],
    ['Thimble', 'Memory', NUMBER],
    ['Thimble', 'Days kept', NUMBER],
    ['Thimble', 'Cameras live', String(cameras.filter(({ state }) => state.name === 'live').length)],
  );
  return wanted.flatMap(([device, name, state]) => {
    const found = stateOf(entities, device, name) ?? 'nothing';
    const isRight = typeof state === 'string' ? found === state : state.test(found);
    return isRight ? [] : [`${device}, ${name}: ${found} and not ${state}`];
  });
}

async function isRight(what: string): Promise<HomeEntity[]> {
  let faults: string[] = [];
  for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; ) {
    const { entities } = await home.states();
    faults = await stale(entities);
    if (faults.length === 0) return entities;
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  throw new Error(`${what}: ${faults.join('; ')}; ${(await complaints()).join('; ')}`);
}

test.needs(problem === undefined, problem ?? '', 'all that is announced is taken, and has its state', async () => {
  const { devices } = await service.until<MqttInfo>(
    '/api/settings/mqtt',
    ({ state }) => state.name === 'online',
    WAIT_MS,
  );
  const announced = devices.flatMap(({ name, entities }) => entities.map(entity => `${name}, ${entity.name}`));
  const entities = await home.until('all entities', found => found.length === announced.length, WAIT_MS);
  assert.equal(entities.map(({ device, name }) => `${device}, ${name}`).sort(), announced.sort());
  assert.is(new Set(entities.map(({ uniqueId }) => uniqueId)).size, announced.length);
  const found = await isRight('the first states');
  assert.equal(
    ['Gate', 'Shed', 'Thimble'].map(device => find(found, device, 'Days kept').via),
    ['Thimble', 'Thimble', null],
  );
  // Nothing has happened yet; buttons have no state, and no camera says at which of its places it looks.
  const unknown = found.filter(({ state }) => state === 'unknown').map(({ device, name }) => `${device}, ${name}`);
  assert.equal(unknown.sort(), [
    ...['Gate, Event', 'Gate, Last event', 'Gate, Preset', 'Gate, Trigger event'],
    ...['Shed, Event', 'Shed, Last event', 'Shed, Trigger event', 'Thimble, Restart', 'Thimble, Update'],
  ]);
  const { attributes } = find(found, 'Thimble', 'Update');
  assert.equal([attributes?.installed_version, attributes?.latest_version], [service.ready.version, null]);
  assert.equal(
    found.filter(({ state }) => state === null).map(({ entity }) => entity),
    [],
  );
  assert.equal(await complaints(), []);
});

test.needs(problem === undefined, problem ?? '', 'what is asked for there is done here, and shown there', async () => {
  const { entities } = await home.states();
  const id = (device: string, name: string) => ({ entity_id: find(entities, device, name).entity });
  await home.call('select.select_option', { ...id('Gate', 'Recording'), option: 'events' });
  await home.call('switch.turn_off', id('Shed', 'Enabled'));
  const cameras = await service.until<CameraList>(
    '/api/cameras',
    ({ cameras: [gate, shed] }) => gate?.record.mode === 'events' && shed?.enabled === false,
    WAIT_MS,
  );
  assert.is(cameras.cameras.length, 2);
  await isRight('what was set');
  await home.call('select.select_option', { ...id('Gate', 'Preset'), option: 'door' });
  await service.until('/api/cameras/1', () => world.onvif.camera.operations().includes('GotoPreset'), WAIT_MS);
  await home.call('button.press', id('Gate', 'Trigger event'));
  await service.until<EventList>('/api/events', ({ events }) => events.length === 1, WAIT_MS);
  const isTold = (found: HomeEntity[]) =>
    ['Event', 'Last event'].every(name => /^\d{4}-/.test(stateOf(found, 'Gate', name) ?? ''));
  await home.until('the event with its picture', isTold, WAIT_MS);
  world.onvif.camera.setState('VideoSource/MotionAlarm', 'true');
  await home.until('motion', found => stateOf(found, 'Gate', 'Motion') === 'on', WAIT_MS);
  world.onvif.camera.setState('VideoSource/MotionAlarm', 'false');
  await home.until('its end', found => stateOf(found, 'Gate', 'Motion') === 'off', WAIT_MS);
  assert.equal(await complaints(), []);
});

test.needs(
  problem === undefined,
  problem ?? '',
  `a broker killed for ${AWAY_MS / 1000} s: right states after it`,
  async () => {
    await broker.kill();
    await home.until('unavailable', all => stateOf(all, 'Gate', 'Motion') === 'unavailable', WAIT_MS);
    const downMs = Date.now();
    await service.patch('/api/cameras/1', { record: { mode: 'continuous' } });
    await service.patch('/api/cameras/2', { enabled: true });
    while (Date.now() - downMs < AWAY_MS) {
      await service.post('/api/cameras/1/trigger', { label: 'cat', action: 'pulse' });
      await new Promise(resolve => setTimeout(resolve, 500));
      const { state } = await service.get<MqttInfo>('/api/settings/mqtt');
      assert.ok(state.queuedBytes <= 1024 * 1024, `${state.queuedBytes} bytes`);
    }
    const { state } = await service.get<MqttInfo>('/api/settings/mqtt');
    assert.is(state.name, 'away');
    console.log(`${state.queued} messages, ${state.queuedBytes} bytes wait`);
    await broker.start();
    const fromMs = Date.now();
    const took = () => ((Date.now() - fromMs) / 1000).toFixed(1);
    await service.until<MqttInfo>('/api/settings/mqtt', one => one.state.name === 'online', WAIT_MS);
    console.log(`connected again ${took()} s after the broker's return`);
    await isRight('the states after the return');
    console.log(`all states right in Home Assistant ${took()} s after the broker's return`);
    assert.equal(await complaints(), []);
  },
);

test.needs(problem === undefined, problem ?? '', 'Home Assistant starts again: everything is there again', async () => {
  const { entities } = await home.states();
  await home.stop();
  home = await HomeAssistant.start(broker.port, folder);
  const found = await isRight('the states after its start');
  assert.equal(found.map(({ uniqueId }) => uniqueId).sort(), entities.map(({ uniqueId }) => uniqueId).sort());
  assert.equal(await complaints(), []);
});

test.needs(problem === undefined, problem ?? '', 'a camera that goes leaves nothing there', async () => {
  await service.delete('/api/cameras/2');
  await home.until('it is gone', all => all.length > 0 && all.every(({ device }) => device !== 'Shed'), WAIT_MS);
  await isRight('the others');
  await service.stop();
  const isAway = (all: HomeEntity[]) => all.length > 0 && all.every(({ state }) => state === 'unavailable');
  await home.until('the recorder is away', isAway, WAIT_MS);
  assert.equal(await complaints(), []);
});

test.run();
