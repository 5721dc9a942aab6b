// Groups of cameras: changes, bounds, what those see who may see only some cameras, and what a damaged row gives.
import { rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Caller } from '../../src/accounts/index.ts';
import { errorReply } from '../../src/api/error-reply.ts';
import { groupRoutes } from '../../src/api/group-routes.ts';
import { CameraGroups } from '../../src/api/groups.ts';
import { Router } from '../../src/api/router.ts';
import { newCameraSchema } from '../../src/cameras/index.ts';
import { parseInput } from '../../src/core/index.ts';
import { ADMIN, askRouter } from '../support/ask-router.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('groups');

let folder: string;
let fakes: FakeServices;
let router: Router;
let row: unknown;

test.before.each(async () => {
  folder = tempDir('groups');
  fakes = await fakeServices(folder);
  row = undefined;
  const store = { get: () => row, put: async (_: string, value: unknown) => void (row = structuredClone(value)) };
  router = new Router(groupRoutes({ ...fakes.services, groups: new CameraGroups(store) }));
  for (const name of ['Door', 'Yard', 'Shed']) {
    await fakes.cameras.add(parseInput(newCameraSchema, { name, main: { url: `rtsp://10.0.0.2/${name}` } }));
  }
});
test.after.each(async () => {
  await fakes.cameras.stop();
  rmSync(folder, { recursive: true });
});

async function ask(method: string, path: string, body?: unknown, caller: Caller = ADMIN) {
  const request = {
    ...{ method, path, query: '', remoteAddress: '127.0.0.1', secure: false },
    header: (name: string) => (name === 'content-type' ? 'application/json' : undefined),
    body: async () => Buffer.from(JSON.stringify(body)),
  };
  const reply = await askRouter(router, request, caller).catch(error => errorReply(error, () => undefined));
  return { status: reply.status, json: reply.body ? JSON.parse(String(reply.body)) : undefined };
}

const GROUP = { name: ' Front ', cameras: [2, 1], layout: '2x2' };

test('add, change, put in order, remove', async () => {
  const added = await ask('POST', '/api/groups', GROUP);
  assert.equal([added.status, added.json], [201, { id: 1, name: 'Front', cameras: [2, 1], layout: '2x2' }]);
  await ask('POST', '/api/groups', { ...GROUP, name: 'Back', cameras: [] });
  const changed = await ask('PATCH', '/api/groups/1', { cameras: [3] });
  assert.equal(changed.json, { id: 1, name: 'Front', cameras: [3], layout: '2x2' });
  const sorted = await ask('PATCH', '/api/groups', { order: [2, 1] });
  assert.equal(
    sorted.json.groups.map((group: { id: number }) => group.id),
    [2, 1],
  );
  for (const order of [[1], [1, 1], [1, 3], [1, 2, 3]]) {
    assert.is((await ask('PATCH', '/api/groups', { order })).json.error.field, 'order');
  }
  assert.is((await ask('DELETE', '/api/groups/2')).status, 204);
  assert.is((await ask('DELETE', '/api/groups/2')).status, 404);
  assert.is((await ask('PATCH', '/api/groups/x', {})).status, 404);
  // What was stored comes back.
  assert.is(new CameraGroups({ get: () => row, put: async () => undefined }).list()[0]?.name, 'Front');
});

test('wrong input names its field; there is an end to their number', async () => {
  for (const [body, field] of [
    [{ ...GROUP, name: '  ' }, 'name'],
    [{ ...GROUP, cameras: [1, 1] }, 'cameras'],
    [{ ...GROUP, cameras: [0] }, 'cameras.0'],
    [{ ...GROUP, layout: '5x5' }, 'layout'],
    [{ ...GROUP, other: 1 }, 'other'],
  ] as const) {
    const { status, json } = await ask('POST', '/api/groups', body);
    assert.equal([status, json.error.field], [400, field]);
  }
  for (let n = 0; n < 32; n++) assert.is((await ask('POST', '/api/groups', GROUP)).status, 201);
  assert.is((await ask('POST', '/api/groups', GROUP)).json.error.kind, 'resource-exhausted');
});

test('cameras that somebody may not see are not told of, and stay in a group that they change', async () => {
  const some: Caller = { ...ADMIN, role: 'operator', cameras: new Set([1]) };
  await ask('POST', '/api/groups', { ...GROUP, cameras: [2, 1] });
  await ask('POST', '/api/groups', { ...GROUP, cameras: [2] });
  assert.equal(
    (await ask('GET', '/api/groups', undefined, some)).json.groups.map((group: { cameras: number[] }) => group.cameras),
    [[1]],
  );
  assert.equal((await ask('PATCH', '/api/groups/1', { cameras: [] }, some)).json.cameras, []);
  assert.equal((await ask('GET', '/api/groups')).json.groups[0].cameras, [2]);
});

test('cameras that are gone are in no group; a damaged row is as none', async () => {
  await ask('POST', '/api/groups', GROUP);
  await fakes.cameras.remove(2);
  assert.equal((await ask('GET', '/api/groups')).json.groups[0].cameras, [1]);
  for (const damaged of [7, [{}], [{ id: 'x' }], null]) {
    assert.equal(new CameraGroups({ get: () => damaged, put: async () => undefined }).list(), []);
  }
});

test('a group that somebody does not see can be neither changed nor removed by them', async () => {
  const some: Caller = { ...ADMIN, role: 'operator', cameras: new Set([1]) };
  await ask('POST', '/api/groups', { ...GROUP, name: 'Secret', cameras: [2] });
  for (const [method, body] of [
    ['PATCH', { name: 'Mine' }],
    ['PATCH', { cameras: [1] }],
    ['DELETE', undefined],
  ] as const) {
    const { status, json } = await ask(method, '/api/groups/1', body, some);
    assert.equal([status, json.error.message], [404, 'there is no such group']);
  }
  assert.is((await ask('GET', '/api/groups')).json.groups[0].name, 'Secret');
});

test('who sees only some groups sorts those, and the others keep their places', async () => {
  for (const cameras of [[2], [1], [2], [1]]) await ask('POST', '/api/groups', { ...GROUP, cameras });
  const some: Caller = { ...ADMIN, role: 'operator', cameras: new Set([1]) };
  assert.is((await ask('PATCH', '/api/groups', { order: [4, 2] }, some)).status, 200);
  const ids = async () => (await ask('GET', '/api/groups')).json.groups.map(({ id }: { id: number }) => id);
  assert.equal(await ids(), [1, 4, 3, 2]);
  for (const order of [[2], [1, 4, 3, 2], [2, 3], [2, 2]]) {
    assert.is((await ask('PATCH', '/api/groups', { order }, some)).json.error.field, 'order');
  }
  assert.equal(await ids(), [1, 4, 3, 2]);
});

test('a group whose cameras are all gone is still told of, so that it can be sorted and removed', async () => {
  await ask('POST', '/api/groups', { ...GROUP, cameras: [2] });
  await ask('POST', '/api/groups', { ...GROUP, cameras: [1] });
  await fakes.cameras.remove(2);
  const list = (await ask('GET', '/api/groups')).json.groups;
  assert.equal(
    list.map((group: { id: number; cameras: number[] }) => [group.id, group.cameras]),
    [
      [1, []],
      [2, [1]],
    ],
  );
  assert.is((await ask('PATCH', '/api/groups', { order: [2, 1] })).status, 200);
  assert.is((await ask('DELETE', '/api/groups/1')).status, 204);
});

test.run();
