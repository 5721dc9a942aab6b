// What our reader believes about go2rtc's RTSP server. The stand-in and a real one do the same; the longer waits of a real one
// are in the long set.
import * as assert from 'uvu/assert';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { both } from '../support/go2rtc/both.ts';
import { Peer, until } from '../support/go2rtc/peer.ts';
import { Tap } from '../support/go2rtc/taps.ts';
import { RtspClient } from '../support/rtsp-client.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc behaviour: readers', { timeoutMs: 60_000 });
test.after(stopChildren);
const each = both(test, { timeScale: 0.2 });
const CLIP = { fps: 25, seconds: 8, gop: 100, unitBytes: 3000, audio: true };
const OLD = { ...CLIP, width: 640 };

const ssrcs = (client: RtspClient) => new Set(client.rtp(0).map(packet => packet.readUInt32BE(8)));

each('answers what a reader asks before it plays', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const url = peer.url('th-1-main');
  const client = await RtspClient.connect(url);
  const options = await client.ask('OPTIONS');
  assert.is(options.headers.get('public'), 'OPTIONS, SETUP, TEARDOWN, DESCRIBE, PLAY, PAUSE, ANNOUNCE, RECORD');
  const described = await client.ask('DESCRIBE');
  assert.is(described.status, 200);
  assert.not(described.headers.has('content-base'));
  assert.match(described.body, /sprop-parameter-sets=/);
  assert.match(described.body, /config=1408/);
  assert.equal(
    [...described.body.matchAll(/^m=\w+ 0 RTP\/AVP (\d+)/gm)].map(([, type]) => type),
    ['96', '97'],
  );
  const track = `${url.split('?')[0]}/trackID=0`;
  const udp = await client.ask('SETUP', { Transport: 'RTP/AVP;unicast;client_port=5000-5001' }, track);
  assert.is(udp.status, 461);
  const interleaved = { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' };
  const sessions: string[] = [];
  for (let time = 0; time < 2; time++) {
    const { status, headers } = await client.ask('SETUP', interleaved, track);
    assert.is(status, 200);
    sessions.push(headers.get('session') ?? '');
  }
  assert.ok(sessions.every(session => session.endsWith(';timeout=60')));
  assert.is.not(sessions[0], sessions[1], 'each SETUP has a new session');
  assert.is((await client.ask('PLAY')).status, 200);
  await client.until(() => client.packets.length > 20, 'packets');
  client.close();
  await peer.stop();
  await camera.stop();
});

each('404 for all that cannot be read, the cause only in the log', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const refusing = await Camera.start({ clips: [CLIP], refuseDescribe: 404 });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', 'rtsp://127.0.0.1:1/x#backchannel=0');
  await peer.patch('th-2-main', `${refusing.url}#backchannel=0`);
  await peer.patch('th-3-main', `${camera.url}#backchannel=0`);
  const refused = async (name: string, query?: string) => {
    const client = await RtspClient.connect(peer.url(name, query));
    assert.is((await client.ask('DESCRIBE')).status, 404, name);
    await until(() => client.closed, 'the connection closes');
  };
  await refused('th-9-main');
  assert.not(
    peer.log.some(({ message }) => message === '[rtsp]'),
    'an unknown stream is not worth a line',
  );
  await refused('th-1-main');
  await refused('th-2-main');
  await refused('th-3-main', '?video=h265');
  const cause = async (name: string) => {
    const line = await peer.logged(({ message, stream }) => message === '[rtsp]' && stream === name);
    assert.is(line.level, 'warn');
    return String(line.error);
  };
  assert.match(await cause('th-1-main'), 'connection refused');
  assert.match(await cause('th-2-main'), 'wrong response on DESCRIBE');
  assert.match(await cause('th-3-main'), 'codecs not matched: video:H264, audio:AAC => video:H265');
  await peer.stop();
  await Promise.all([camera.stop(), refusing.stop()]);
});

