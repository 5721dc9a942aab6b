import * as assert from 'uvu/assert';
import {
  type CameraPatch,
  cameraPatchSchema,
  createRecord,
  mergeRecord,
  type NewCamera,
  newCameraSchema,
  parseRecord,
} from '../../src/cameras/camera-schema.ts';
import { parseCameraUrl } from '../../src/cameras/camera-url.ts';
import { NvrError, parseInput } from '../../src/core/index.ts';
import { suite } from '../support/suite.ts';

const test = suite('cameras schema');

const options = { allowLoopback: false, seal: (text: string) => `sealed(${text})` };
const create = (input: unknown) => createRecord(7, parseInput(newCameraSchema, input) as NewCamera, options);
const merge = (base: ReturnType<typeof create>, patch: unknown) =>
  mergeRecord(base, parseInput(cameraPatchSchema, patch) as CameraPatch, options);

function refusal(action: () => unknown): NvrError {
  try {
    action();
  } catch (error) {
    assert.instance(error, NvrError);
    assert.is((error as NvrError).kind, 'invalid-argument');
    return error as NvrError;
  }
  throw new Error('accepted');
}

const url = 'rtsp://10.0.0.2:554/main';
const minimal = { name: 'Door', main: { url } };

test('a name and a URL are enough', () => {
  assert.equal(create(minimal), {
    id: 7,
    name: 'Door',
    enabled: true,
    priority: 50,
    main: { url, transport: 'tcp' },
    audio: true,
    record: { mode: 'continuous', streams: ['main'], segmentMs: 300_000 },
    retention: { days: null, quotaBytes: null },
  });
});

test('a login inside the URL is split off, decoded and sealed', () => {
  const record = create({ name: 'Door', main: { url: 'rtsp://ad%6Din:p%40ss:w@rd@10.0.0.2/x?y=1#z' } });
  assert.is(record.main.url, 'rtsp://10.0.0.2/x?y=1#z');
  assert.is(record.username, 'admin');
  assert.is(record.sealedPassword, 'sealed(p@ss:w@rd)');
});

test('a user without a password, and a stray percent sign', () => {
  assert.equal(parseCameraUrl('RTSP://bob@host', 'u', false), {
    url: 'rtsp://host/',
    login: { username: 'bob', password: '' },
  });
  assert.is(parseCameraUrl('rtsp://bob:100%@host/', 'u', false).login?.password, '100%');
});

test('a login in two places is refused', () => {
  const twice = { name: 'D', username: 'a', main: { url: 'rtsp://b:c@10.0.0.2/' } };
  assert.is(refusal(() => create(twice)).field, 'main.url');
});

test('refuses what is no camera address, and never repeats it', () => {
  const bad = [
    'http://10.0.0.2/',
    'rtsp:/10.0.0.2',
    'rtsp://',
    'rtsp:///path',
    'rtsp://u:canary@/path',
    'rtsp://10.0.0.2:0/',
    'rtsp://10.0.0.2:70000/',
    'rtsp://10.0.0.2:x/',
    'rtsp://10.0.0.2/a b',
    'rtsp://10.0.0.2/\r\nX: canary',
    'rtsp://10.0.0.2/\u00e4',
    'rtsp://[zz]/',
    'rtsp://[::1/',
    'rtsp://-host/',
    'rtsp://300.1.1.1/',
    `rtsp://10.0.0.2/${'x'.repeat(2048)}`,
    `rtsp://${'h'.repeat(300)}/`,
    'file:///etc/passwd',
  ];
  for (const text of bad) {
    const error = refusal(() => create({ name: 'D', main: { url: text } }));
    assert.is(error.field, 'main.url', text);
    assert.ok(error.cure, text);
    assert.not.match(JSON.stringify([error.message, error.cure]), 'canary');
  }
});

test('refuses addresses of this machine and link-local ones in every spelling', () => {
  const own = [
    '127.0.0.1',
    '127.9.9.9',
    '127.1',
    '0x7f.1',
    '2130706433',
    '0.0.0.0',
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    '169.254.169.254',
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[fe80::1]',
    '[febf::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
  ];
  for (const host of own) {
    const text = `rtsp://${host}/x`;
    assert.is(refusal(() => parseCameraUrl(text, 'main.url', false)).field, 'main.url', host);
    assert.is(parseCameraUrl(text, 'main.url', true).url, text, host);
  }
  for (const host of ['10.0.0.2', '192.168.1.10', '[fd00::1]', 'camera.lan', 'my_camera', 'localhost.example']) {
    assert.is(parseCameraUrl(`rtsp://${host}/x`, 'main.url', false).url, `rtsp://${host}/x`);
  }
});

