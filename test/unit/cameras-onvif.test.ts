// ONVIF in the settings of a camera: what is taken, what is stored, and what comes from a file.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { createRecord, mergeRecord } from '../../src/cameras/camera-merge.ts';
import { cameraPatchSchema, newCameraSchema, parseRecord } from '../../src/cameras/camera-schema.ts';
import { DirectHub, planProvisioned } from '../../src/cameras/index.ts';
import { fitting, isNews } from '../../src/cameras/onvif-known.ts';
import { NvrError, parseInput } from '../../src/core/index.ts';
import type { OnvifCapabilities } from '../../src/onvif/index.ts';
import { readConfiguration } from '../../src/provisioning/index.ts';
import { FakeStore } from '../support/fake-store.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('onvif in the settings of cameras');

const store = new FakeStore();
const options = {
  allowLoopback: false,
  seal: (text: string) => store.seal(text),
  unseal: (text: string) => store.unseal(text),
};
const make = (onvif: object | null) =>
  createRecord(1, parseInput(newCameraSchema, { name: 'Door', main: { url: 'rtsp://10.0.0.2/a' }, onvif }), options);
const patch = (record: ReturnType<typeof make>, onvif: object | null) =>
  mergeRecord(record, parseInput(cameraPatchSchema, { onvif }), options);

const FOUND: OnvifCapabilities = {
  information: { manufacturer: 'Maker' },
  clockOffsetMs: 5,
  profiles: [{ token: 'main', name: 'Main', codec: 'h264', width: 1920, height: 1080, ptz: true }],
  events: true,
  eventKinds: ['motion'],
  ptz: null,
  relays: [{ token: 'R1' }],
  dayNight: false,
};

function refusal(action: () => unknown): NvrError {
  try {
    action();
  } catch (error) {
    if (!(error instanceof NvrError)) throw error;
    assert.ok(error.cure);
    return error;
  }
  throw new Error('it was taken');
}

test('an address is enough, and a patch changes what it names', () => {
  const record = make({ address: '10.0.0.2:8000' });
  assert.equal(record.onvif, { address: '10.0.0.2:8000', events: true, checkCertificate: false, allowBasic: false });
  const changed = patch(record, { kinds: ['person', 'motion', 'person'], username: 'u', password: 'canary' });
  assert.equal([changed.onvif?.kinds, changed.onvif?.username], [['motion', 'person'], 'u']);
  assert.not.match(JSON.stringify(changed), 'canary');
  assert.equal(parseRecord(JSON.parse(JSON.stringify(changed))), changed);
  const again = patch(changed, { events: false, hasPassword: true });
  assert.equal([again.onvif?.events, again.onvif?.sealedPassword], [false, changed.onvif?.sealedPassword]);
  assert.equal(patch(again, { kinds: null, username: null }).onvif, { ...record.onvif, events: false });
  assert.is(patch(again, null).onvif, undefined);
});

test('what cannot be an address, or a login, is refused at its field', () => {
  for (const address of [
    'http://u:p@10.0.0.2/',
    'ftp://10.0.0.2',
    '127.0.0.1',
    'localhost:80',
    '224.0.0.1',
    '[::1]:80',
  ])
    assert.is(refusal(() => make({ address })).field, 'onvif.address', address);
  assert.is(refusal(() => make({ address: '10.0.0.2', password: 'x' })).field, 'onvif.username');
  assert.is(refusal(() => patch(make(null), { events: true })).field, 'onvif.address');
  assert.is(refusal(() => make({ address: '10.0.0.2', kinds: ['other'] })).field, 'onvif.kinds.0');
});

test('what was found out holds for this device only, and damage of it costs no camera', () => {
  const known = { ...make({ address: '10.0.0.2' }), capabilities: FOUND };
  assert.equal(patch(known, { events: false }).capabilities, FOUND);
  assert.is(patch(known, { address: '10.0.0.3' }).capabilities, undefined);
  assert.is(patch(known, { videoSource: 'VS2' }).capabilities, undefined);
  assert.equal(parseRecord(JSON.parse(JSON.stringify(known))).capabilities, FOUND);
  for (const damage of [7, { ...FOUND, profiles: 'x' }, { ...FOUND, more: 1 }])
    assert.is(parseRecord({ ...known, capabilities: damage }).capabilities, undefined);
});

test('of a recorder with very many profiles the first are kept, and what is the same is not written again', () => {
  const [first] = FOUND.profiles;
  const many = { ...FOUND, profiles: Array.from({ length: 128 }, (_, n) => ({ ...first, token: `${n}`.repeat(60) })) };
  const kept = fitting(many as OnvifCapabilities);
  assert.ok(kept.profiles.length >= 8 && JSON.stringify(kept).length <= 16_384);
  assert.is(isNews(many as OnvifCapabilities, kept), false);
  assert.is(isNews({ ...FOUND, clockOffsetMs: 900 }, FOUND), false, 'measured anew');
  assert.is(isNews({ ...FOUND, clockOffsetMs: 9000 }, FOUND), true);
  assert.is(isNews({ ...FOUND, dayNight: true }, FOUND), true);
  assert.is(isNews(FOUND, undefined), true);
});

test('a file gives it, with its password from where it likes, and the next start writes nothing', async () => {
  const folder = tempDir('config');
  const path = join(folder, 'thimble.yaml');
  writeFileSync(join(folder, 'password'), 'canary\n');
  const hub = new DirectHub({ allowLoopback: false });
  const read = (lines: string[]) => {
    const head = ['cameras:', '  door:', '    main: {url: "rtsp://10.0.0.2/a"}', '    onvif:'];
    writeFileSync(path, [...head, ...lines.map(line => `      ${line}`), ''].join('\n'));
    return readConfiguration(path, { environment: {}, allowLoopback: false, hub });
  };
  const { cameras } = await read(['address: 10.0.0.2', 'username: u', 'passwordFile: password']);
  const own = new FakeStore();
  const first = await planProvisioned(cameras, own, false);
  const [record] = first.records;
  assert.ok(record);
  assert.is(own.unseal(record.onvif?.sealedPassword ?? ''), 'canary');
  await own.cameras.put({ ...record, capabilities: FOUND });
  assert.equal((await planProvisioned(cameras, own, false)).records, []);
  const other = await planProvisioned((await read(['address: 10.0.0.2', 'events: false'])).cameras, own, false);
  assert.equal([other.changed, other.records[0]?.capabilities], [['door'], FOUND]);
  const moved = await planProvisioned((await read(['address: 10.0.0.9'])).cameras, own, false);
  assert.is(moved.records[0]?.capabilities, undefined);
  const error = await read(['address: 127.0.0.1']).catch(reason => reason);
  assert.instance(error, NvrError);
  assert.equal([error.field, /line 5/.test(error.message)], ['cameras.door.onvif.address', true]);
});

test.run();
