// MQTT in a configuration file: secrets from elsewhere, places of what is wrong, and one commit that the next start does not repeat.
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

const PASSWORD = 'canary-of-the-broker';
const test = suite('mqtt in files');
const dir = tempDir('config');
const path = join(dir, 'thimble.yaml');
writeFileSync(join(dir, 'password'), `${PASSWORD}\n`);

function read(lines: string[], environment: Record<string, string> = {}): Promise<Configuration> {
  writeFileSync(path, `settings:\n  mqtt:\n${lines.map(line => `    ${line}\n`).join('')}`);
  return readConfiguration(path, { environment, allowLoopback: false, hub: new DirectHub({ allowLoopback: false }) });
}

test('a file gives all of it, and the password from where it likes', async () => {
  const login = ['url: mqtt://10.0.0.2', 'username: nvr'];
  const fromFile = await read([...login, 'passwordFile: password']);
  const { enabled, prefix, password } = fromFile.mqtt ?? ({} as never);
  assert.equal([enabled, prefix, password], [true, 'thimble', PASSWORD]);
  const fromEnvironment = await read([...login, `password: \${BROKER}`], { BROKER: PASSWORD });
  assert.is(fromEnvironment.mqtt?.password, PASSWORD);
});

test('what is wrong is shown with its place', async () => {
  const cases: [string[], string, RegExp][] = [
    [['url: http://10.0.0.2'], 'settings.mqtt.url', /line 3/],
    [['url: mqtt://10.0.0.2', 'passwordFile: password'], 'settings.mqtt.username', /line 2|line 3/],
    [['url: mqtt://10.0.0.2', 'topic: x'], 'settings.mqtt.topic', /line 4/],
    [
      ['url: mqtt://10.0.0.2', 'username: u', `password: ${PASSWORD}`, 'passwordFile: password'],
      'settings.mqtt.passwordFile',
      /line 6/,
    ],
    [['enabled: true'], 'settings.mqtt.url', /line 2/],
  ];
  for (const [lines, field, place] of cases) {
    const error = await read(lines).catch(reason => reason);
    assert.instance(error, NvrError, lines.join());
    assert.equal([error.kind, error.field], ['invalid-argument', field]);
    assert.match(error.message, place);
    assert.not.ok(`${error.message} ${error.cure}`.includes(PASSWORD));
  }
});

test('the same file changes nothing, another one does', async () => {
  const cameras = new FakeStore();
  const rows = new Map<string, unknown>();
  let written = 0;
  const log = fakeLog();
  let nonce = 0;
  const store = {
    ...{ cameras: cameras.cameras, unseal: (sealed: string) => cameras.unseal(sealed) },
    // Each seal is another text.
    seal: (text: string) => `${cameras.seal(text)}#${nonce++}`,
    settings: { get: (section: string) => rows.get(section) } as never,
    volume: async () => ({ freeBytes: 1, totalBytes: 1 }),
    putTogether: async (_: unknown, sections: Record<string, unknown>) => {
      written++;
      for (const [section, value] of Object.entries(sections)) rows.set(section, value);
    },
  };
  const apply = async (lines: string[]) => {
    const configuration = await read(lines);
    const clock = new FakeClock();
    await new Provisioning({ configuration, store, allowLoopback: false, clock, log: log.logger }).apply();
  };
  const login = ['url: mqtt://10.0.0.2', 'username: nvr', 'passwordFile: password'];
  await apply(login);
  await apply(login);
  assert.is(written, 1);
  await apply([...login, 'prefix: home/nvr']);
  assert.is(written, 2);
  assert.is((rows.get('mqtt') as { prefix: string }).prefix, 'home/nvr');
  assert.not.ok(JSON.stringify([log.lines, ...rows]).includes(PASSWORD));
});

test.run();