test('further URLs share the login', () => {
  const record = create({
    name: 'D',
    main: { url: 'rtsp://a:b@10.0.0.2/', fallbackUrls: ['rtsp://a:b@10.0.0.3/', 'rtsp://10.0.0.4/'] },
  });
  assert.equal(record.main.fallbackUrls, ['rtsp://10.0.0.3/', 'rtsp://10.0.0.4/']);
  const other = { name: 'D', main: { url, fallbackUrls: ['rtsp://a:canary@10.0.0.3/'] } };
  assert.is(refusal(() => create(other)).field, 'main.fallbackUrls.0');
  const many = { name: 'D', main: { url, fallbackUrls: Array(4).fill(url) } };
  assert.is(refusal(() => create(many)).field, 'main.fallbackUrls');
});

test('a change leaves the rest as it is', () => {
  const base = create({ ...minimal, username: 'u', password: 'p', main: { url, fallbackUrls: [url] } });
  const changed = merge(base, { name: ' Gate ', record: { segmentMs: 5000 } });
  assert.equal(changed, { ...base, name: 'Gate', record: { ...base.record, segmentMs: 5000 } });
  const kept = merge(merge(base, { retention: { days: 7 } }), { retention: { quotaBytes: 2 ** 30 } });
  assert.equal(kept.retention, { days: 7, quotaBytes: 2 ** 30 });
  assert.equal(merge(kept, { retention: { days: null } }).retention, { days: null, quotaBytes: 2 ** 30 });
  assert.equal(merge(base, {}), base);
  assert.equal(merge(base, { main: { url: 'rtsp://10.0.0.9/y' } }).main, {
    url: 'rtsp://10.0.0.9/y',
    transport: 'tcp',
    fallbackUrls: [url],
  });
});

test('null takes away', () => {
  const base = create({ ...minimal, username: 'u', password: 'p', main: { url, fallbackUrls: [url] } });
  assert.is(merge(base, { password: null }).sealedPassword, undefined);
  assert.is(merge(base, { password: null }).username, 'u');
  const without = merge(base, { username: null, main: { fallbackUrls: null } });
  assert.equal(
    [without.username, without.sealedPassword, without.main.fallbackUrls],
    [undefined, undefined, undefined],
  );
  assert.is(refusal(() => merge(create(minimal), { password: 'p' })).field, 'username');
});

test('refuses values out of bounds, naming the field', () => {
  const cases: [string, unknown][] = [
    ['name', { ...minimal, name: '' }],
    ['name', { ...minimal, name: 'x'.repeat(65) }],
    ['name', { ...minimal, name: 'a\u0007b' }],
    ['name', { main: { url } }],
    ['main.url', { name: 'D', main: {} }],
    ['main.transport', { name: 'D', main: { url, transport: 'udp' } }],
    ['record.mode', { ...minimal, record: { mode: 'events' } }],
    ['record.streams', { ...minimal, record: { streams: [] } }],
    ['record.streams.0', { ...minimal, record: { streams: ['sub'] } }],
    ['record.segmentMs', { ...minimal, record: { segmentMs: 4999 } }],
    ['retention.days', { ...minimal, retention: { days: 0 } }],
    ['retention.days', { ...minimal, retention: { days: 1.5 } }],
    ['retention.quotaBytes', { ...minimal, retention: { quotaBytes: 1000 } }],
    ['retention.eventDays', { ...minimal, retention: { eventDays: 3 } }],
    ['record.segmentMs', { ...minimal, record: { segmentMs: 3_600_001 } }],
    ['record.segmentMs', { ...minimal, record: { segmentMs: 5000.5 } }],
    ['priority', { ...minimal, priority: -1 }],
    ['audio', { ...minimal, audio: 'yes' }],
    ['username', { ...minimal, username: 'x'.repeat(257) }],
    ['id', { ...minimal, id: 3 }],
    ['sub', { ...minimal, sub: { url } }],
    ['hasPassword', { ...minimal, hasPassword: true }],
    ['sealedPassword', { ...minimal, sealedPassword: 'x' }],
    ['demo', { ...minimal, demo: 1 }],
  ];
  for (const [field, input] of cases) assert.is(refusal(() => create(input)).field, field);
});

test('what the store gives back is checked as well', () => {
  const record = create(minimal);
  assert.equal(parseRecord(JSON.parse(JSON.stringify(record))), record);
  for (const bad of [null, {}, { ...record, id: 0 }, { ...record, main: 5 }, { ...record, surplus: 1 }]) {
    refusal(() => parseRecord(bad));
  }
});

test.run();
