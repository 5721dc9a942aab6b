// Cameras and settings from a file: started with it, changed in it, taken out of it; and files that cannot be used.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { CameraList, ErrorBody, SegmentList, Settings } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { footageFaults, listSegments, segmentFiles } from '../support/footage.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('provisioning', { timeoutMs: 60_000 });
let camera: Camera;
test.before(async () => {
  camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
});
test.after(async () => {
  await stopChildren();
  await camera.stop();
});

const configPath = join(tempDir('config'), 'thimble.yaml');

/** Starts it with this file. */
function start(yaml: string, options: { dataDir?: string; env?: Record<string, string> } = {}): Promise<Service> {
  writeFileSync(configPath, yaml);
  return Service.start({ ...options, args: ['--config', configPath] });
}

async function cameras(service: Service) {
  const list = await service.get<CameraList>('/api/cameras');
  return list.cameras.map(({ id, name, enabled, provisioned }) => ({
    id,
    name,
    enabled,
    ...(provisioned && { provisioned }),
  }));
}

async function recorded(service: Service, id: number): Promise<void> {
  await service.until<SegmentList>(`/api/segments?camera=${id}`, ({ segments }) =>
    segments.some(segment => segment.open && segment.sizeBytes > 0),
  );
}

const door = (more = '') => `  door:\n    main:\n      url: ${camera.url}\n${more}`;
const yard = () => `  yard:\n    name: Back yard\n    main: {url: "${camera.url}"}\n`;

test('cameras of a file are recorded; a changed file changes them, one that leaves it is disabled with its footage', async () => {
  const login = `    username: viewer\n    password: \${DOOR_PASSWORD}\n`;
  const env = { DOOR_PASSWORD: 'canary-1' };
  const first = await start(`cameras:\n${door(login)}${yard()}settings:\n  storage:\n    floorPercent: 3\n`, { env });
  const { dataDir } = first;
  assert.equal(await cameras(first), [
    { id: 1, name: 'door', enabled: true, provisioned: 'door' },
    { id: 2, name: 'Back yard', enabled: true, provisioned: 'yard' },
  ]);
  for (const id of [1, 2]) await recorded(first, id);
  const settings = await first.get<Settings>('/api/settings');
  assert.equal([settings.storage.floorPercent, settings.provisioned], [3, ['storage']]);

  const refused = [
    await first.ask<ErrorBody>('PATCH', '/api/cameras/1', { name: 'Mine' }),
    await first.ask<ErrorBody>('DELETE', '/api/cameras/1?footage=delete'),
    await first.ask<ErrorBody>('PATCH', '/api/settings', { storage: { floorPercent: 5 } }),
  ];
  for (const { status, body } of refused) {
    assert.equal([status, body.error.kind], [409, 'failed-precondition']);
    assert.ok(body.error.message.endsWith(configPath), body.error.message);
    assert.match(body.error.cure ?? '', /^Change "(cameras\.door|settings\.storage)" there and restart/);
  }
  const own = await first.post<{ id: number }>('/api/cameras', { name: 'Own', main: { url: camera.url } });
  assert.is((await first.ask('PATCH', `/api/cameras/${own.id}`, { enabled: false })).status, 200);
  assert.is((await first.stop()).code, 0);
  for (const text of [
    ...first.child.stdout,
    ...first.child.stderr,
    readFileSync(join(dataDir, 'cameras.json'), 'utf8'),
  ])
    assert.not.match(text, 'canary');

  const second = await start(`cameras:\n${door('    name: Front\n')}`, { dataDir });
  assert.equal(await cameras(second), [
    { id: 1, name: 'Front', enabled: true, provisioned: 'door' },
    { id: 2, name: 'Back yard', enabled: false },
    { id: 3, name: 'Own', enabled: false },
  ]);
  await recorded(second, 1);
  assert.equal((await second.get<CameraList>('/api/cameras')).cameras[1]?.state.reason, 'not-listed');
  assert.is((await listSegments(second, 2)).length, 1, 'its footage is there');
  assert.equal((await second.get<Settings>('/api/settings')).provisioned, []);
  assert.is((await second.patch<Settings>('/api/settings', { storage: { floorPercent: 4 } })).storage.floorPercent, 4);
  assert.is((await second.stop()).code, 0);

  const third = await start(`cameras:\n${door()}${yard()}`, { dataDir });
  assert.equal((await cameras(third)).slice(0, 2), [
    { id: 1, name: 'door', enabled: true, provisioned: 'door' },
    { id: 2, name: 'Back yard', enabled: true, provisioned: 'yard' },
  ]);
  await recorded(third, 2);
  assert.equal(await footageFaults(third), []);
  assert.is((await third.stop()).code, 0);

  const without = await Service.start({ dataDir });
  assert.is(
    (await without.ask('PATCH', '/api/cameras/1', { name: 'Mine' })).status,
    200,
    'without the file it is free',
  );
  assert.is((await without.stop()).code, 0);
});

test('a file that cannot be used: exit code 2, file, line, field and cure, and nothing is changed', async () => {
  const good = await start(`cameras:\n${door()}`);
  await recorded(good, 1);
  await good.stop();
  const { dataDir } = good;
  const before = [readFileSync(join(dataDir, 'cameras.json'), 'utf8'), ...segmentFiles(dataDir)];
  const cases: [yaml: string, words: string, cure: string][] = [
    [`cameras:\n${door('    nmae: x\n')}${yard()}`, 'line 5, column 5: "cameras.door.nmae" is not a known', 'name'],
    [`cameras:\n${yard()}${door('\tname: x\n')}`, 'line 8, column 1: a tab', 'blanks'],
    [`cameras:\n${door(`    password: \${THIMBLE_NO_SUCH}\n`)}`, 'THIMBLE_NO_SUCH is not set', 'Set'],
    ['settings: {storage: {floorBytes: 1125899906842624}}\n', 'more than half of the volume', 'at most'],
  ];
  for (const [yaml, words, cure] of cases) {
    writeFileSync(configPath, yaml);
    const { child } = Service.spawn({ dataDir, args: ['--config', configPath] });
    assert.equal(await child.exited, { code: 2, signal: null });
    const [message = '', advice = ''] = child.stderr;
    assert.ok(message.startsWith(`thimble: ${configPath}, line `) && message.includes(words), message);
    assert.ok(advice.includes(cure), advice);
    assert.equal([readFileSync(join(dataDir, 'cameras.json'), 'utf8'), ...segmentFiles(dataDir)], before);
  }
  const { child } = Service.spawn({ dataDir, env: { THIMBLE_CONFIG: '/no/such.yaml' } });
  assert.is((await child.exited).code, 2);
  assert.match(child.stderr.join(' '), '/no/such.yaml cannot be read');
});

test.run();
