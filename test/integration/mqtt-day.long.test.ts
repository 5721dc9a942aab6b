// A day without the broker: a thousand events a minute, 24 hours by a clock that is moved, in a process with the flags of the service.
// Beside it the same day without MQTT, whose memory is what the events themselves take.
//   HOURS=… of the day; default 24
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { median } from '../bench/percentile.ts';
import { Child, stopChildren } from '../support/child.ts';
import { suite } from '../support/suite.ts';

const HOURS = process.env.HOURS ?? '24';
const PER_MINUTE = 1000;
const MOST_MIB = 2;
/** As bin/thimble starts the service. */
const FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=256', '--no-opt', '--import', 'tsx'];
const ENV = { MALLOC_MMAP_THRESHOLD_: '131072' };
const PROGRAM = fileURLToPath(new URL('../support/mqtt-day-child.ts', import.meta.url));

interface Hour {
  hour: number;
  rssMiB: number;
  anonMiB: number;
  name: string;
  queued: number;
  dropped: number;
  most: number;
  count: number;
}

const test = suite('a day without the broker', { timeoutMs: 3_600_000 });
test.after(stopChildren);

async function day(url: string): Promise<Hour[]> {
  const child = new Child(process.execPath, [...FLAGS, PROGRAM, url, String(PER_MINUTE), HOURS], {
    env: { ...process.env, ...ENV },
  });
  const { code } = await child.exited;
  assert.is(code, 0, child.stderr.join('\n'));
  return child.stdout.map(line => JSON.parse(line) as Hour);
}

test(`${HOURS} hours of ${PER_MINUTE} events a minute: at most ${MOST_MIB} MiB more than without MQTT`, async () => {
  let attempts = 0;
  // There, but no broker: each attempt is seen.
  const closed = createServer(socket => {
    attempts++;
    socket.destroy();
  });
  await new Promise<void>(resolve => closed.listen(0, '127.0.0.1', resolve));
  const url = `mqtt://127.0.0.1:${(closed.address() as AddressInfo).port}`;
  const [away, off] = await Promise.all([day(url), day('')]);
  closed.close();
  const last = away.at(-1);
  assert.equal([last?.count, off.at(-1)?.count], [Number(HOURS) * 60 * PER_MINUTE, Number(HOURS) * 60 * PER_MINUTE]);
  assert.equal([last?.name, off.at(-1)?.name], ['away', 'off']);
  // Up to five a minute; each asks for MQTT 5, then 3.1.1. The clock goes on a minute at a time, which leaves out most of them.
  const minutes = Number(HOURS) * 60;
  assert.ok(attempts > minutes / 2 && attempts <= minutes * 10, `${attempts} attempts`);
  assert.ok((last?.queued ?? 0) > 100 && (last?.dropped ?? 0) > 0, 'the queue is full');
  assert.ok((last?.most ?? 0) <= 1024 * 1024, `${last?.most} bytes`);
  const half = Math.floor(away.length / 2);
  const more = (name: 'rssMiB' | 'anonMiB') =>
    median(away.slice(half).map((one, n) => one[name] - (off[half + n]?.[name] ?? 0)));
  const grown = (hours: readonly Hour[]) => (hours.at(-1)?.rssMiB ?? 0) - (hours[0]?.rssMiB ?? 0);
  console.log(
    `RSS ${more('rssMiB').toFixed(2)} MiB more, anonymous ${more('anonMiB').toFixed(2)}; from the first hour to the last ` +
      `${grown(away).toFixed(2)} (without MQTT ${grown(off).toFixed(2)}); ${last?.queued} wait in at most ${last?.most} bytes, ` +
      `${last?.dropped} gave way; ${attempts} connections`,
  );
  assert.ok(more('rssMiB') <= MOST_MIB, `${more('rssMiB')} MiB`);
  assert.ok(grown(away) <= MOST_MIB, `${grown(away)} MiB in a day`);
});

test.run();
