// What our supervisor believes about the calls for streams. The stand-in and a real go2rtc do the same.
import { createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { both } from '../support/go2rtc/both.ts';
import { Peer, until } from '../support/go2rtc/peer.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc behaviour: streams', { timeoutMs: 60_000 });
test.after(stopChildren);
const each = both(test, { timeScale: 0.2 });
const CLIP = { fps: 25, seconds: 8, gop: 25, unitBytes: 3000, audio: true };
const NOWHERE = 'rtsp://127.0.0.1:1/nowhere#backchannel=0';

each('GET and PATCH answer as they should', async program => {
  const peer = await Peer.start(program);
  const made = await peer.patch('th-1-main', NOWHERE);
  assert.equal([made.status, made.text], [200, '']);
  const all = await peer.ask('GET', '/api/streams');
  assert.is(all.text, `{"th-1-main":{"producers":[{"url":"${NOWHERE}"}],"consumers":null}}\n`);
  assert.match(String(all.headers['content-type']), /^application\/json/);
  const one = await peer.ask('GET', '/api/streams?src=th-1-main');
  assert.match(one.text, /^\{\n {2}"producers"/);
  assert.is((await peer.ask('GET', '/api/streams?src=th-2-main')).status, 404);
  await peer.patch('th-1-main', 'rtsp://127.0.0.1:1/other');
  assert.is((await peer.stream('th-1-main')).producers[0]?.url, 'rtsp://127.0.0.1:1/other');
  await peer.stop();
});

each('a call with something missing is refused, or looks like a success', async program => {
  const peer = await Peer.start(program);
  assert.is((await peer.ask('PATCH', '/api/streams?src=rtsp://127.0.0.1:1/x')).status, 400, 'no name');
  for (const method of ['PATCH', 'PUT', 'DELETE']) {
    const { status, text } = await peer.ask(method, '/api/streams?name=th-1-main');
    assert.equal([status, text], [200, '{}\n'], `${method} without a source is answered with the list`);
  }
  const { status, text } = await peer.ask('DELETE', '/api/streams?src=unknown');
  assert.equal([status, text.trim()], [400, 'yaml: path not exist'], 'of a file without streams');
  await peer.stop();
});

each('sources of modules that it does not have, and with blanks, are refused in words', async program => {
  const peer = await Peer.start(program);
  for (const source of ['exec:ls', 'ffmpeg:x#raw=-y', 'http://127.0.0.1:1/x', 'foo://127.0.0.1/x', 'nothing']) {
    const { status, text } = await peer.patch('th-1-main', source);
    assert.equal([status, text.trim()], [400, 'streams: source not supported'], source);
  }
  const { status, text } = await peer.patch('th-1-main', 'rtsp://127.0.0.1:1/a b');
  assert.equal([status, text.trim()], [400, 'streams: source with spaces may be insecure']);
  assert.equal(await peer.streams(), {});
  await peer.stop();
});

each('a source whose path is the name of a stream makes two names of one stream', async program => {
  const peer = await Peer.start(program);
  await peer.patch('live', 'rtsp://127.0.0.1:1/a');
  assert.is((await peer.patch('th-1-main', 'rtsp://127.0.0.1:2/live')).status, 200);
  assert.is((await peer.stream('th-1-main')).producers[0]?.url, 'rtsp://127.0.0.1:1/a', 'it is the other');
  await peer.patch('th-1-main', 'rtsp://127.0.0.1:3/b');
  assert.is((await peer.stream('live')).producers[0]?.url, 'rtsp://127.0.0.1:3/b', 'which changes with it');
  assert.is((await peer.patch('live', 'rtsp://127.0.0.1:4/live')).status, 200);
  assert.is((await peer.stream('live')).producers[0]?.url, 'rtsp://127.0.0.1:3/b', 'nothing has changed');
  await peer.stop();
});

each('what is connected is shown with its counters and with who reads', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const peer = await Peer.start(program);
  const source = camera.url.replace('rtsp://', 'rtsp://admin:word@');
  await peer.patch('th-1-main', `${source}#backchannel=0`);
  const { client } = await peer.play('th-1-main');
  await client.until(() => client.packets.length > 50, 'packets');
  const { producers, consumers } = await peer.stream('th-1-main');
  const [producer, consumer] = [producers[0], consumers?.[0]];
  assert.equal(
    ['bytes_recv', 'format_name', 'id', 'medias', 'protocol', 'receivers', 'remote_addr', 'sdp', 'url', 'user_agent'],
    Object.keys(producer ?? {}).sort(),
  );
  assert.is(producer?.url, source.replace('admin:word', '***'), 'without its fragment');
  assert.equal(producer?.medias, ['video, recvonly, H264', 'audio, recvonly, MPEG4-GENERIC/16000']);
  const receivers = producer?.receivers as { codec: { codec_name: string }; bytes: number; packets: number }[];
  assert.equal(receivers.map(one => one.codec.codec_name).sort(), ['aac', 'h264']);
  assert.ok(receivers.every(one => one.bytes > 0 && one.packets > 0));
  assert.is(consumer?.format_name, 'rtsp');
  assert.is(consumer?.user_agent, 'reader');
  assert.is(consumer?.bytes_send, undefined);
  const senders = consumer?.senders as { packets: number; parent: number }[];
  assert.ok(senders.every(one => one.packets > 0 && one.parent > 0));
  client.close();
  await until(async () => (await peer.stream('th-1-main')).consumers?.length === 0, 'the reader is gone');
  assert.equal(await peer.stream('th-1-main'), {
    producers: [{ url: `${source.replace('admin:word', '***')}#backchannel=0` }],
    consumers: [],
  });
  await until(() => camera.connections === 0, 'the camera is let go');
  await peer.stop();
  await camera.stop();
});

