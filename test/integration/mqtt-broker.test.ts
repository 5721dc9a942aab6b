// MQTT against a real broker: what it holds of us, also after it was away, for two recorders and many cameras, and what it may ask for.
import * as assert from 'uvu/assert';
import { stopChildren } from '../support/child.ts';
import { discoveryFaults, stateTopics } from '../support/home-assistant.ts';
import { HomeWorld } from '../support/home-world.ts';
import { brokerProblem, Listener, Mosquitto, retainedAt } from '../support/mosquitto.ts';
import { suite } from '../support/suite.ts';

const ONE = '1'.repeat(32);
const TWO = '2'.repeat(32);
const problem = brokerProblem();
const test = suite('mqtt at a broker', { timeoutMs: 60_000 });
const worlds: HomeWorld[] = [];

async function enter(broker: Mosquitto, world: HomeWorld, more: object = {}): Promise<void> {
  worlds.push(world);
  world.mqtt.start();
  await world.mqtt.update({ enabled: true, url: broker.url, ...more });
}

const config = (uuid: string, camera = '') => `homeassistant/device/thimble_${uuid}${camera}/config`;

function announced(listener: Listener, uuid: string): Set<string> {
  const topics = listener.messages.filter(({ text }) => text !== '').map(({ topic }) => topic);
  return new Set(topics.filter(topic => topic.startsWith(`homeassistant/device/thimble_${uuid}`)));
}

