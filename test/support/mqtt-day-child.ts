// Runs in a process of its own, whose memory is measured: a day of a thousand events a minute while the broker is away, or without MQTT.
// Hours pass by a clock that is moved; all that is done in them is done. Prints a line for each.
//   arguments: address of the broker or "", events a minute, hours

import { processFigures } from '../bench/process-figures.ts';
import { FakeClock } from './fake-clock.ts';
import { HomeWorld } from './home-world.ts';

const CAMERAS = 8;
const LABELS = ['person', 'car', 'cat', 'motion'];
/** Of the events whose end is told; the store's own are not of this process. */
const KEPT = 500;

const [url = '', perMinute = '1000', hours = '24'] = process.argv.slice(2);
const clock = new FakeClock();
const ids = Array.from({ length: CAMERAS }, (_, index) => index + 1);
const world = new HomeWorld('d'.repeat(32), ids, clock);
world.mqtt.start();
if (url !== '') await world.mqtt.update({ enabled: true, url });
const turn = () => new Promise(resolve => setTimeout(resolve, 1));

const old: string[] = [];
let count = 0;
let most = 0;
for (let hour = 1; hour <= Number(hours); hour++) {
  for (let minute = 0; minute < 60; minute++) {
    for (let n = 0; n < Number(perMinute); n++) {
      const camera = 1 + (count % CAMERAS);
      const id = `${camera}-${clock.nowMs()}-${count}`;
      const label = LABELS[count++ % LABELS.length] ?? '';
      world.happen(id, camera, { startMs: clock.nowMs(), labels: [label], score: Math.random() });
      world.happen(id, camera, { endMs: clock.nowMs() + 1000 });
      old.push(id);
    }
    for (const id of old.splice(0, Math.max(0, old.length - KEPT))) world.events.delete(id);
    most = Math.max(most, world.mqtt.state().queuedBytes);
    await clock.advance(60_000);
    // An attempt to connect takes real time.
    await turn();
  }
  const { name, queued, dropped } = world.mqtt.state();
  world.log.lines.length = 0;
  process.stdout.write(
    `${JSON.stringify({ hour, ...processFigures(process.pid), name, queued, dropped, most, count })}\n`,
  );
}
await world.mqtt.stop();
process.exit(0);
