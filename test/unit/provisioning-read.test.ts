// Configuration files as owners write them: defaults, secrets from elsewhere, and refusals that say where and what to do.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { DirectHub } from '../../src/cameras/index.ts';
import { NvrError } from '../../src/core/index.ts';
import { type Configuration, readConfiguration } from '../../src/provisioning/index.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('provisioning files');
const dir = tempDir('config');
const path = join(dir, 'thimble.yaml');
const WAY = { allowLoopback: false, hub: new DirectHub({ allowLoopback: false }) };
const DOOR = 'cameras:\n  door:\n    main:\n      url: rtsp://10.0.0.2/a\n';

function read(text: string | Buffer, environment: Record<string, string> = {}): Promise<Configuration> {
  writeFileSync(path, text);
  return readConfiguration(path, { environment, ...WAY });
}

async function refusal(text: string | Buffer, environment: Record<string, string> = {}): Promise<NvrError> {
  const error = await read(text, environment).then(
    () => undefined,
    reason => reason,
  );
  assert.instance(error, NvrError, `accepted: ${text}`);
  assert.is(error.kind, 'invalid-argument');
  assert.match(error.cure, /^[A-Z].*[.?]$/);
  return error;
}

test('a camera needs a key and a URL; the rest is as over the API', async () => {
  const { cameras, storage } = await read(DOOR);
  assert.is(storage, undefined);
  assert.is(cameras?.length, 1);
  const [door] = cameras ?? [];
  assert.is(door?.key, 'door');
  const { name, enabled, priority, main, record, retention, password } = door?.input ?? ({} as never);
  assert.equal([name, enabled, priority, main.url, password], ['door', true, 50, 'rtsp://10.0.0.2/a', undefined]);
  assert.equal([record.mode, record.segmentMs, retention.days], ['continuous', 300_000, null]);
  const named = await read(`${DOOR}    name: "Front: door"\n    record: {mode: off}\n`);
  assert.is(named.cameras?.[0]?.input.name, 'Front: door');
  assert.is(named.cameras?.[0]?.input.record.mode, 'off', 'off is a word, not false');
});

test('a section that is left out is none of its business; {} means none', async () => {
  assert.equal((await read('cameras: {}\n')).cameras, []);
  const onlyStorage = await read('settings:\n  storage:\n    floorPercent: 10\n');
  assert.is(onlyStorage.cameras, undefined);
  const { floorBytes, floorPercent, clockConfirmed } = onlyStorage.storage ?? ({} as never);
  assert.equal([floorBytes, floorPercent, clockConfirmed], [null, 10, false]);
});

test('values come from the environment, also in the middle of a text', async () => {
  const environment = { HOST: '10.0.0.9', PASSWORD: `cana$\{ry}: "x"` };
  const text = `cameras:\n  a:\n    main: {url: "rtsp://\${HOST}:8554/$\${x}"}\n    username: u\n    password: \${PASSWORD}\n`;
  const { cameras } = await read(text, environment);
  const { main, password } = cameras?.[0]?.input ?? ({} as never);
  assert.is(main.url, `rtsp://10.0.0.9:8554/\${x}`);
  assert.is(password, environment.PASSWORD);
});

test('passwords come from files, relative to the configuration', async () => {
  writeFileSync(join(dir, 'door.txt'), 'canary\r\n');
  const text = `${DOOR}    username: viewer\n    passwordFile: door.txt\n`;
  assert.is((await read(text)).cameras?.[0]?.input.password, 'canary');
  assert.is(
    (await read(text.replace('door.txt', `\${D}/door.txt`), { D: dir })).cameras?.[0]?.input.password,
    'canary',
  );
  assert.match((await refusal(`${text}    password: x\n`)).message, /line 6, column 5.*beside a password/);
  const missing = await refusal(text.replace('door.txt', 'none.txt'));
  assert.match(missing.message, /line 6, column 5: .*none\.txt cannot be read/);
  assert.is(missing.field, 'cameras.door.passwordFile');
  writeFileSync(join(dir, 'empty.txt'), '\n');
  assert.match((await refusal(text.replace('door.txt', 'empty.txt'))).message, 'holds no password');
  writeFileSync(join(dir, 'long.txt'), 'x'.repeat(5000));
  assert.match((await refusal(text.replace('door.txt', 'long.txt'))).message, 'holds no password');
});

