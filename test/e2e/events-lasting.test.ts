// Events over the life of the service: hours in which one goes on, a kill in the middle of it, and a lock that outlives the index.
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { Event, EventList } from '../../src/api/contract.ts';
import { Camera } from '../support/camera.ts';
import { Child, stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { listSegments } from '../support/footage.ts';
import { HookServer } from '../support/hook-server.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/thimble.js', import.meta.url));
const PRE_ROLL_MS = 2000;

const test = suite('events over the life of the service', { timeoutMs: 90_000 });
let camera: Camera;
let hooks: HookServer;
test.after(async () => {
  await stopChildren();
  await camera?.stop();
  await hooks?.stop();
});

/** The newest event, once it satisfies. */
async function newest(service: Service, done: (event: Event) => boolean): Promise<Event> {
  const { events } = await service.until<EventList>(
    '/api/events?limit=1',
    ({ events: [one] }) => one !== undefined && done(one),
    20_000,
  );
  return events[0] as Event;
}

function closed(): string[] {
  return hooks.heard.map(({ body }) => JSON.parse(body) as Event).map(({ id }) => id);
}

test('an hour of the schedule is an event, which a kill ends and its lock keeps', async () => {
  hooks = await HookServer.start();
  camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  const first = await Service.start();
  await first.patch('/api/settings', { webhooks: [{ url: hooks.url, on: ['closed'] }] });
  const { id } = await first.post<{ id: number }>('/api/cameras', {
    ...{ name: 'Yard', main: { url: camera.url }, record: { mode: 'events', segmentMs: 5000 } },
    events: { preRollMs: PRE_ROLL_MS },
  });
  // So that there is a time before it.
  await first.until<{ state: { name: string; main?: { gopMs?: number } } }>(
    `/api/cameras/${id}`,
    ({ state }) => state.name === 'live',
    20_000,
  );
  await new Promise(resolve => setTimeout(resolve, PRE_ROLL_MS + 2000));
  assert.equal(await listSegments(first, id), [], 'nothing is recorded before');
  await first.patch(`/api/cameras/${id}`, { record: { schedule: 'r'.repeat(168) } });
  const begun = await newest(first, ({ preRoll }) => preRoll.deliveredMs >= preRoll.promisedMs);
  assert.equal([begun.sources, begun.endMs, begun.preRoll.promisedMs], [['schedule'], undefined, PRE_ROLL_MS]);
  await first.until<{ segments: unknown[] }>(
    `/api/segments?camera=${id}`,
    ({ segments }) => segments.length > 1,
    20_000,
  );
  await first.patch(`/api/events/${begun.id}`, { locked: true, note: 'kept' });
  assert.equal(closed(), []);
  first.kill('SIGKILL');
  await first.child.exited;

  const { dataDir } = first;
  const second = await Service.start({ dataDir });
  const after = await newest(second, one => one.id !== begun.id);
  assert.equal([after.sources, after.endMs, after.continues], [['schedule'], undefined, undefined]);
  for (const from = Date.now(); closed().length === 0; ) {
    assert.ok(Date.now() < from + 20_000, 'nobody was told');
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  assert.equal(closed(), [begun.id]);
  const ended = JSON.parse(hooks.heard[0]?.body ?? '') as Event;
  assert.ok((ended.endMs ?? 0) > begun.startMs, `to the end of its footage, ${ended.endMs}`);
  assert.is((await second.get<Event>(`/api/events/${begun.id}`)).endMs, ended.endMs);
  await second.patch(`/api/cameras/${id}`, { record: { schedule: '-'.repeat(168) } });
  await newest(second, one => one.endMs !== undefined);
  await second.stop();
  assert.equal(closed(), [begun.id, after.id], 'each once');

  const child = new Child(process.execPath, [PROGRAM, 'reindex', '--data', dataDir]);
  assert.is((await child.exited).code, 0, child.stderr.join('\n'));
  const third = await Service.start({ dataDir });
  const { events } = await third.get<EventList>('/api/events');
  assert.equal(
    events.map(one => [one.id, one.locked, one.note]),
    [[begun.id, true, 'kept']],
  );
  const [oldest] = await listSegments(third, id);
  const refused = await third.ask<{ error: { kind: string } }>('DELETE', `/api/segments/${oldest?.id}`);
  assert.equal([refused.status, refused.body.error.kind], [409, 'failed-precondition']);
  await third.stop();
  assert.equal(closed(), [begun.id, after.id]);
});

test.run();