each('hands the packets on as they are, and no sender reports', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const tap = await Tap.start(camera.url);
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${tap.url}#backchannel=0`);
  const { client, kinds } = await peer.play('th-1-main');
  await client.until(
    () => client.packets.length > 400 && tap.packets.some(one => one.channel % 2 === 1),
    'packets',
    30_000,
  );
  for (const [track, kind] of kinds.entries()) {
    const sent = new Set(tap.of(kind === 'video' ? 0 : 2).map(packet => withoutType(packet)));
    const received = client.rtp(track);
    assert.ok(received.length > 10);
    for (const packet of received) {
      assert.is((packet[1] ?? 0) & 0x7f, 96 + track);
      assert.ok(sent.has(withoutType(packet)), `a packet of the ${kind} that the camera did not send`);
    }
  }
  assert.not(client.packets.some(({ channel }) => channel % 2 === 1));
  client.close();
  await peer.stop();
  await tap.stop();
  await camera.stop();
});

function withoutType(packet: Buffer): string {
  const copy = Buffer.from(packet);
  copy[1] = (copy[1] ?? 0) & 0x80;
  return copy.toString('latin1');
}

each('a second reader begins in the middle of a group', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const first = await peer.play('th-1-main', '?video=h264');
  await first.client.until(() => first.client.packets.length > 20, 'packets');
  const begins: number[] = [];
  // 4 s from one key picture to the next: not all three begin with one.
  for (let reader = 0; reader < 3; reader++) {
    const { client } = await peer.play('th-1-main', '?video=h264');
    await client.until(() => client.packets.length > 0, 'a packet');
    begins.push((client.rtp(0)[0]?.[12] ?? 0) & 31);
    client.close();
  }
  assert.ok(
    begins.some(type => type === 1 || type === 28),
    `types of the first units: ${begins}`,
  );
  assert.is(camera.requests.filter(({ method }) => method === 'PLAY').length, 1, 'one session with the camera');
  first.client.close();
  await peer.stop();
  await camera.stop();
});

each('describes picture and sound in any order', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const { client } = await peer.play('th-1-main');
  const orders = new Set<string>();
  await until(async () => {
    const reader = await peer.play('th-1-main');
    orders.add(reader.kinds.join());
    reader.client.close();
    return orders.size === 2;
  }, 'the other order');
  client.close();
  await peer.stop();
  await camera.stop();
});

each('while it plays it answers OPTIONS, and neither GET_PARAMETER nor TEARDOWN', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const { client } = await peer.play('th-1-main');
  const { length } = client.answers;
  client.send('GET_PARAMETER');
  client.send('TEARDOWN');
  assert.is((await client.ask('OPTIONS')).status, 200);
  assert.is(client.answers.length, length + 1, 'one answer to three requests');
  const { length: packets } = client.packets;
  await client.until(() => client.packets.length > packets + 20, 'it plays on');
  client.close();
  await peer.stop();
  await camera.stop();
});

each('a camera that is back after a moment plays on in the same session, with other numbers', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const peer = await Peer.start(program, { logLevel: 'debug' });
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const { client } = await peer.play('th-1-main', '?video=h264');
  await client.until(() => client.packets.length > 20, 'packets');
  const before = ssrcs(client);
  await camera.inject({ kind: 'die' });
  await peer.logged(({ message }) => /retry=1 /.test(message ?? ''));
  await camera.inject({ kind: 'come-back' });
  await client.until(() => ssrcs(client).size > before.size, 'packets of the new session', 20_000);
  assert.not(client.closed);
  const [line] = peer.log.filter(({ level }) => level === 'warn');
  assert.is(line?.error, 'EOF');
  assert.match(String(line?.url), /^rtsp:\/\/127/);
  client.close();
  await peer.stop();
  await camera.stop();
});

each('a camera that is silent for 5 s is dialled again', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const tap = await Tap.start(camera.url);
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${tap.url}#backchannel=0`);
  const { client } = await peer.play('th-1-main', '?video=h264');
  await client.until(() => client.packets.length > 20, 'packets');
  const startMs = Date.now();
  await camera.inject({ kind: 'freeze' });
  await until(() => tap.connections > 1, 'another connection');
  assert.ok(Date.now() - startMs >= 4900 * program.timeScale);
  await camera.inject({ kind: 'thaw' });
  const { length } = client.packets;
  await client.until(() => client.packets.length > length + 20, 'packets', 20_000);
  assert.match(String(peer.log.find(({ level }) => level === 'warn')?.error), /i\/o timeout$/);
  client.close();
  await peer.stop();
  await tap.stop();
  await camera.stop();
});

