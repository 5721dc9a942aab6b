// The same over five minutes and three segments.
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { suite } from '../support/suite.ts';
import { checkSync } from '../support/sync-check.ts';

const SEGMENT_MS = 110_000;
const RECORD_MS = 305_000;

const test = suite('borders and synchronism over five minutes', { timeoutMs: 340_000 });
test.after(stopChildren);

test('sound that begins 0.5 s late, B pictures', async () => {
  await checkSync({ clips: [await clipFile(CLIPS.smallBFrames)], audioStartMs: 500 }, SEGMENT_MS, RECORD_MS);
});

test.run();