test.needs(
  problem === undefined,
  problem ?? '',
  'a recorder with two cameras: all that is announced has its states',
  async () => {
    const broker = await Mosquitto.start();
    const world = new HomeWorld(ONE, [1, 2]);
    const jpeg = Buffer.from('a picture');
    world.happen('1-1-0', 1, { endMs: 1_700_000_001_000 }, jpeg);
    const listener = await Listener.at(broker, ['#']);
    await enter(broker, world);
    await listener.until('three devices', () => announced(listener, ONE).size === 3);
    await listener.until('a picture', () => listener.last('thimble/1/picture')?.text === 'a picture');
    const held = await retainedAt(broker);
    const faults: string[] = [];
    for (const topic of announced(listener, ONE)) {
      const message = JSON.parse(held.get(topic)?.text ?? '{}');
      faults.push(...discoveryFaults(topic, message));
      // Events are news: nothing is retained of them.
      const states = stateTopics(message).filter(name => !name.endsWith('/event'));
      faults.push(...states.filter(name => !held.has(name)).map(name => `${name} has no state`));
    }
    assert.equal(faults, []);
    assert.is(held.get('thimble/available')?.text, 'online');
    assert.is(held.get('thimble/2/record/state')?.text, 'continuous');
    assert.is(JSON.parse(held.get('thimble/status')?.text ?? '').daysKept, 3);
    const order = listener.messages.map(({ topic }) => topic);
    assert.ok(order.indexOf('thimble/available') > order.indexOf('thimble/2/status'), 'states come before they hold');
    world.change(2, 'reconnecting');
    await listener.until('an absent camera', () => listener.last('thimble/2/available')?.text === 'offline');
    await world.mqtt.stop();
    await listener.until('a farewell', () => listener.last('thimble/available')?.text === 'offline');
    listener.stop();
    await broker.kill();
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'a broker that forgets all is told all, with the news of the meantime',
  async () => {
    const broker = await Mosquitto.start();
    const world = new HomeWorld(ONE, [1]);
    await enter(broker, world);
    await until('online', () => world.mqtt.state().name === 'online');
    await broker.kill();
    await until('away', () => world.mqtt.state().name === 'away');
    assert.is(world.mqtt.problems()[0]?.kind, 'mqtt');
    world.happen('1-5-0', 1);
    world.happen('1-5-0', 1, { endMs: 1_700_000_009_000 });
    world.change(1, 'stalled');
    assert.is(world.mqtt.state().queued, 2);
    await broker.start();
    const listener = await Listener.at(broker, ['#']);
    await listener.until(
      'the news',
      () => listener.messages.filter(({ topic }) => topic === 'thimble/events').length === 2,
    );
    await listener.until('the devices', () => announced(listener, ONE).size === 2);
    assert.is(listener.last('thimble/1/available')?.text, 'offline');
    assert.is(listener.last('thimble/available')?.text, 'online');
    const told = listener.messages
      .filter(({ topic }) => topic === 'thimble/events')
      .map(({ text }) => JSON.parse(text));
    assert.equal(
      told.map(({ type, after }) => [type, after.id, after.camera, after.end_time]),
      [
        ['new', '1-5-0', 'Camera 1', null],
        ['end', '1-5-0', 'Camera 1', 1_700_000_009],
      ],
    );
    assert.equal(world.mqtt.problems(), []);
    listener.stop();
    await world.mqtt.stop();
    await broker.kill();
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'cameras that go, or were renamed, leave nothing stale, also while the broker was away',
  async () => {
    const broker = await Mosquitto.start({}, true);
    const world = new HomeWorld(ONE, [1, 2, 3]);
    const listener = await Listener.at(broker, ['#']);
    await enter(broker, world);
    await listener.until('four devices', () => announced(listener, ONE).size === 4);
    world.removeCamera(2);
    await listener.until('it is gone', () => listener.last(config(ONE, '_2'))?.text === '');
    world.addCamera(1, 'Garden');
    await listener.until('its name', () => listener.last(config(ONE, '_1'))?.text.includes('"Garden"') === true);
    listener.stop();
    // In good order, so that it keeps what is retained.
    await broker.kill('SIGTERM');
    await until('away', () => world.mqtt.state().name === 'away');
    world.removeCamera(3);
    await broker.start();
    await until('online', () => world.mqtt.state().name === 'online');
    const held = [...(await retainedAt(broker)).keys()];
    assert.equal(
      held.filter(topic => /_[23]\/config$|^thimble\/[23]\//.test(topic)),
      [],
    );
    assert.ok(held.includes(config(ONE, '_1')));
    // Another place at the same broker: the old one is left clean.
    await world.mqtt.update({ prefix: 'home/nvr', discoveryPrefix: 'ha' });
    await until('online again', () => world.mqtt.state().name === 'online');
    const moved = [...(await retainedAt(broker)).keys()];
    assert.equal(
      moved.filter(topic => !topic.startsWith('home/nvr/') && !topic.startsWith('ha/')),
      [],
    );
    assert.ok(moved.includes('home/nvr/1/status'));
    await world.mqtt.stop();
    await broker.kill();
  },
);

test.needs(
  problem === undefined,
  problem ?? '',
  'two recorders and 40 cameras at one broker that restarts',
  async () => {
    const broker = await Mosquitto.start();
    const ids = Array.from({ length: 20 }, (_, n) => n + 1);
    const [first, second] = [new HomeWorld(ONE, ids), new HomeWorld(TWO, ids)];
    await enter(broker, first);
    await until('the first is online', () => first.mqtt.state().name === 'online');
    await enter(broker, second);
    await until('the second is refused', () => second.mqtt.problems().length > 0);
    assert.is(second.mqtt.state().problem?.kind, 'prefix-in-use');
    assert.is((await retainedAt(broker)).get('thimble/store')?.text, ONE);
    await second.mqtt.update({ prefix: 'thimble2' });
    await until('the second is online', () => second.mqtt.state().name === 'online');
    await broker.kill();
    await until('both are away', () => [first, second].every(({ mqtt }) => mqtt.state().name === 'away'));
    first.change(3, 'reconnecting');
    second.removeCamera(20);
    await broker.start();
    const listener = await Listener.at(broker, ['#']);
    await until('both are online', () => [first, second].every(({ mqtt }) => mqtt.state().name === 'online'), 30_000);
    const fromMs = performance.now();
    const all = () => announced(listener, ONE).size === 21 && announced(listener, TWO).size === 20;
    await listener.until('all devices', all, 30_000);
    // The last of 20 comes two seconds behind the first; a stop of this process now may take some of them from what we see.
    assert.ok(performance.now() - fromMs > 1000, 'the burst is spread');
    const held = await retainedAt(broker);
    const uniqueIds = [...held]
      .filter(([topic]) => topic.endsWith('/config'))
      .flatMap(([, { text }]) => Object.values(JSON.parse(text).components as Record<string, { unique_id: string }>))
      .map(({ unique_id }) => unique_id);
    assert.is(new Set(uniqueIds).size, uniqueIds.length, 'no id is there twice');
    for (const prefix of ['thimble', 'thimble2']) {
      assert.is(held.get(`${prefix}/available`)?.text, 'online');
      for (const id of ids) {
        const away = prefix === 'thimble' && id === 3 ? 'offline' : 'online';
        const wanted = prefix === 'thimble2' && id === 20 ? undefined : away;
        assert.is(held.get(`${prefix}/${id}/available`)?.text, wanted);
      }
    }
    listener.stop();
    await Promise.all([first.mqtt.stop(), second.mqtt.stop()]);
    await broker.kill();
  },
);

test.needs(problem === undefined, problem ?? '', 'commands do what they say, and hostile ones nothing', async () => {
  const broker = await Mosquitto.start();
  const world = new HomeWorld(ONE, [1]);
  const listener = await Listener.at(broker, ['thimble/#']);
  // Retained before we are there: it would be done again at each connection.
  await listener.send('thimble/1/record/set', 'off', true);
  await listener.send('thimble/restart/set', 'PRESS', true);
  await enter(broker, world, { protocol: '3.1.1' });
  await until('online', () => world.mqtt.state().name === 'online');
  const hostile: [string, string | Buffer][] = [
    ['1/record/set', 'sometimes'],
    ['1/record/set', Buffer.alloc(5_000_000, 'x')],
    ['1/enabled/set', '{"enabled": true}'],
    ['1/trigger/set', '{"label": '],
    ['1/trigger/set', '[1]'],
    ['1/trigger/set', '{"labels": ["x"]}'],
    ['1/trigger/set', '['.repeat(4000)],
    ['1/trigger/set', Buffer.from([0xff, 0xfe, 0, 1])],
    ['99/enabled/set', 'OFF'],
    ['99999999999/enabled/set', 'OFF'],
    ['__proto__/enabled/set', 'OFF'],
    ['restart/set', 'rm -rf /'],
  ];
  for (const [topic, payload] of hostile) await listener.send(`thimble/${topic}`, payload);
  await listener.send('thimble/1/trigger/set', '{"label": "cat", "action": "start"}');
  await until('the good one', () => world.triggers.length > 0);
  assert.equal([world.triggers.length, world.restarts, world.cameras.get(1)?.record.mode], [1, 0, 'continuous']);
  assert.equal(
    [world.triggers[0]?.label, world.triggers[0]?.action, world.triggers[0]?.source],
    ['cat', 'start', 'mqtt'],
  );
  assert.is(world.mqtt.state().name, 'online', 'nothing of it ends the connection');
  await listener.send('thimble/1/record/set', 'events');
  await listener.until('the echo', () => listener.last('thimble/1/record/state')?.text === 'events');
  await listener.send('thimble/1/enabled/set', 'OFF');
  await listener.until('the echo', () => listener.last('thimble/1/enabled/state')?.text === 'OFF');
  await listener.send('thimble/restart/set', 'PRESS');
  await until('the restart', () => world.restarts === 1);
  assert.equal(world.audit, [
    'camera 1: record/set events over MQTT',
    'camera 1: enabled/set OFF over MQTT',
    'service: restart over MQTT',
  ]);
  listener.stop();
  await world.mqtt.stop();
  await broker.kill();
});

test.needs(
  problem === undefined,
  problem ?? '',
  'a broker that takes nothing is waited for with a bounded queue',
  async () => {
    const broker = await Mosquitto.start();
    const world = new HomeWorld(ONE, [1, 2, 3, 4]);
    await enter(broker, world);
    await until('online', () => world.mqtt.state().name === 'online');
    process.kill(broker.pid, 'SIGSTOP');
    const jpeg = Buffer.alloc(100_000, 'j');
    let most = 0;
    for (let n = 0; n < 5000; n++) {
      const camera = 1 + (n % 4);
      world.happen(`${camera}-${n}-0`, camera, {}, n % 100 === 0 ? jpeg : undefined);
      world.happen(`${camera}-${n}-0`, camera, { endMs: 1_700_000_001_000 });
      if (n % 50 === 0) await new Promise(resolve => setTimeout(resolve, 1));
      most = Math.max(most, world.mqtt.state().queuedBytes);
    }
    assert.ok(most > 700_000 && most <= 1024 * 1024, `${most} bytes`);
    process.kill(broker.pid, 'SIGCONT');
    await until('all is told', () => world.mqtt.state().queued === 0);
    assert.is(world.mqtt.state().name, 'online');
    await until('the last state', () => world.mqtt.state().queuedBytes === 0);
    assert.is((await retainedAt(broker)).get('thimble/1/motion')?.text, 'OFF');
    await world.mqtt.stop();
    await broker.kill();
  },
);

test.needs(problem === undefined, problem ?? '', 'Home Assistant is told again after its start', async () => {
  const broker = await Mosquitto.start();
  const world = new HomeWorld(ONE, [1]);
  const listener = await Listener.at(broker, ['#']);
  await enter(broker, world);
  await listener.until('two devices', () => announced(listener, ONE).size === 2);
  listener.messages.length = 0;
  await listener.send('homeassistant/status', 'online');
  await listener.until('two devices again', () => announced(listener, ONE).size === 2);
  listener.stop();
  await world.mqtt.stop();
  await broker.kill();
});

test.after(async () => {
  await Promise.all(worlds.map(({ mqtt }) => mqtt.stop()));
  await stopChildren();
});

test.run();

async function until(what: string, done: () => boolean, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