test('refusals name line, column and field, and say what was meant', async () => {
  const cases: [text: string, place: string, field: string | undefined, words: RegExp, cure: RegExp][] = [
    [DOOR.replace('main', 'mian'), '3, column 5', 'cameras.door.mian', /not a known field/, /mean "cameras.door.main"/],
    [DOOR.replace('url', 'ulr'), '4, column 7', 'cameras.door.main.ulr', /not a known/, /mean "cameras.door.main.url"/],
    ['camera: {}\n', '1, column 1', 'camera', /not a known field/, /mean "cameras"/],
    ['groups: {}\n', '1, column 1', 'groups', /not a known field/, /Known: cameras, users, settings/],
    ['cameras:\n', '1, column 1', 'cameras', /not usable/, /\{\} for none/],
    ['cameras: []\n', '1, column 1', 'cameras', /not usable/, /indented/],
    ['cameras:\n  door: rtsp://10.0.0.2/a\n', '2, column 3', 'cameras.door', /not usable/, /indented/],
    ['cameras:\n  door: {name: x}\n', '2, column 3', 'cameras.door.main', /missing/, /indented/],
    ['cameras:\n  door: {main: {}}\n', '2, column 10', 'cameras.door.main.url', /missing/, /rtsp:/],
    ['cameras:\n  Front door: {}\n', '2, column 3', 'cameras', /key of a camera/, /lower-case/],
    ['cameras:\n  __proto__: {}\n', '2, column 3', 'cameras', /key of a camera/, /lower-case/],
    [`${DOOR}    priority: high\n`, '5, column 5', 'cameras.door.priority', /not usable/, /0 to 100/],
    [`${DOOR}    password: 1234\n`, '5, column 5', 'cameras.door.password', /not usable/, /needs quotes/],
    [`${DOOR}    password: x\n`, '2, column 3', 'cameras.door.username', /missing beside/, /user name/],
    [DOOR.replace('rtsp', 'http'), '4, column 7', 'cameras.door.main.url', /no.* RTSP/, /rtsp:/],
    [DOOR.replace('url:', 'transport: udp\n      url:'), '4, column 7', 'cameras.door.main.transport', /go2rtc/, /tcp/],
    [DOOR.replace('10.0.0.2', '127.0.0.1'), '4, column 7', 'cameras.door.main.url', /this machine/, /address/],
    [`${DOOR}    username: \${NONE}\n`, '5, column 15', undefined, /NONE is not set/, /Set NONE/],
    [`${DOOR}    username: \${\n`, '5, column 15', undefined, /name of a variable/, /Write/],
    [
      'settings:\n  storage: {floorBytes: 16777216, floorPercent: 5}\n',
      '2, column 35',
      'settings.storage.floorPercent',
      /"settings.storage.floorPercent" stands beside/,
      /one of them/,
    ],
    ['settings: {log: {}}\n', '1, column 12', 'settings.log', /not a known field/, /Known: storage/],
  ];
  for (const [text, place, field, words, cure] of cases) {
    const error = await refusal(text);
    assert.ok(error.message.startsWith(`${path}, line ${place}: `), `${text}${error.message}`);
    assert.is(error.field, field, error.message);
    assert.match(error.message, words);
    assert.match(error.cure ?? '', cure);
  }
});

test('no refusal repeats a secret', async () => {
  const environment = { SECRET: 'canary' };
  for (const text of [
    `cameras:\n  a:\n    main: {url: "rtsp://u:\${SECRET}@127.0.0.1/x"}\n`,
    `cameras:\n  a:\n    main: {url: "http://u:\${SECRET}@10.0.0.2/x"}\n`,
    `${DOOR}    username: "\${SECRET}\\n"\n`,
    `${DOOR}    username: a\n    password: ["\${SECRET}"]\n`,
    `${DOOR}    username: a\n    password: canary: x\n`,
  ]) {
    const { message, cure } = await refusal(text, environment);
    assert.not.match(`${message} ${cure}`, 'canary');
  }
});

