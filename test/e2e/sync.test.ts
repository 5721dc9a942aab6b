// Borders of segments and the distance of picture and sound, over three segments and more.
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { suite } from '../support/suite.ts';
import { checkSync } from '../support/sync-check.ts';

const SEGMENT_MS = 5000;
const RECORD_MS = 16_000;

const test = suite('borders and synchronism', { timeoutMs: 60_000 });
test.after(stopChildren);

test('sound that begins 0.5 s late', async () => {
  await checkSync({ clips: [await clipFile(CLIPS.small)], audioStartMs: 500 }, SEGMENT_MS, RECORD_MS);
});

test('sound that begins 0.2 s early, B pictures', async () => {
  await checkSync({ clips: [await clipFile(CLIPS.smallBFrames)], audioStartMs: -200 }, SEGMENT_MS, RECORD_MS);
});

test.run();
