// Restreaming in a configuration file: logins with secrets from elsewhere, cameras by their keys, and places of what is wrong.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DirectHub } from '../../src/cameras/index.ts';
import { NvrError } from '../../src/core/index.ts';
import { type Configuration, Provisioning, readConfiguration } from '../../src/provisioning/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeStore } from '../support/fake-store.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const SECRET = 'canary-of-the-other-recorder';
const test = suite('restream in files');
const dir = tempDir('config');
const path = join(dir, 'thimble.yaml');
writeFileSync(join(dir, 'secret'), `${SECRET}\n`);
writeFileSync(join(dir, 'short'), 'abc\n');

const CAMERAS =
  'cameras:\n  door:\n    main: {url: "rtsp://10.0.0.5/a"}\n  yard:\n    main: {url: "rtsp://10.0.0.6/a"}\n';

function read(lines: string[], environment: Record<string, string> = {}): Promise<Configuration> {
  writeFileSync(path, `${CAMERAS}settings:\n  restream:\n${lines.map(line => `    ${line}\n`).join('')}`);
  return readConfiguration(path, { environment, allowLoopback: false, hub: new DirectHub({ allowLoopback: false }) });
}

test('logins come with secrets from where the owner likes, and see the cameras with their keys', async () => {
  const configuration = await read(
    [
      'listen: 0.0.0.0:9554',
      'users:',
      '  - {name: nvr, secretFile: secret, cameras: [yard]}',
      `  - {name: wall, secret: "\${WALL}"}`,
    ],
    { WALL: SECRET },
  );
  const cameras = new FakeStore();
  const provisioning = new Provisioning({
    configuration,
    store: Object.assign(cameras, {
      settings: { get: () => undefined, put: async () => undefined } as never,
      volume: async () => ({ totalBytes: 1e12, freeBytes: 1e11 }) as never,
      putTogether: async (records: { id: number }[]) => {
        for (const record of records) cameras.records.set(record.id, record as never);
      },
    }) as never,
    allowLoopback: false,
    clock: new FakeClock(),
    log: fakeLog().logger,
  });
  await provisioning.apply();
  const yard = [...cameras.records.values()].find(row => JSON.stringify(row).includes('10.0.0.6'))?.id;
  assert.equal(provisioning.restream(), {
    ...{ path, enabled: true, listen: '0.0.0.0:9554' },
    users: [
      { name: 'nvr', secret: SECRET, cameras: [yard] },
      { name: 'wall', secret: SECRET, cameras: 'all' },
    ],
  });
});

test('what is wrong is shown with its place, and no secret', async () => {
  const user = (fields: string) => ['users:', `  - {${fields}}`];
  const cases: [string[], string][] = [
    [['listen: everywhere'], 'settings.restream.listen'],
    [user('name: nvr'), 'settings.restream.users.0'],
    [user('name: nvr, secret: short'), 'settings.restream.users.0.secret'],
    [user('name: nvr, secretFile: short'), 'settings.restream.users.0.secretFile'],
    [user(`name: nvr, secretFile: secret, secret: ${SECRET}`), 'settings.restream.users.0.secretFile'],
    [user(`name: "a b", secret: ${SECRET}`), 'settings.restream.users.0.name'],
    [user(`name: nvr, secret: ${SECRET}, cameras: [garden]`), 'settings.restream.users.0.cameras.0'],
    [[...user(`name: nvr, secret: ${SECRET}`), `  - {name: nvr, secret: ${SECRET}}`], 'settings.restream.users.1.name'],
  ];
  for (const [lines, field] of cases) {
    const error = await read(lines).catch(reason => reason);
    assert.instance(error, NvrError, lines.join());
    assert.equal([error.kind, error.field], ['invalid-argument', field]);
    assert.match(error.message, /line \d+/);
    assert.not.ok(`${error.message} ${error.cure}`.includes(SECRET));
  }
});

test.run();
