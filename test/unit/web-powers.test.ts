// What the fields of users, tokens and webhooks mean to the board.
import * as assert from 'uvu/assert';
import type { Camera } from '../../src/api/contract.ts';
import { cameraFields, camerasOf, powerFields, powersDraft, rightsOf } from '../../web/src/settings/powers.ts';
import { setCameras } from '../../web/src/state.ts';
import { suite } from '../support/suite.ts';

const test = suite('web powers');
test.before(() => setCameras([1, 2, 3].map(id => ({ id, name: `camera ${id}` }) as Camera)));

const keys = (fields: readonly { key: string }[]) => fields.map(({ key }) => key);

test('what somebody has goes into the fields and back', () => {
  const draft = powersDraft({ role: 'viewer', cameras: [1, 3], rights: ['export', 'fly' as 'talk'] });
  assert.equal(camerasOf(draft), [1, 3]);
  assert.equal(rightsOf(draft), ['export', 'fly'], 'rights of a newer board stay');
  assert.equal(camerasOf({ ...draft, 'cam.1': false }), [3]);
  assert.equal(rightsOf({ ...draft, 'right.export': false, 'right.talk': true }), ['fly', 'talk']);
});

test('no list is all cameras, an empty one is none', () => {
  assert.is(camerasOf(powersDraft({ role: 'viewer' })), undefined);
  assert.equal(camerasOf(powersDraft({ role: 'viewer', cameras: [] })), []);
  assert.equal(camerasOf({ ...powersDraft({}), all: false, 'cam.2': true }), [2]);
});

test('a camera that was removed is not sent any more', () => {
  assert.equal(camerasOf(powersDraft({ cameras: [2, 9] })), [2]);
});

test('an admin has no fields for what all admins may, and nobody gets a role above the own', () => {
  assert.equal(keys(powerFields(powersDraft({ role: 'admin' }))), ['role']);
  assert.equal(keys(cameraFields({ all: true })), ['all']);
  assert.equal(keys(cameraFields({})), ['all', 'cam.1', 'cam.2', 'cam.3']);
  const [role] = powerFields({ all: true }, 'operator');
  assert.equal(role?.kind === 'choice' ? role.options.map(({ value }) => value) : [], ['viewer', 'operator']);
});

test.run();
