// What the owner chooses about go2rtc: over HTTP, in configuration files and in the store; and its installation over HTTP.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Api } from '../../src/api/index.ts';
import { refusals } from '../../src/cameras/index.ts';
import { NvrError } from '../../src/core/index.ts';
import { Go2rtcPreferencesKeeper, settingsOf } from '../../src/go2rtc/index.ts';
import { readConfiguration } from '../../src/provisioning/index.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeServer } from '../support/fake-server.ts';
import { fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('go2rtc preferences');
const dir = tempDir('preferences');
const program = join(dir, 'go2rtc');
writeFileSync(program, '#!/bin/sh\n');
chmodSync(program, 0o755);
writeFileSync(join(dir, 'text'), 'no program');
chmodSync(join(dir, 'text'), 0o644);

const DEFAULTS = { binary: null, keep: 'onDemand', webrtcPort: 8555 };

async function opened() {
  const fakes = await fakeServices(tempDir('api'));
  const server = new FakeServer();
  const api = new Api({ server, log: fakes.log.logger });
  await api.start();
  api.open(fakes.services);
  return async (method: string, url: string, body?: unknown) => {
    const reply = await server.ask(method, url, body);
    return { status: reply.status, json: JSON.parse(String(reply.body)) };
  };
}

function keeper(stored: Record<string, unknown> = {}, provisionedBy?: string) {
  const rows = new Map(Object.entries(stored));
  const log = fakeLog();
  const settings = {
    get: (section: string) => rows.get(section),
    put: async (section: string, value: unknown) => void rows.set(section, value),
  };
  const made = new Go2rtcPreferencesKeeper({
    ...{ settings, log: log.logger },
    ...(provisionedBy === undefined ? {} : { provisionedBy }),
  });
  return { made, rows, log };
}

test('two changes at once do not undo each other', async () => {
  const { made, rows } = keeper();
  await Promise.all([made.update({ keep: 'always' }), made.update({ webrtcPort: 9555 })]);
  assert.equal(made.get(), { ...DEFAULTS, keep: 'always', webrtcPort: 9555 });
  assert.equal(rows.get('go2rtc'), made.get());
});

test('over HTTP: defaults, changes field by field, and refusals that name the field', async () => {
  const ask = await opened();
  assert.equal((await ask('GET', '/api/settings')).json.go2rtc, DEFAULTS);
  const change = (go2rtc: object) => ask('PATCH', '/api/settings', { go2rtc });
  assert.equal((await change({ keep: 'always' })).json.go2rtc, { ...DEFAULTS, keep: 'always' });
  assert.equal((await change({ binary: program, webrtcPort: 0 })).json.go2rtc, {
    ...{ binary: program, keep: 'always', webrtcPort: 0 },
  });
  const cases: [string, object][] = [
    ['go2rtc.binary', { binary: 'go2rtc' }],
    ['go2rtc.binary', { binary: './go2rtc' }],
    ['go2rtc.binary', { binary: '/nowhere/go2rtc' }],
    ['go2rtc.binary', { binary: dir }],
    ['go2rtc.binary', { binary: join(dir, 'text') }],
    ['go2rtc.binary', { binary: `${program}\0x` }],
    ['go2rtc.keep', { keep: 'sometimes' }],
    ['go2rtc.webrtcPort', { webrtcPort: 65_536 }],
    ['go2rtc.webrtcPort', { webrtcPort: -1 }],
    ['go2rtc.webrtcPort', { webrtcPort: 1.5 }],
    ['go2rtc.port', { port: 1 }],
  ];
  for (const [field, patch] of cases) {
    const { status, json } = await change(patch);
    assert.equal([status, json.error.field, (json.error.cure ?? '') !== ''], [400, field, true], JSON.stringify(patch));
  }
  assert.equal((await change({ binary: null })).json.go2rtc, { binary: null, keep: 'always', webrtcPort: 0 });
});

test('over HTTP: how it goes, and an installation that is begun once', async () => {
  const ask = await opened();
  const first = await ask('GET', '/api/go2rtc');
  assert.equal([first.status, first.json.state.name, first.json.install.name], [200, 'absent', 'idle']);
  assert.equal(first.json.offered, { version: '1.9.14', file: 'go2rtc_linux_amd64' });
  const begun = await ask('POST', '/api/go2rtc/install');
  assert.equal([begun.status, begun.json.install.name, begun.json.install.receivedBytes], [202, 'running', 0]);
});

test('the keeper tells of changes, keeps what is whole, and takes damage for nothing chosen', async () => {
  const { made, rows } = keeper();
  let told = 0;
  const end = made.onChange(() => told++);
  await made.update({ keep: 'always' });
  end();
  await made.update({ webrtcPort: 9000 });
  assert.equal([told, rows.get('go2rtc')], [1, { binary: null, keep: 'always', webrtcPort: 9000 }]);
  assert.equal(keeper({ go2rtc: rows.get('go2rtc') }).made.get().webrtcPort, 9000);
  const damaged = keeper({ go2rtc: { keep: 3 } });
  assert.equal([damaged.made.get(), damaged.log.messages('error').length], [DEFAULTS, 1]);
  assert.equal(settingsOf(made.get()), { keep: 'always', webrtc: { port: 9000, addresses: [] } });
  assert.is(settingsOf({ ...made.get(), binary: program }).binary, program);
});

test('what a file gives is not changed over HTTP', async () => {
  const { made } = keeper({}, '/etc/thimble.yaml');
  assert.is(made.isProvisioned, true);
  const error = await made.update({ keep: 'always' }).catch(reason => reason);
  assert.instance(error, NvrError);
  assert.equal([error.kind, error.field], ['failed-precondition', 'go2rtc']);
  assert.match(error.message, '/etc/thimble.yaml');
});

test('a configuration file gives all of it, with its defaults, and says where it is wrong', async () => {
  const path = join(dir, 'thimble.yaml');
  const read = (text: string) => {
    writeFileSync(path, text);
    return readConfiguration(path, { environment: {}, allowLoopback: false, hub: refusals('auto') });
  };
  const given = await read('settings:\n  go2rtc:\n    keep: always\n');
  assert.equal(given.go2rtc, { ...DEFAULTS, keep: 'always' });
  assert.is((await read('settings: {}\n')).go2rtc, undefined);
  const error = await read('settings:\n  go2rtc:\n    binary: go2rtc\n').catch(reason => reason);
  assert.equal(
    [error.kind, error.field, /line 3/.test(error.message)],
    ['invalid-argument', 'settings.go2rtc.binary', true],
  );
  const through = await read('cameras:\n  yard:\n    main:\n      url: rtsps://10.0.0.2/x\n');
  assert.is(through.cameras?.length, 1);
  const direct = await read('cameras:\n  yard:\n    hub: direct\n    main:\n      url: rtsps://10.0.0.2/x\n').catch(
    reason => reason,
  );
  assert.equal([direct.kind, direct.field], ['invalid-argument', 'cameras.yard.main.url']);
});

test.run();
