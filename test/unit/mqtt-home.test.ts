// What is said of the recorder: discovery as Home Assistant takes it, the feed of events, and commands under a flood.
import * as assert from 'uvu/assert';
import { NvrError } from '../../src/core/index.ts';
import { Commands } from '../../src/mqtt/commands.ts';
import { cameraDiscovery, presetNames, systemDiscovery } from '../../src/mqtt/discovery.ts';
import { EventFeed } from '../../src/mqtt/event-feed.ts';
import { cameraStates, systemStatus } from '../../src/mqtt/states.ts';
import { deviceId, discoveryTopic, topicsBelow } from '../../src/mqtt/topics.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { discoveryFaults } from '../support/home-assistant.ts';
import { fakeCamera, fakeEvent } from '../support/home-world.ts';
import { suite } from '../support/suite.ts';

const UUID = 'a'.repeat(32);
const test = suite('mqtt home');

test('discovery is what Home Assistant takes, whatever a camera is called', () => {
  const topics = topicsBelow('home/nvr');
  for (const canRestart of [true, false]) {
    const facts = { storeUuid: UUID, version: '1.2.3', topics, canRestart, configurationUrl: 'http://10.0.0.5:8080' };
    const system = systemDiscovery(facts);
    assert.equal(discoveryFaults(discoveryTopic('homeassistant', deviceId(UUID)), system), []);
    assert.is('restart' in (system.components as object), canRestart, 'no button that does nothing');
    for (const name of ['Front door', '{{ 1 / 0 }}', '"\\\n', 'Haustür 🚪', 'x'.repeat(64)]) {
      const presets = presetNames([{ name: 'Gate' }, { name: name || 'x' }, { name: 'Gate' }]);
      assert.equal(presets, ['Gate', name || 'x']);
      const camera = cameraDiscovery({ id: 7, name }, facts, presets);
      assert.equal(camera.components.preset?.options, presets);
      assert.equal(discoveryFaults(discoveryTopic('homeassistant', deviceId(UUID, 7)), camera), []);
      assert.is(camera.device.via_device, deviceId(UUID));
    }
  }
  // The judge itself.
  const wrong = structuredClone(
    systemDiscovery({ storeUuid: UUID, version: '1', topics, canRestart: false }),
  ) as unknown as {
    components: Record<string, Record<string, unknown>>;
  };
  Object.assign(wrong.components.memory ?? {}, { unit_of_measurement: 'd', stat_topic: 'x' });
  assert.is(discoveryFaults('homeassistant/device/x/config', wrong).length, 2);
});

test('topics are read strictly', () => {
  const { command, leftBy } = topicsBelow('home/nvr');
  assert.equal(command('home/nvr/12/record/set'), { camera: 12, command: 'record/set' });
  assert.is(command('home/nvr/restart/set'), 'restart');
  for (const topic of [
    'home/nvr/0/record/set',
    'home/nvr/01/record/set',
    'home/nvr/1/record/set/x',
    'nvr/1/record/set',
  ])
    assert.is(command(topic), undefined, topic);
  assert.equal(['home/nvr/3/status', 'home/nvr/status', 'home/nvr/x/status'].map(leftBy), [3, undefined, undefined]);
});

test('states are the same text while nothing changes', () => {
  const camera = fakeCamera(1, 'Door');
  const states = new Map(cameraStates(camera, false, 2.5));
  assert.equal(
    [states.get('motion'), states.get('available'), states.get('record/state')],
    ['OFF', 'online', 'continuous'],
  );
  const noisy = { ...camera, state: { ...camera.state, lastPacketMs: 99 } };
  assert.equal(new Map(cameraStates(noisy, false, 2.5)), states);
  const away = { ...camera, state: { ...camera.state, name: 'reconnecting' as const } };
  const status = systemStatus({
    ...{ version: '1', startedMs: 1, rssBytes: 60 * 1_048_576, problems: 1, nowMs: 86_400_000 },
    ...{ storage: undefined, cameras: [camera, away, { ...away, enabled: false }] },
  });
  const { camerasLive, problems, daysKept } = JSON.parse(status);
  assert.equal([camerasLive, problems, daysKept], [1, 2, 0]);
});

