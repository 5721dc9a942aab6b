// The waits of go2rtc in full length: how long a silent reader lives, and in which steps a camera is dialled again.
import * as assert from 'uvu/assert';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { both } from '../support/go2rtc/both.ts';
import { Peer, until } from '../support/go2rtc/peer.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc behaviour: its waits', { timeoutMs: 180_000 });
test.after(stopChildren);
const each = both(test, { timeScale: 0.2 });
const CLIP = { fps: 25, seconds: 8, gop: 25, unitBytes: 1000, audio: true };

each(
  'a reader that says nothing is cut after 60 s in full flow, one that says OPTIONS or GET_PARAMETER is not',
  async program => {
    const camera = await Camera.start({ clips: [CLIP] });
    const peer = await Peer.start(program);
    await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
    const startMs = Date.now();
    const [silent, asking, other] = [
      await peer.play('th-1-main'),
      await peer.play('th-1-main'),
      await peer.play('th-1-main'),
    ];
    const timer = setInterval(() => {
      asking.client.send('OPTIONS');
      other.client.send('GET_PARAMETER');
    }, 20_000 * program.timeScale);
    await until(() => silent.client.closed, 'the cut', 90_000);
    const afterMs = (Date.now() - startMs) / program.timeScale;
    assert.ok(afterMs > 58_000 && afterMs < 65_000, `cut after ${afterMs} ms`);
    const { length } = asking.client.packets;
    await asking.client.until(() => asking.client.packets.length > length + 50, 'more packets');
    assert.not(other.client.closed);
    clearInterval(timer);
    for (const { client } of [asking, other]) client.close();
    await peer.stop();
    await camera.stop();
  },
);

each('a camera that is gone is dialled after 1 s five times, after 5 s five times, then after 10 s', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const peer = await Peer.start(program, { logLevel: 'debug' });
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const { client } = await peer.play('th-1-main');
  await client.until(() => client.packets.length > 20, 'packets');
  const keepAlive = setInterval(() => client.send('OPTIONS'), 20_000 * program.timeScale);
  await camera.inject({ kind: 'die' });
  const tries = () =>
    peer.log.filter(({ message }) => /\[streams\] retry=/.test(message ?? '')).map(({ time }) => Number(time));
  await until(() => tries().length >= 12, 'twelve tries', 120_000);
  const seconds = tries()
    .slice(0, 12)
    .map((atMs, place, all) => Math.round((atMs - (all[place - 1] ?? atMs)) / program.timeScale / 1000));
  assert.equal(seconds, [0, 1, 1, 1, 1, 1, 5, 5, 5, 5, 5, 10]);
  assert.not(client.closed, 'the session of the reader stays');
  clearInterval(keepAlive);
  client.close();
  await peer.stop();
  await camera.stop();
});

test.run();