each(
  'a camera that sends it on is obeyed, whatever address it names, and what it is connected to is shown',
  async program => {
    const camera = await Camera.start({ clips: [CLIP] });
    const from = createServer(socket => {
      socket.on('data', bytes => {
        const sequence = /CSeq: (\d+)/i.exec(bytes.toString())?.[1] ?? '1';
        socket.write(`RTSP/1.0 302 Moved\r\nCSeq: ${sequence}\r\nLocation: ${camera.url}\r\n\r\n`);
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>(resolve => from.listen(0, '127.0.0.2', resolve));
    const address = from.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const peer = await Peer.start(program);
    await peer.patch('th-1-main', `rtsp://admin:word@127.0.0.2:${port}/live#backchannel=0`);
    const { client } = await peer.play('th-1-main');
    await client.until(() => client.packets.length > 20, 'packets');
    const [producer] = (await peer.stream('th-1-main')).producers;
    assert.is(producer?.remote_addr, `127.0.0.1:${camera.port}`);
    assert.is(
      producer?.url,
      camera.url.replace('rtsp://', 'rtsp://***@'),
      'with the login that was meant for the other',
    );
    client.close();
    await peer.stop();
    from.close();
    await camera.stop();
  },
);

each('another source is dialled when the old one has ended, for the same reader', async program => {
  const [one, other] = [await Camera.start({ clips: [CLIP] }), await Camera.start({ clips: [CLIP] })];
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${one.url}#backchannel=0`);
  const { client } = await peer.play('th-1-main');
  await client.until(() => client.packets.length > 20, 'packets');
  await peer.patch('th-1-main', `${other.url}#backchannel=0`);
  const { length } = client.packets;
  await client.until(() => client.packets.length > length + 50, 'packets');
  assert.equal([one.connections, other.connections], [1, 0], 'it goes on as it was');
  await one.inject({ kind: 'die' });
  await client.until(() => other.sent.length > 50, 'the other plays');
  const ssrcs = new Set(client.rtp(0).map(packet => packet.readUInt32BE(8)));
  await client.until(
    () => new Set(client.rtp(0).map(packet => packet.readUInt32BE(8))).size > 1,
    'another SSRC',
    20_000,
  );
  assert.ok(ssrcs.size >= 1);
  client.close();
  await peer.stop();
  await Promise.all([one.stop(), other.stop()]);
});

each('a stream that is deleted under its reader goes on where nobody sees it', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const { client } = await peer.play('th-1-main');
  await client.until(() => client.packets.length > 20, 'packets');
  await peer.ask('DELETE', '/api/streams?src=th-1-main');
  assert.is((await peer.ask('GET', '/api/streams?src=th-1-main')).status, 404);
  const { length } = client.packets;
  await client.until(() => client.packets.length > length + 50, 'more packets');
  client.close();
  await until(() => camera.connections === 0, 'the camera is let go');
  await peer.stop();
  await camera.stop();
});

each('calls at the same time end the process with a fatal error and exit code 2', async program => {
  const peer = await Peer.start(program);
  let number = 0;
  // A real one needs luck; a hundred names make the list long enough for it to have some.
  for (; number < 100; number++) await peer.patch(`th-${number}-main`, NOWHERE);
  const hammer = async (call: () => Promise<unknown>) => {
    while (peer.child.running) await call().catch(() => {});
  };
  const list = () => hammer(() => peer.ask('GET', '/api/streams'));
  const make = () => hammer(() => peer.patch(`th-${number++ % 20_000}-main`, NOWHERE));
  await Promise.all([list(), make(), list(), make()]);
  assert.equal(await peer.child.exited, { code: 2, signal: null });
  assert.ok(peer.child.stderr.some(line => line.startsWith('fatal error: concurrent map')));
  assert.ok(peer.child.stderr.some(line => /^goroutine \d+ \[/.test(line)));
});

each('the same calls one at a time do no harm', async program => {
  const peer = await Peer.start(program);
  for (let number = 0; number < 50; number++) {
    assert.is((await peer.patch(`th-${number % 10}-main`, `rtsp://127.0.0.1:1/${number}`)).status, 200);
    assert.is((await peer.ask('GET', '/api/streams')).status, 200);
    await peer.ask('DELETE', `/api/streams?src=th-${(number + 5) % 10}-main`);
    assert.is((await peer.ask('GET', `/api/streams?src=th-${(number + 5) % 10}-main`)).status, 404);
  }
  assert.ok(peer.child.running);
  await peer.stop();
});

each('changes at the same time, and looks at single streams beside them, do no harm', async program => {
  const peer = await Peer.start(program);
  const work: Promise<unknown>[] = [];
  for (let number = 0; number < 60; number++) {
    work.push(peer.patch(`th-${number}-main`, NOWHERE));
    if (number >= 30) work.push(peer.ask('GET', `/api/frame.mp4?src=th-${number - 30}-main`));
  }
  await Promise.all(work);
  assert.is(Object.keys(await peer.streams()).length, 60);
  await peer.stop();
});

test.run();
