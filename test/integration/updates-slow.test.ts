// Pages that do not read the socket of updates, over both HTTP servers: nothing piles up for them, and they begin anew.
import { rmSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { HttpServer } from '../../src/api/server.ts';
import { UpdatesFeed } from '../../src/api/updates-feed.ts';
import { systemClock } from '../../src/core/index.ts';
import { ADMIN } from '../support/ask-router.ts';
import { fakeServices } from '../support/fake-services.ts';
import { SERVERS } from '../support/http-servers.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { WebSocketClient } from '../support/web-socket-client.ts';

for (const kind of SERVERS) {
  const test = suite(`slow readers of updates: ${kind.name}`, { timeoutMs: 60_000 });
  let server: HttpServer;

  test('they get a new hello instead of a backlog', async () => {
    const folder = tempDir('updates');
    const fakes = await fakeServices(folder);
    const feed = new UpdatesFeed({ ...fakes.services, clock: systemClock });
    let mostWaiting = 0;
    server = kind.make({ log: fakes.log.logger });
    const { port } = await server.start(
      async () => ({ status: 404 }),
      async () => {
        const handler = feed.listener(ADMIN);
        return {
          ...handler,
          opened: peer =>
            handler.opened({
              get bufferedBytes() {
                return peer.bufferedBytes;
              },
              close: (code, reason) => peer.close(code, reason),
              send: message => {
                peer.send(message);
                mostWaiting = Math.max(mostWaiting, peer.bufferedBytes);
              },
            }),
        };
      },
    );
    const slow = await WebSocketClient.open(`http://127.0.0.1:${port}/api/updates`);
    const quick = await WebSocketClient.open(`http://127.0.0.1:${port}/api/updates`);
    await slow.until(() => slow.texts.length > 0);
    slow.socket.pause();
    const { bus } = fakes.world;
    // More than the system takes for a socket that nobody reads.
    for (let round = 0; round < 100; round++) {
      for (let n = 0; n < 300; n++) {
        bus.emit('event.removed', { camera: 1, id: `1-${round * 300 + n}-${'9'.repeat(450)}` });
      }
      await new Promise(resolve => setImmediate(resolve));
      await quick.until(() => quick.frames.length > 0);
      quick.frames.length = 0;
    }
    assert.ok(mostWaiting < 256 * 1024, `${mostWaiting} bytes waited`);
    const hellos = () => slow.texts.filter(text => text.includes('"hello"')).length;
    assert.is(hellos(), 1);
    slow.socket.resume();
    await slow.until(() => hellos() === 2, 20_000);
    bus.emit('event.removed', { camera: 1, id: 'last' });
    await slow.until(() => slow.texts.at(-1)?.includes('"last"') === true);
    slow.destroy();
    quick.destroy();
    await server.stop(0);
    await fakes.cameras.stop();
    rmSync(folder, { recursive: true });
  });

  test.run();
}