each('in the time between two dials a second reader gets the old description and nothing else', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const peer = await Peer.start(program, { logLevel: 'debug' });
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const first = await peer.play('th-1-main');
  await first.client.until(() => first.client.packets.length > 20, 'packets');
  await camera.inject({ kind: 'die' });
  // The sixth try is behind: the next ones have 5 s between them.
  await peer.logged(({ message }) => /retry=5 /.test(message ?? ''));
  const second = await peer.play('th-1-main');
  await camera.inject({ kind: 'come-back' });
  await new Promise(resolve => setTimeout(resolve, 1000 * program.timeScale));
  assert.equal(second.client.packets.length, 0, 'nothing, though the camera is back');
  const { producers } = await peer.stream('th-1-main');
  assert.ok(producers[0]?.id !== undefined, 'the stream looks connected');
  // Without readers the steps are forgotten: who comes then dials at once.
  first.client.close();
  second.client.close();
  await until(async () => (await peer.stream('th-1-main')).consumers?.length === 0, 'both are gone');
  const third = await peer.play('th-1-main');
  await third.client.until(() => third.client.packets.length > 0, 'packets');
  third.client.close();
  await peer.stop();
  await camera.stop();
});

each('a camera that comes back with other codecs is dialled without a pause until the reader leaves', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const { client } = await peer.play('th-1-main');
  await client.until(() => client.packets.length > 20, 'packets');
  const { port } = camera;
  await camera.stop();
  const changed = await Camera.start({ clips: [OLD], port, only: 'video', claimVideo: 'H265' });
  const spins = () => peer.log.filter(({ error }) => error === 'start from CONN state').length;
  await until(() => spins() > 30, 'it spins');
  assert.not(client.closed);
  const described = () => changed.requests.filter(({ method }) => method === 'DESCRIBE').length;
  assert.ok(described() > 30, 'the camera is asked each time');
  const { producers } = await peer.stream('th-1-main');
  assert.is(producers[0]?.bytes_recv, undefined, 'a counter that is not there');
  client.close();
  await until(async () => (await peer.stream('th-1-main')).consumers?.length === 0, 'the reader is gone');
  await until(() => changed.connections === 0, 'the camera is let go');
  const { length } = changed.requests;
  await new Promise(resolve => setTimeout(resolve, 200));
  assert.is(changed.requests.length, length, 'nobody asks any more');
  await peer.stop();
  await changed.stop();
});

each('what a reader gets after a long pause is no longer in step', async program => {
  // Twenty times real time fills all buffers on the way soon.
  const camera = await Camera.start({ clips: [{ ...CLIP, unitBytes: 20_000 }], speed: 20 });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const { client } = await peer.play('th-1-main', '?video=h264');
  await client.until(() => client.packets.length > 20, 'packets');
  assert.is(client.garbage.length, 0);
  client.pause();
  const sender = async () => {
    const { consumers } = await peer.stream('th-1-main');
    return (consumers?.[0]?.senders as { drops?: number }[] | undefined)?.[0];
  };
  await until(async () => ((await sender())?.drops ?? 0) > 100, 'its queue is full');
  await new Promise(resolve => setTimeout(resolve, 6000 * program.timeScale));
  assert.not(client.closed, 'nobody closes it');
  const { length } = client.packets;
  client.resume();
  await client.until(() => client.garbage.length > 0 || wrongSizes(client, length), 'bytes out of step', 30_000);
  client.close();
  await peer.stop();
  await camera.stop();
});

/** Packets that are none: another version, or another type. */
function wrongSizes(client: RtspClient, from: number): boolean {
  return client.packets.slice(from).some(({ packet }) => packet.length < 12 || ((packet[1] ?? 0) & 0x7f) !== 96);
}

each('a reader that says nothing at all is cut before it plays', async program => {
  const peer = await Peer.start(program);
  const client = await RtspClient.connect(peer.url('th-1-main'));
  const startMs = Date.now();
  await until(() => client.closed, 'it is cut');
  assert.ok(Date.now() - startMs >= 4900 * program.timeScale);
  await peer.stop();
});

test.run();
