// What a wall of sixteen sub streams costs the service: its memory before anybody looks, while all of them are sent, and afterwards.
import { Service, type ServiceOptions } from '../support/service.ts';
import { addTiles } from '../support/tile-cameras.ts';
import { WebSocketClient } from '../support/web-socket-client.ts';
import type { Measured } from './budgets.ts';
import { processFigures } from './process-figures.ts';
import { pause } from './recording.ts';

const TILES = 16;
const MINUTE_MS = 60_000;
/** Until rings are full and what a start took is given back. */
const SETTLE_MS = 20_000;
const SAMPLE_MS = 15_000;
const LEAVE_MS = 15_000;
/** Opcodes of RFC 6455: whoever does not answer is gone. */

export async function measureTiles(options: Pick<ServiceOptions, 'command'>, minutes: number): Promise<Measured[]> {
  const service = await Service.start({ ...options, args: ['--demo'] });
  const viewers: WebSocketClient[] = [];
  try {
    await addTiles(service, TILES);
    await pause(SETTLE_MS);
    const rssMiB = () => processFigures(service.pid).rssMiB;
    const alone = rssMiB();
    const sent: number[] = [];
    for (let id = 1; id <= TILES; id++) viewers.push(await watch(service, id, sent));
    let most = 0;
    for (let passedMs = 0; passedMs < minutes * MINUTE_MS; passedMs += SAMPLE_MS) {
      sent.fill(0);
      await pause(SAMPLE_MS);
      most = Math.max(most, rssMiB());
      const still = sent.filter(count => count === 0).length;
      if (still > 0) throw new Error(`${still} of ${TILES} streams stood still for ${SAMPLE_MS / 1000} s`);
    }
    for (const viewer of viewers) viewer.destroy();
    await pause(LEAVE_MS);
    return [
      { id: 'tilesRss', cameras: TILES, value: most - alone },
      { id: 'tilesLeft', cameras: TILES, value: rssMiB() - alone },
    ];
  } finally {
    for (const viewer of viewers) viewer.destroy();
    await service.stop();
  }
}

/** Counts the fragments of a stream in `sent`. */
async function watch(service: Service, id: number, sent: number[]): Promise<WebSocketClient> {
  const url = new URL(`/api/cameras/${id}/live?stream=sub`, service.ready.url).href;
  const viewer = await WebSocketClient.open(url, { ...service.headers, Origin: service.ready.url });
  if (viewer.status !== 101) throw new Error(`camera ${id} cannot be watched: ${viewer.status}`);
  sent[id - 1] = 0;
  viewer.answersPings = true;
  viewer.onFrame = () => {
    sent[id - 1] = (sent[id - 1] ?? 0) + 1;
  };
  return viewer;
}