test('the feed tells of each event from its beginning to its end, and of growth now and then', () => {
  const feed = new EventFeed();
  const camera = fakeCamera(1, 'Door');
  const said = (change: object, atMs: number) => {
    const message = feed.message({ ...fakeEvent('1-1-0', 1), ...change }, camera, atMs);
    return message === undefined ? undefined : JSON.parse(message);
  };
  const box = { label: 'cat', box: [0.25, 0.5, 0.5, 0.25] as [number, number, number, number], score: 0.9, atMs: 5000 };
  const begun = said({}, 0);
  assert.equal(
    [begun.type, begun.before, begun.after.end_time, begun.after.label],
    ['new', begun.after, null, 'person'],
  );
  assert.is(said({}, 4999), undefined, 'nothing that anybody waits for');
  const grown = said({ boxes: [box], labels: ['person', 'cat'] }, 1000);
  assert.equal([grown.type, grown.before.labels, grown.after.labels], ['update', ['person'], ['person', 'cat']]);
  assert.equal([grown.after.box, grown.after.label], [[480, 540, 1440, 810], 'cat']);
  assert.is(said({ boxes: [box], labels: ['person', 'cat'] }, 7000)?.type, 'update', 'after a while all the same');
  const over = said({ endMs: 1_700_000_004_500, labels: ['person', 'cat'] }, 7001);
  assert.equal([over.type, over.after.end_time, over.after.active], ['end', 1_700_000_004.5, false]);
  for (const key of [
    'frame_time',
    'top_score',
    'start_time',
    'current_zones',
    'entered_zones',
    'has_snapshot',
    'has_clip',
  ])
    assert.ok(key in over.after, key);
  assert.is(said({ endMs: 2 }, 9000)?.before.end_time, 0.002, 'of what it was not told before, the end');
});

test('a flood of commands is bounded, and the newest of each camera counts', async () => {
  const clock = new FakeClock();
  const log = fakeLog();
  const camera = fakeCamera(1, 'Door');
  const modes: unknown[] = [];
  const audit: string[] = [];
  const went: string[] = [];
  let triggers = 0;
  const commands = new Commands({
    cameras: {
      get: id => (id === 1 ? camera : undefined),
      update: async (_, patch) => {
        modes.push(patch.record?.mode);
        camera.record = { ...camera.record, mode: patch.record?.mode ?? 'off' };
        return camera;
      },
      goToPreset: async (_, which) => {
        if (which !== 'Gate') throw new NvrError('not-found', 'it has no such preset');
        went.push(which);
      },
    },
    events: {
      trigger: () => {
        triggers++;
        return undefined;
      },
    },
    audit: { record: ({ target, detail }) => void audit.push(`${target}: ${detail}`) },
    ...{ onDone: () => undefined, clock, log: log.logger },
  });
  const say = (command: 'record/set' | 'trigger/set' | 'ptz/set', text: string, isRetained = false) =>
    commands.hear({ camera: 1, command }, Buffer.from(text), isRetained);
  for (let n = 0; n < 1000; n++) say('record/set', n % 2 === 0 ? 'off' : 'events');
  await clock.advance(0);
  assert.equal(modes, ['off'], 'one at once');
  await clock.advance(10_000);
  assert.equal(modes, ['off', 'events'], 'and the newest a second later');
  for (let n = 0; n < 10_000; n++) say('trigger/set', 'PRESS');
  assert.equal(audit, ['camera 1: record/set off over MQTT', 'camera 1: record/set events over MQTT']);
  assert.is(triggers, 50);
  await clock.advance(1000);
  for (let n = 0; n < 100; n++) say('trigger/set', '');
  assert.is(triggers, 70, '20 a second');
  say('record/set', 'off', true);
  commands.hear('restart', Buffer.from('PRESS'), false);
  await clock.advance(5000);
  assert.equal(
    [modes.length, commands.figures().refused],
    [2, 2],
    'retained ones, and a restart that nobody would follow',
  );
  say('ptz/set', 'Gate');
  await clock.advance(2000);
  say('ptz/set', 'Nowhere');
  await clock.advance(2000);
  assert.equal([went, commands.figures().refused, audit.at(-1)], [['Gate'], 3, 'camera 1: ptz/set Gate over MQTT']);
  commands.stop();
  say('record/set', 'off');
  assert.is(clock.pending, 0);
});

test.run();