test('files that are too long, no text, or not there', async () => {
  assert.match((await refusal(`# ${'x'.repeat(256 * 1024)}`)).message, 'too long');
  assert.match((await refusal(Buffer.from([0x61, 0x3a, 0xff, 0xfe]))).message, 'UTF-8');
  const gone = await readConfiguration(join(dir, 'gone.yaml'), { environment: {}, ...WAY }).catch(error => error);
  assert.match(gone.message, /gone\.yaml cannot be read/);
  assert.is(gone.kind, 'invalid-argument');
  const pipe = join(dir, 'pipe');
  assert.is(spawnSync('mkfifo', [pipe]).status, 0);
  for (const odd of ['/dev/zero', dir, pipe]) {
    const error = await readConfiguration(odd, { environment: {}, ...WAY }).catch(reason => reason);
    assert.match(error.message, 'no ordinary file');
  }
});

const USERS = `${DOOR}users:\n  anna:\n    role: admin\n    password: correct horse staple\n`;

test('users have roles, passwords from elsewhere, and cameras by their keys', async () => {
  writeFileSync(join(dir, 'bob.txt'), 'another horse staple\n');
  const bob =
    '  bob:\n    name: Bob B\n    role: viewer\n    passwordFile: bob.txt\n    cameras: [door]\n    rights: [export]\n';
  const { users } = await read(USERS + bob);
  assert.equal(users, [
    { key: 'anna', name: 'anna', password: 'correct horse staple', role: 'admin', rights: [] },
    {
      key: 'bob',
      name: 'Bob B',
      password: 'another horse staple',
      role: 'viewer',
      rights: ['export'],
      cameras: ['door'],
    },
  ]);
  assert.is((await read(DOOR)).users, undefined);
  assert.equal((await read('users: {}')).users, []);
  const fromEnvironment = await read(USERS.replace('correct horse staple', `\${ANNA}`), {
    ANNA: 'secret horse staple',
  });
  assert.is(fromEnvironment.users?.[0]?.password, 'secret horse staple');
});

test('users that cannot be are refused where they stand, without their passwords', async () => {
  const cases: [text: string, field: string][] = [
    [USERS.replace('role: admin', 'role: root'), 'users.anna.role'],
    [USERS.replace('    role: admin\n', ''), 'users.anna.role'],
    [USERS.replace('    password: correct horse staple\n', ''), 'users.anna'],
    [USERS.replace('correct horse staple', 'short'), 'users.anna.password'],
    [USERS.replace('correct horse staple', '1234567890'), 'users.anna.password'],
    [USERS.replace('correct horse staple', 'password123'), 'users.anna.password'],
    [`${USERS}    passwordFile: bob.txt\n`, 'users.anna.passwordFile'],
    [`${USERS}    cameras: [yard]\n`, 'users.anna.cameras.0'],
    [`${USERS}    cameras: [1]\n`, 'users.anna.cameras.0'],
    [`${USERS}    rights: [all]\n`, 'users.anna.rights.0'],
    [`${USERS}    admin: true\n`, 'users.anna.admin'],
    [`${USERS}  other:\n    name: ANNA\n    role: viewer\n    password: another horse staple\n`, 'users.other.name'],
    [`${USERS}  Bob:\n    role: viewer\n    password: another horse staple\n`, 'users'],
    ['users: [anna]', 'users'],
    ['users:\n  anna: 3\n', 'users.anna'],
    ['users:\n  __proto__:\n    role: admin\n', 'users'],
  ];
  for (const [text, field] of cases) {
    const error = await refusal(text);
    assert.is(error.field, field, text);
    assert.match(error.message, /line \d+, column \d+/);
    assert.not.match(error.message + error.cure, /horse|password123/);
  }
});

test.run();
