// systemd's side of the service: real datagrams of the real addon.
import * as assert from 'uvu/assert';
import { notify } from '../../src/native/index.ts';
import { stopChildren } from '../support/child.ts';
import { NotifySocket } from '../support/notify-socket.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('notify');

test.after(stopChildren);

test('a state arrives whole, by path and by abstract name', async () => {
  for (const kind of ['path', 'abstract'] as const) {
    const socket = await NotifySocket.listen(kind);
    assert.ok(notify(socket.path, 'READY=1'), kind);
    await socket.heard('READY=1');
    await socket.close();
  }
});

test('no listener and no sensible path are false, not an exception', () => {
  for (const path of ['/nonexistent/socket', '@nobody-listens-here', '', '@', 'relative', `/${'x'.repeat(200)}`])
    assert.is(notify(path, 'READY=1'), false, path.slice(0, 30));
});

test('the service says ready, beats while it works, and says that it stops', async () => {
  const socket = await NotifySocket.listen('path');
  const service = await Service.start({ env: { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '400000' } });
  await socket.heard('READY=1');
  // 200 ms apart: five of them need answers of the engine in between.
  await waitFor(() => socket.messages.filter(message => message === 'WATCHDOG=1').length >= 5);
  assert.is(socket.messages[0], 'READY=1');
  assert.is((await service.stop()).code, 0);
  await socket.heard('STOPPING=1');
  await socket.close();
});

test('a watchdog meant for another process is left alone', async () => {
  const socket = await NotifySocket.listen('path');
  const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '100000', WATCHDOG_PID: '1' };
  const service = await Service.start({ env });
  await socket.heard('READY=1');
  assert.is((await service.stop()).code, 0);
  await socket.heard('STOPPING=1');
  assert.equal(socket.messages, ['READY=1', 'STOPPING=1']);
  await socket.close();
});

async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('not within 5 s');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

test.run();
