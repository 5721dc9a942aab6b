// kill -9 at random moments: every file plays, the index knows every file, little is lost, recording goes on.
import * as assert from 'uvu/assert';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { GstCameras, gstProblem } from '../support/gst-camera.ts';
import { killRound } from '../support/kill-rounds.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const ROUNDS = 4;

const test = suite('kill -9', { timeoutMs: 180_000 });
test.after(stopChildren);

test.needs(!gstProblem(), gstProblem() ?? '', `survives ${ROUNDS} kills at random moments`, async () => {
  const seed = Date.now() % 100_000;
  const clip = await clipFile(CLIPS.small);
  const names = ['one', 'two'];
  const server = await GstCameras.start({ mounts: Object.fromEntries(names.map(name => [name, { clip }])) });
  const dataDir = tempDir('kill');
  let random = seed;
  for (let round = 1; round <= ROUNDS; round++) {
    random = (random * 48_271) % 2_147_483_647;
    const recordMs = 1000 + (random % 6000);
    const result = await killRound({ dataDir, urls: names.map(name => server.url(name)), recordMs });
    const where = `seed ${seed}, round ${round}, killed after ${recordMs} ms`;
    assert.equal(result.faults, [], where);
    assert.ok(result.lostMs <= 1500, `${where}: ${result.lostMs} ms are lost`);
    // `npm run faults -- kill` holds it to 5 s.
    assert.ok(result.recordingAgainMs <= 60_000, `${where}: recording again after ${result.recordingAgainMs} ms`);
  }
});

test.run();
