// A configuration on a real index: written in one commit, not at all when nothing changed, and taken back whole when that fails.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { newCameraSchema } from '../../src/cameras/camera-schema.ts';
import { NvrError, parseInput } from '../../src/core/index.ts';
import { lockDirectory } from '../../src/native/index.ts';
import { type Configuration, Provisioning } from '../../src/provisioning/index.ts';
import { storageSettingsSchema } from '../../src/recording/index.ts';
import { openStore } from '../../src/storage/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('provisioning');

function configuration(keys: string[], floorPercent: number): Configuration {
  return {
    path: '/etc/thimble.yaml',
    cameras: keys.map(key => ({
      key,
      input: parseInput(newCameraSchema, {
        ...{ name: key, main: { url: `rtsp://10.0.0.2/${key}` } },
        ...{ username: 'viewer', password: 'canary' },
      }),
    })),
    storage: { ...STORAGE, floorPercent },
    check: (_, action) => action(),
  };
}

const STORAGE = parseInput(storageSettingsSchema, {});

/** A store whose commits are counted, and fail while `failing`. */
async function open(dir: string) {
  const steps: string[] = [];
  const state = { failing: false, steps };
  const log = fakeLog();
  const store = await openStore(dir, {
    examine: () => Promise.reject(new Error('there are no files')),
    lock: lockDirectory,
    clock: new FakeClock(Date.UTC(2026, 10, 21)),
    log: log.logger,
    onStep: name => {
      steps.push(name);
      if (state.failing && name === 'index-commit') throw new NvrError('resource-exhausted', 'no space');
    },
  });
  await store.start(new AbortController().signal);
  return { store, state, log };
}

function provisioning({ store, log }: Awaited<ReturnType<typeof open>>, wanted: Configuration): Provisioning {
  const clock = new FakeClock();
  return new Provisioning({ configuration: wanted, store, allowLoopback: false, clock, log: log.logger });
}

test('one commit takes cameras and settings; the second start writes nothing', async () => {
  const dir = tempDir('data');
  const first = await open(dir);
  first.state.steps.length = 0;
  await provisioning(first, configuration(['a', 'b', 'c'], 7)).apply();
  assert.is(first.state.steps.filter(step => step === 'index-commit').length, 1);
  await first.store.stop();
  assert.not.match(readFileSync(join(dir, 'cameras.json'), 'utf8'), 'canary');
  assert.not.match(JSON.stringify(first.log.lines), 'canary');

  const second = await open(dir);
  second.state.steps.length = 0;
  await provisioning(second, configuration(['c', 'b', 'a'], 7)).apply();
  assert.equal(second.state.steps, []);
  assert.equal(
    second.store.cameras.list().map(({ id }) => id),
    [1, 2, 3],
  );
  assert.equal(second.store.settings.get('storage'), { ...STORAGE, floorPercent: 7 });
  await second.store.stop();
});

test('when the volume refuses, what was stored before stays in force, and status tells', async () => {
  const dir = tempDir('data');
  const opened = await open(dir);
  await provisioning(opened, configuration(['a'], 7)).apply();
  const before = JSON.stringify([opened.store.cameras.list(), opened.store.settings.get('storage')]);
  opened.state.failing = true;
  const failed = provisioning(opened, configuration(['b'], 9));
  await failed.apply().catch(error => assert.unreachable(String(error)));
  assert.is(JSON.stringify([opened.store.cameras.list(), opened.store.settings.get('storage')]), before);
  assert.equal(failed.problems()[0]?.kind, 'configuration');
  assert.match(failed.problems()[0]?.message ?? '', '/etc/thimble.yaml');
  opened.state.failing = false;
  await opened.store.stop();
  const later = await open(dir);
  assert.is(JSON.stringify([later.store.cameras.list(), later.store.settings.get('storage')]), before);
  const done = provisioning(later, configuration(['b'], 9));
  await done.apply();
  assert.equal(done.problems(), []);
  assert.equal(
    later.store.cameras.list().map(row => (row as { enabled?: boolean }).enabled),
    [false, true],
  );
  await later.store.stop();
});

test('a floor that this volume cannot have is refused, and nothing is written', async () => {
  const opened = await open(tempDir('data'));
  const wanted = configuration(['a'], 7);
  wanted.storage = { ...STORAGE, floorBytes: 2 ** 50 };
  opened.state.steps.length = 0;
  const error = await provisioning(opened, wanted)
    .apply()
    .catch(reason => reason);
  assert.equal([error.kind, error.field], ['invalid-argument', 'storage.floorBytes']);
  assert.equal(opened.store.cameras.list(), []);
  await opened.store.stop();
});

test.run();
