import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { NodeServer } from '../../src/api/node-server.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';
import { clientFrame, WebSocketClient } from '../support/web-socket-client.ts';

const test = suite('idle web sockets');

test('silent clients are asked whether they are there, and those that are not are let go', async () => {
  const clock = new FakeClock();
  const server = new NodeServer({ host: '127.0.0.1', port: 0, log: fakeLog().logger, clock });
  let ends = 0;
  const { port } = await server.start(
    async () => ({ status: 404 }),
    async () => ({ opened: () => undefined, message: () => undefined, closed: () => void ends++ }),
  );
  const open = () => WebSocketClient.open(`http://127.0.0.1:${port}/`);
  assert.is(clock.pending, 0, 'no timer for nobody');
  const [there, gone] = [await open(), await open()];
  const pings = (client: WebSocketClient) => client.frames.filter(({ opcode }) => opcode === 9).length;
  for (let seconds = 0; seconds < 150 && !gone.closed; seconds += 15) {
    const before = pings(there);
    await clock.advance(15_000);
    await wait(50);
    if (pings(there) > before) there.socket.write(clientFrame(10));
    await wait(50);
  }
  assert.ok(pings(there) >= 1 && pings(gone) >= 1);
  assert.equal([gone.closed, there.closed, ends], [true, false, 1]);
  await there.close();
  await wait(50);
  assert.equal([ends, clock.pending], [2, 0]);
  await server.stop(0);
});

test.run();
