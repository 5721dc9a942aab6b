// WebSockets that come and go beside ordinary requests, so that the memory of one connection becomes that of another.
import * as assert from 'uvu/assert';
import type { WebSocketPeer } from '../../src/api/server.ts';
import { fakeLog } from '../support/fake-log.ts';
import { SERVERS } from '../support/http-servers.ts';
import { suite } from '../support/suite.ts';
import { WebSocketClient } from '../support/web-socket-client.ts';

const ROUNDS = 40;
const AT_ONCE = 8;

for (const kind of SERVERS) {
  const test = suite(`many web sockets: ${kind.name}`);

  test('each that is accepted stays until it is closed, and tells what it was given', async () => {
    let ends = 0;
    const server = kind.make({ log: fakeLog().logger });
    const { port } = await server.start(
      async () => ({ status: 200, body: Buffer.alloc(3000) }),
      async () => ({
        opened: (peer: WebSocketPeer) => peer.send('hello'),
        message: () => undefined,
        drained: () => undefined,
        closed: () => {
          ends++;
        },
      }),
    );
    const origin = `http://127.0.0.1:${port}`;
    let opened = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const asked = Array.from({ length: AT_ONCE }, (_, at) =>
        fetch(`${origin}/${'x'.repeat(100 * at)}`).then(answer => answer.arrayBuffer()),
      );
      const clients = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, at) =>
          WebSocketClient.open(`${origin}/socket`, { Cookie: 'c'.repeat((round * 97 + at * 401) % 4000) }),
        ),
      );
      await Promise.all(asked);
      assert.equal(
        clients.map(({ status }) => status),
        clients.map(() => 101),
      );
      for (const client of clients) await client.until(() => client.texts.length === 1);
      opened += clients.length;
      assert.is(ends, opened - clients.length, `round ${round}: none has ended by itself`);
      for (const client of clients) await client.close();
      for (let i = 0; i < 500 && ends < opened; i++) await new Promise(resolve => setTimeout(resolve, 10));
      assert.is(ends, opened);
    }
    await server.stop(0);
  });

  test.run();
}
