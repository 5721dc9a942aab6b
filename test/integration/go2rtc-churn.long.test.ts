// Streams of go2rtc that come, change and go two thousand times, while pictures and browsers' offers are asked for: it neither ends
// nor grows, and what it has at the end is what is wanted.
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/core/index.ts';
import { Go2rtc, type StreamClaim, type StreamName } from '../../src/go2rtc/index.ts';
import { procVitals } from '../../src/go2rtc/vitals.ts';
import { lockDirectory, spawnChild } from '../../src/native/index.ts';
import { eventually } from '../support/eventually.ts';
import { fakeLog } from '../support/fake-log.ts';
import { both } from '../support/go2rtc/both.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const CHANGES = 2000;
const NAMES = 40;
const MOST_GROWTH_BYTES = 24 * 1024 * 1024;

const test = suite('go2rtc under changes', { timeoutMs: 300_000 });

/** Numbers below one, the same for a seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

both(test, { timeScale: 0.2 })('2000 changes of 40 streams', async program => {
  const seed = Date.now() >>> 0;
  process.stdout.write(`seed ${seed}\n`);
  const next = random(seed);
  const log = fakeLog();
  const hub = new Go2rtc({
    ...{ keep: 'onDemand', webrtc: { port: 0, addresses: [] }, dataDir: tempDir('data'), binary: program.path },
    ...{ runtimeDirs: [join(tempDir('run'), 'r')], clock: systemClock, log: log.logger, memoryLimitBytes: 2 ** 31 },
    ...{ spawn: spawnChild, lock: lockDirectory },
  });
  hub.start();
  const claims = new Map<StreamName, StreamClaim>();
  const over = new AbortController();
  const size = async () => (await procVitals.size(hub.state().pid ?? 0))?.rssBytes ?? 0;
  try {
    claims.set('th-1-main', hub.claim('th-1-main', 'rtsp://127.0.0.1:9/0'));
    const pid = await eventually(() => hub.state().pid, 'it runs');
    await eventually(() => claims.get('th-1-main')?.url(), 'the first stream');
    const before = await size();
    for (let i = 0; i < CHANGES; i++) {
      const name = `th-${1 + Math.floor(next() * NAMES)}-main` as StreamName;
      const claim = claims.get(name);
      const what = next();
      if (!claim || what < 0.5) {
        claims.set(name, hub.claim(name, `rtsp://127.0.0.1:9/${i}`));
        claim?.release();
      } else if (what < 0.7) claim.renew();
      else if (what < 0.9) {
        claim.release();
        claims.delete(name);
      } else void hub.snapshot(name, 'mp4', over.signal).catch(() => undefined);
      // Changes that are made faster than they can be told count as one.
      await new Promise(resolve => setTimeout(resolve, 3));
    }
    await eventually(() => [...claims.values()].every(claim => claim.url()), 'all streams are there', 60_000);
    const { restarts, pid: after, streams } = hub.state();
    assert.equal({ restarts, pid: after }, { restarts: 0, pid });
    assert.equal(streams.map(({ name }) => name).sort(), [...claims.keys()].sort());
    const grown = (await size()) - before;
    process.stdout.write(`${program.name}: ${Math.round(before / 1024)} KiB and ${Math.round(grown / 1024)} more\n`);
    assert.ok(grown < MOST_GROWTH_BYTES, `it grew by ${grown} bytes`);
    assert.equal(log.messages('error'), []);
  } finally {
    over.abort();
    await hub.stop();
  }
});

test.run();
