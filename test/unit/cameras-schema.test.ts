import * as assert from 'uvu/assert';
import { createRecord, mergeRecord } from '../../src/cameras/camera-merge.ts';
import {
  type CameraPatch,
  cameraPatchSchema,
  type NewCamera,
  newCameraSchema,
  parseRecord,
} from '../../src/cameras/camera-schema.ts';
import { parseCameraUrl, sameAddress } from '../../src/cameras/camera-url.ts';
import { NvrError, parseInput } from '../../src/core/index.ts';
import { suite } from '../support/suite.ts';

const test = suite('cameras schema');

const options = {
  allowLoopback: false,
  seal: (text: string) => `sealed(${text})`,
  unseal: (sealed: string) => sealed.slice('sealed('.length, -1),
};
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
const sub = 'rtsp://10.0.0.2:554/sub';
const minimal = { name: 'Door', main: { url } };

test('a name and a URL are enough', () => {
  assert.equal(create(minimal), {
    id: 7,
    name: 'Door',
    enabled: true,
    priority: 50,
    main: { url, transport: 'tcp' },
    audio: true,
    record: { mode: 'continuous', streams: 'auto', segmentMs: 300_000 },
    events: { preRollMs: 5000, postRollMs: 10_000, mergeMs: 10_000, maxMs: 600_000, alsoTrigger: [] },
    retention: { days: null, eventDays: null, quotaBytes: null },
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
    'exec:ffmpeg',
    'tcp://10.0.0.2/',
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
  assert.equal(kept.retention, { days: 7, eventDays: null, quotaBytes: 2 ** 30 });
  assert.equal(merge(kept, { retention: { days: null } }).retention, {
    days: null,
    eventDays: null,
    quotaBytes: 2 ** 30,
  });
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

test('a sub stream is written, merged and taken away', () => {
  const base = create({ ...minimal, username: 'u', password: 'p', sub: { url: sub } });
  assert.equal(base.sub, { url: sub, transport: 'tcp' });
  const more = merge(base, { sub: { fallbackUrls: ['rtsp://u:p@10.0.0.3/'] } });
  assert.equal(more.sub, { url: sub, transport: 'tcp', fallbackUrls: ['rtsp://10.0.0.3/'] });
  assert.equal(more.main, base.main);
  const without = merge(more, { sub: null });
  assert.not.ok('sub' in without);
  assert.is(refusal(() => merge(without, { sub: { transport: 'tcp' } })).field, 'sub.url');
  assert.equal(merge(without, { sub: { url: sub } }), base);
});

test('a sub stream shares the login of its camera', () => {
  const withLogin = 'rtsp://bob:canary@10.0.0.2/sub';
  const first = create({ ...minimal, sub: { url: withLogin } });
  assert.equal(
    [first.sub?.url, first.username, first.sealedPassword],
    ['rtsp://10.0.0.2/sub', 'bob', 'sealed(canary)'],
  );
  const repeated = create({ name: 'D', main: { url: 'rtsp://bob:canary@10.0.0.2/main' }, sub: { url: withLogin } });
  assert.equal([repeated.sub?.url, repeated.username], ['rtsp://10.0.0.2/sub', 'bob']);
  assert.is(merge(repeated, { sub: { url: withLogin } }).username, 'bob');
  for (const change of [
    () => merge(create({ ...minimal, username: 'bob', password: 'other' }), { sub: { url: withLogin } }),
    () => merge(create({ ...minimal, username: 'amy', password: 'canary' }), { sub: { url: withLogin } }),
    () => merge({ ...repeated, sealedPassword: '' }, { sub: { url: withLogin } }),
  ]) {
    const error = refusal(change);
    assert.is(error.field, 'sub.url');
    assert.not.match(JSON.stringify([error.message, error.cure]), 'canary');
  }
});

test('main and sub at the same address are refused, however it is spelt', () => {
  const same = ['rtsp://10.0.0.2/main', 'rtsp://10.0.0.2:554/main', 'rtsp://10.0.0.2:0554/main', 'RTSP://10.2/main'];
  for (const text of same) {
    const error = refusal(() => create({ ...minimal, sub: { url: text } }));
    assert.equal([error.field, error.message], ['sub.url', '"sub.url" is that of the other stream'], text);
  }
  const base = create({ ...minimal, sub: { url: sub } });
  assert.is(refusal(() => merge(base, { main: { url: sub } })).field, 'main.url');
  const swapped = merge(base, { main: { url: sub }, sub: { url } });
  assert.equal([swapped.main.url, swapped.sub?.url], [sub, url]);
  assert.ok(sameAddress('rtsp://[fd00::1]/x', 'rtsp://[FD00:0::1]:554/x'));
  assert.not.ok(sameAddress('rtsp://[fd00::1]/x', 'rtsp://[fd00::1]:555/x'));
  assert.not.ok(sameAddress('rtsp://cam/x:1', 'rtsp://cam/x:2'));
});

test('the hub is a setting that can be taken back', () => {
  const base = create({ ...minimal, hub: 'direct' });
  assert.is(base.hub, 'direct');
  assert.is(merge(base, { hub: 'go2rtc' }).hub, 'go2rtc');
  assert.not.ok('hub' in merge(base, { hub: null }));
});

test('the streams of a demo camera are its own', () => {
  const demo = { ...create({ ...minimal, sub: { url: sub } }), demo: 1 };
  for (const patch of [{ main: { url } }, { sub: null }, { hub: 'direct' }]) {
    assert.is(refusal(() => merge(demo, patch)).field, Object.keys(patch)[0]);
  }
  assert.is(merge(demo, { record: { streams: 'both' } }).record.streams, 'both');
});

test('refuses values out of bounds, naming the field', () => {
  const cases: [string, unknown][] = [
    ['name', { ...minimal, name: '' }],
    ['name', { ...minimal, name: 'x'.repeat(65) }],
    ['name', { ...minimal, name: 'a\u0007b' }],
    ['name', { main: { url } }],
    ['main.url', { name: 'D', main: {} }],
    ['main.transport', { name: 'D', main: { url, transport: 'quic' } }],
    ['hub', { ...minimal, hub: 'vlc' }],
    ['record.mode', { ...minimal, record: { mode: 'motion' } }],
    ['record.schedule', { ...minimal, record: { schedule: 'c'.repeat(167) } }],
    ['events.preRollMs', { ...minimal, events: { preRollMs: 30_001 } }],
    ['events.postRollMs', { ...minimal, events: { postRollMs: -1 } }],
    ['events.maxMs', { ...minimal, events: { maxMs: 9999 } }],
    ['events.alsoTrigger.0', { ...minimal, events: { alsoTrigger: ['2'] } }],
    ['events.alsoTrigger', { ...minimal, events: { alsoTrigger: [7] } }],
    ['record.streams', { ...minimal, record: { streams: 'sub' } }],
    ['record.streams', { ...minimal, record: { streams: ['main'] } }],
    ['record.segmentMs', { ...minimal, record: { segmentMs: 4999 } }],
    ['retention.days', { ...minimal, retention: { days: 0 } }],
    ['retention.days', { ...minimal, retention: { days: 1.5 } }],
    ['retention.quotaBytes', { ...minimal, retention: { quotaBytes: 1000 } }],
    ['retention.eventDays', { ...minimal, retention: { eventDays: 0 } }],
    ['record.segmentMs', { ...minimal, record: { segmentMs: 3_600_001 } }],
    ['record.segmentMs', { ...minimal, record: { segmentMs: 5000.5 } }],
    ['priority', { ...minimal, priority: -1 }],
    ['audio', { ...minimal, audio: 'yes' }],
    ['username', { ...minimal, username: 'x'.repeat(257) }],
    ['id', { ...minimal, id: 3 }],
    ['sub.url', { ...minimal, sub: {} }],
    ['sub.url', { ...minimal, sub: { url: 'rtsp://127.0.0.1/' } }],
    ['sub.fallbackUrls.0', { ...minimal, sub: { url: sub, fallbackUrls: ['exec:x'] } }],
    ['sub.password', { ...minimal, sub: { url: sub, password: 'x' } }],
    ['hasPassword', { ...minimal, hasPassword: true }],
    ['sealedPassword', { ...minimal, sealedPassword: 'x' }],
    ['demo', { ...minimal, demo: 1 }],
  ];
  for (const [field, input] of cases) assert.is(refusal(() => create(input)).field, field);
});

test('a schedule and the settings of events are merged field by field', () => {
  const base = create({ ...minimal, record: { schedule: 'cer-'.repeat(42) } });
  assert.is(base.record.schedule, 'cer-'.repeat(42));
  const merged = merge(base, { events: { preRollMs: 8000 }, record: { segmentMs: 60_000 } });
  assert.is(merged.record.schedule, 'cer-'.repeat(42));
  assert.is(merged.events.preRollMs, 8000);
  assert.is(merged.events.postRollMs, 10_000);
  assert.not('schedule' in merge(merged, { record: { schedule: null } }).record);
});

test('what the store gives back is checked as well', () => {
  const record = create(minimal);
  assert.equal(parseRecord(JSON.parse(JSON.stringify(record))), record);
  const old = { ...record, record: { ...record.record, streams: ['main'] } };
  assert.equal(parseRecord(old), record, 'stored before there were sub streams');
  const later = { ...record, hub: 'go2rtc', sub: { url: 'rtsps://10.0.0.2/', transport: 'tls' } };
  assert.equal(parseRecord(later), later, 'what this version cannot reach is kept');
  for (const bad of [null, {}, { ...record, id: 0 }, { ...record, main: 5 }, { ...record, surplus: 1 }]) {
    refusal(() => parseRecord(bad));
  }
});

test.run();
