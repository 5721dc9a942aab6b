// Cameras from a configuration file against those that are stored: which is which, what is written, what the API refuses then.
import * as assert from 'uvu/assert';
import { newCameraSchema } from '../../src/cameras/camera-schema.ts';
import { Cameras, checkCamera, DirectHub, planProvisioned } from '../../src/cameras/index.ts';
import { EventBus, type NvrError, parseInput } from '../../src/core/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeStore } from '../support/fake-store.ts';
import { suite } from '../support/suite.ts';

const test = suite('provisioned cameras');
const signal = new AbortController().signal;

const camera = (key: string, more: object = {}) => ({
  key,
  input: parseInput(newCameraSchema, { name: key, main: { url: `rtsp://10.0.0.2/${key}` }, ...more }),
});

async function provision(store: FakeStore, wanted: ReturnType<typeof camera>[] | undefined) {
  const plan = await planProvisioned(wanted, store, false);
  for (const record of plan.records) await store.cameras.put(record);
  return { added: plan.added, changed: plan.changed, left: plan.left, written: plan.records.length };
}

async function start(store: FakeStore, provisionedBy?: string) {
  const [engine, clock, log] = [new FakeEngine(), new FakeClock(), fakeLog().logger];
  const bus = new EventBus(error => {
    throw error;
  });
  const given = provisionedBy === undefined ? {} : { provisionedBy };
  const cameras = new Cameras({
    store,
    engine,
    bus,
    log,
    clock,
    hub: new DirectHub({ allowLoopback: false }),
    allowLoopback: false,
    ownPorts: () => [],
    ...given,
  });
  await cameras.start(signal);
  return cameras;
}

test('a camera keeps its number under its key, and nothing is written when nothing changed', async () => {
  const store = new FakeStore();
  const login = { username: 'viewer', password: 'canary' };
  assert.equal(await provision(store, [camera('door', login), camera('yard')]), {
    added: ['door', 'yard'],
    changed: [],
    left: [],
    written: 2,
  });
  assert.not.match(JSON.stringify([...store.records]), 'canary');
  assert.is((await provision(store, [camera('yard'), camera('door', login)])).written, 0);
  const renamed = camera('door', { ...login, name: 'Front', priority: 80 });
  assert.equal((await provision(store, [renamed, camera('yard')])).changed, ['door']);
  assert.equal((await provision(store, [renamed, camera('yard')])).written, 0);
  assert.equal((await provision(store, [camera('door', { ...login, password: 'other' }), camera('yard')])).changed, [
    'door',
  ]);
  assert.equal((await provision(store, [camera('door'), camera('yard')])).changed, ['door'], 'a login that is gone');
  const [door, yard] = (await start(store, 'x.yaml')).list();
  assert.equal([door?.id, door?.name, door?.priority, door?.hasPassword, yard?.id], [1, 'door', 50, false, 2]);
});

test('a camera of the file may set off any other, whatever its number', () => {
  const { input } = camera('yard', { events: { alsoTrigger: [1] } });
  checkCamera(input, { allowLoopback: false, hub: new DirectHub({ allowLoopback: false }) });
});

test('what leaves the file is disabled and says why; what comes back is the same camera', async () => {
  const store = new FakeStore();
  await provision(store, [camera('door'), camera('yard')]);
  assert.equal(await provision(store, [camera('yard')]), { added: [], changed: [], left: ['door'], written: 1 });
  assert.is((await provision(store, [camera('yard')])).written, 0);
  const cameras = await start(store, 'x.yaml');
  const door = cameras.get(1);
  assert.equal([door?.enabled, door?.state.reason, door?.provisioned], [false, 'not-listed', undefined]);
  assert.is((await cameras.update(1, { enabled: true })).enabled, true, "it is its owner's now");
  assert.is((await provision(store, [camera('yard')])).written, 0, 'and stays so');
  assert.is((await cameras.update(1, { enabled: false })).state.reason, undefined);
  assert.equal((await provision(store, [camera('door'), camera('yard')])).changed, ['door']);
  assert.is((await start(store, 'x.yaml')).get(1)?.provisioned, 'door');
  assert.is(store.lastId, 2);
});

test('a file without the section leaves all cameras alone, and so do starts without a file', async () => {
  const store = new FakeStore();
  await provision(store, [camera('door')]);
  assert.is((await provision(store, undefined)).written, 0);
  const cameras = await start(store);
  assert.is((await cameras.update(1, { name: 'Mine' })).name, 'Mine');
  assert.is((await provision(store, [])).written, 0, 'whoever changed it owns it');
  assert.is((await start(store, 'x.yaml')).get(1)?.enabled, true);
});

test('the API refuses to change what the file gives, and names the file; other cameras are free', async () => {
  const store = new FakeStore();
  await provision(store, [camera('door')]);
  const cameras = await start(store, '/etc/thimble.yaml');
  for (const change of [() => cameras.update(1, { name: 'x' }), () => cameras.remove(1)]) {
    const error: NvrError = await change().then(
      () => assert.unreachable(),
      reason => reason,
    );
    assert.equal([error.kind, error.message], ['failed-precondition', 'camera 1 comes from /etc/thimble.yaml']);
    assert.is(error.cure, 'Change "cameras.door" there and restart the service.');
  }
  const own = await cameras.add(camera('own').input);
  assert.is((await cameras.update(own.id, { name: 'x' })).provisioned, undefined);
  assert.is((await provision(store, [camera('door')])).written, 0);
  await cameras.remove(own.id);
});

test('records and passwords that cannot be read are made whole under the same number', async () => {
  const store = new FakeStore();
  const door = camera('door', { username: 'a', password: 'canary' });
  await provision(store, [door]);
  const stored = store.records.get(1) as object;
  store.records.set(1, { ...stored, sealedPassword: 'of another key' } as never);
  assert.equal((await provision(store, [door])).changed, ['door']);
  store.records.set(1, { id: 1, provisioned: { key: 'door', state: 'listed' }, junk: true } as never);
  assert.equal((await provision(store, [door])).changed, ['door']);
  assert.equal(store.records.get(1), stored);
  store.records.set(2, { id: 2, provisioned: { key: 'gone' } } as never);
  store.records.set(3, { id: 3, provisioned: 7 } as never);
  assert.is((await provision(store, [door])).written, 0);
});

test('refuses more cameras than a service has', async () => {
  const store = new FakeStore();
  const many = Array.from({ length: 65 }, (_, index) => camera(`c${index}`));
  const error = await planProvisioned(many, store, false).catch(reason => reason);
  assert.is(error.kind, 'failed-precondition');
  assert.is(store.lastId, 0);
});

test.run();
