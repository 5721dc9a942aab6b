// Other programs fill the volume: footage makes room down to a part of the most there was, and a recorder that is alone is never bound.
import * as assert from 'uvu/assert';
import { MB, RetentionWorld, T0 } from '../support/retention-world.ts';
import { suite } from '../support/suite.ts';

const test = suite('least footage that is kept');
const SEGMENT_MB = 10;

/** A recorder that has filled its volume of 1000 MB down to the floor of 100 MB. */
async function full(): Promise<RetentionWorld> {
  const world = new RetentionWorld().camera(1);
  world.footage(1, 95);
  await world.look();
  assert.is(footage(world), 900);
  return world;
}

function footage(world: RetentionWorld): number {
  return world.segments.totals().sizeBytes / MB;
}

/** The camera writes one segment after the other; retention looks after each. Resolves with the least free space in between. */
async function writes(world: RetentionWorld, segments: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < segments && world.freeBytes >= SEGMENT_MB * MB; n++) {
    world.add(1, T0 + 96 * 86_400_000 + added++ * 60_000);
    least = Math.min(least, world.freeBytes);
    await world.look();
  }
  return least / MB;
}
let added = 0;

test('the most footage there was is stored with the next commit, and asks for none', async () => {
  const world = await full();
  assert.ok(world.database.dirty, 'nobody has committed');
});

test('others take more and more: the floor is kept by deleting, until a quarter of the footage is left', async () => {
  const world = await full();
  for (let others = 50; others <= 650; others += 50) {
    world.otherBytes = others * MB;
    await world.look();
    assert.is(world.freeBytes / MB, 100, `others ${others}`);
    assert.not.ok(world.retention.problem);
  }
  for (const others of [700, 750, 760]) {
    world.otherBytes = others * MB;
    await world.look();
    assert.is(footage(world), 230, 'not below 25 % of 950 MB but for the segment at the border');
  }
  assert.match(world.retention.problem?.message ?? '', /^Other files have filled the storage volume/);
  assert.match(world.retention.problem?.cure ?? '', /leastKeptPercent/);
  const [line] = world.log.lines.filter(({ level }) => level === 'error');
  assert.match(JSON.stringify(line), 'too little free space');
  world.otherBytes = 0;
  await world.look();
  assert.not.ok(world.retention.problem);
});

test('others that grow slowly get no more: room that is made ahead of the cameras does not lead below the quarter', async () => {
  for (const growing of [1, 5, 20]) {
    const world = await full();
    world.record(1, 8_000_000);
    await world.look();
    for (let n = 0; n < 400 && world.freeBytes >= 2 * SEGMENT_MB * MB; n++) {
      await writes(world, 1);
      world.otherBytes += growing * MB;
      await world.look();
    }
    const left = footage(world);
    assert.ok(left >= (growing === 1 ? 400 : 175), `${left} MB left, others ${growing} MB a look`);
    if (growing > 1) assert.ok(world.retention.problem, 'and it is said');
    // What the owner deletes is not held: the newest goes on replacing the oldest.
    const { segments } = world.segments.list({ camera: 1, startMs: 0, endMs: T0 * 2, limit: 100 });
    for (const { id } of segments.slice(0, 10)) world.forget(id);
    world.otherBytes = 900 * MB - footage(world) * MB;
    await world.look();
    const before = footage(world);
    await writes(world, 20);
    assert.ok(
      footage(world) <= before + SEGMENT_MB && footage(world) >= before - 5 * SEGMENT_MB,
      `${before}, ${footage(world)}`,
    );
    await world.retention.stop();
  }
});

test('a first look at footage of a volume that is full measures by what was there, not by what it leaves', async () => {
  const world = new RetentionWorld().camera(1);
  world.footage(1, 95);
  world.otherBytes = 900 * MB;
  await world.look();
  assert.is(footage(world), 230);
});

test('one huge file at once takes no more than many', async () => {
  const world = await full();
  world.otherBytes = 900 * MB;
  await world.look();
  assert.is(footage(world), 230);
});

test('below the floor recording goes on: new footage replaces the oldest, and no more than that', async () => {
  const world = await full();
  world.otherBytes = 740 * MB;
  await world.look();
  world.record(1);
  await world.look();
  const held = footage(world);
  await writes(world, 50);
  assert.ok(footage(world) >= held - SEGMENT_MB && footage(world) <= held + SEGMENT_MB, `${held} -> ${footage(world)}`);
  // And when even that room is taken, what is left stays.
  world.otherBytes += world.freeBytes;
  const before = footage(world);
  for (let n = 0; n < 20; n++) {
    await world.look();
    world.otherBytes += world.freeBytes;
  }
  assert.ok(footage(world) >= before - 2 * SEGMENT_MB, `${before} -> ${footage(world)}`);
});

test('a recorder that is alone is never bound, however small the volume and high the part', async () => {
  for (const percent of [0, 25, 90]) {
    const world = await full();
    world.settings.leastKeptPercent = percent;
    world.record(1);
    await world.look();
    assert.ok((await writes(world, 40)) >= 90);
    assert.ok(footage(world) >= 880);
    assert.not.ok(world.retention.problem);
  }
});

test('a volume that others had filled before there was footage: it is recorded all the same, and said', async () => {
  const world = new RetentionWorld().camera(1);
  world.otherBytes = 920 * MB;
  world.record(1);
  await world.look();
  await writes(world, 40);
  assert.ok(world.gone.length >= 35, 'the newest replaces the oldest');
  assert.ok(world.retention.problem);
});

test('the most there was outlives a restart, and a volume of another size forgets it', async () => {
  const world = await full();
  world.otherBytes = 600 * MB;
  await world.look();
  assert.is(footage(world), 300);
  await world.restart();
  world.otherBytes = 900 * MB;
  await world.look();
  assert.is(footage(world), 230);
  await world.restart();
  world.totalBytes = 2000 * MB;
  world.otherBytes = 1780 * MB;
  await world.look();
  assert.is(footage(world), 120, 'what the other volume held is no measure');
});

test('quotas and age go on below it, and a quota lowers it; locked footage does not count', async () => {
  const world = await full();
  world.settings.totalQuotaBytes = 200 * MB;
  await world.look();
  assert.is(footage(world), 200);
  world.otherBytes = 900 * MB;
  await world.look();
  assert.is(footage(world), 50);
  const locked = await full();
  for (const id of locked.segments.list({ camera: 1, startMs: 0, endMs: T0 * 2, limit: 50 }).segments) {
    locked.segments.setLocked(id, true);
  }
  locked.otherBytes = 900 * MB;
  await locked.look();
  assert.is((locked.segments.totals().sizeBytes - locked.segments.lockedBytes()) / MB, 230);
});

test('it can be switched off', async () => {
  const world = await full();
  world.settings.leastKeptPercent = 0;
  world.otherBytes = 900 * MB;
  await world.look();
  assert.is(footage(world), 0);
});

test.run();
