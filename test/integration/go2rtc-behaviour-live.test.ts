// What our gateway believes about offers, snapshots, talking and publishing. The stand-in and a real go2rtc do the same.
import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { freePort } from '../support/free-port.ts';
import { both } from '../support/go2rtc/both.ts';
import { Peer, type Program, until } from '../support/go2rtc/peer.ts';
import { SpeakerCamera } from '../support/go2rtc/speaker-camera.ts';
import type { Seen } from '../support/go2rtc/webrtc-child.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc behaviour: live', { timeoutMs: 60_000 });
test.after(stopChildren);
const each = both(test, { timeScale: 0.2 });
const NOWHERE = 'rtsp://127.0.0.1:1/nowhere#backchannel=0';

function inNetwork(command: string, ...args: string[]) {
  const options = { encoding: 'utf8', timeout: 50_000 } as const;
  return spawnSync('unshare', ['-rn', 'sh', '-c', `ip link set lo up && ${command}`, 'sh', ...args], options);
}

const canMake = inNetwork('true').status === 0;

function seen(program: Program): Seen {
  const child = fileURLToPath(new URL('../support/go2rtc/webrtc-child.ts', import.meta.url));
  const args = [process.execPath, '--import', 'tsx', child, JSON.stringify(program)];
  const { stdout, stderr, status } = inNetwork('exec "$@"', ...args);
  assert.is(status, 0, stderr);
  return JSON.parse(stdout) as Seen;
}

const directions = (sdp: string) =>
  [...sdp.matchAll(/^a=(sendrecv|sendonly|recvonly|inactive)\s*$/gm)].map(([, one]) => one);

if (canMake) {
  each('an offer without addresses is answered with those of one port', async program => {
    const { answers, consumer, port, talk, lone } = seen(program);
    const { viewer, whep, json } = answers;
    assert.is(viewer?.status, 200);
    assert.match(viewer?.text ?? '', /^v=0\r\n/);
    assert.equal(directions(viewer?.text ?? ''), ['sendonly', 'sendonly']);
    const candidates = [...(viewer?.text ?? '').matchAll(/^a=candidate:.*$/gm)].map(([line]) => line);
    assert.ok(candidates.length >= 2);
    for (const line of candidates) assert.match(line, new RegExp(` (udp|tcp) \\d+ 127\\.0\\.0\\.1 ${port} typ host`));
    assert.equal([whep?.status, whep?.type], [201, 'application/sdp']);
    assert.is(json?.status, 200);
    assert.is(JSON.parse(json?.text ?? '{}').type, 'answer');
    assert.is(consumer?.format_name, 'webrtc/post');
    assert.equal(
      [answers['H.265 only']?.status, directions(answers['H.265 only']?.text ?? '')],
      [200, ['inactive', 'sendonly']],
      'sound only, and it looks like a success',
    );
    assert.is(answers['nothing fits']?.status, 500);
    assert.match(answers['nothing fits']?.text ?? '', 'codecs not matched');
    assert.is(answers.garbage?.status, 500);
    assert.is(answers.unknown?.status, 404);
    assert.is(answers.talker?.status, 200);
    assert.equal(directions(answers.talker?.text ?? ''), ['recvonly', 'inactive']);
    assert.equal(talk, { asksForSpeaker: true, setUp: ['trackID=2'], medias: talk.medias });
    assert.equal(
      [answers['lone talker']?.status, lone],
      [200, { asked: 0, shown: 2 }],
      'a source of the stream, as nothing is sent to it',
    );
    assert.equal(talk.medias, ['audio, recvonly, PCMA/8000', 'audio, sendonly, PCMA/8000']);
  });
} else test.needs(false, 'no network can be made here', 'an offer without addresses is answered', () => undefined);

each('a key picture as MP4; nothing for Chrome; words when there is no camera', async program => {
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const { status, headers, body } = await peer.ask('GET', '/api/frame.mp4?src=th-1-main');
  assert.is(status, 200);
  assert.match(String(headers['content-type']), /^video\/mp4; codecs="avc1/);
  assert.is(body.toString('latin1', 4, 8), 'ftyp');
  const chrome = { headers: { 'User-Agent': 'Mozilla/5.0 Chrome/150.0' } };
  const empty = await peer.ask('GET', '/api/frame.mp4?src=th-1-main', chrome);
  assert.equal([empty.status, empty.body.length], [200, 0]);
  await peer.patch('th-2-main', NOWHERE);
  const dead = await peer.ask('GET', '/api/frame.mp4?src=th-2-main');
  assert.is(dead.status, 500);
  assert.match(dead.text, /^streams: dial tcp 127\.0\.0\.1:1/);
  assert.is((await peer.ask('GET', '/api/frame.mp4?src=th-9-main')).status, 404);
  await peer.stop();
  await camera.stop();
});

each('a JPEG by ffmpeg; 200 with nothing in it when there is no camera', async program => {
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  await peer.patch('th-2-main', NOWHERE);
  const { status, headers, body } = await peer.ask('GET', '/api/frame.jpeg?src=th-1-main');
  assert.equal([status, headers['content-type']], [200, 'image/jpeg']);
  assert.is(body.toString('hex', 0, 3), 'ffd8ff');
  const dead = await peer.ask('GET', '/api/frame.jpeg?src=th-2-main');
  assert.equal([dead.status, dead.body.length, dead.headers['content-type']], [200, 0, undefined]);
  await peer.stop();
  const poor = await Peer.start(program, { env: { PATH: '' } });
  await poor.patch('th-1-main', `${camera.url}#backchannel=0`);
  const failed = await poor.ask('GET', '/api/frame.jpeg?src=th-1-main');
  assert.is(failed.status, 500);
  assert.match(failed.text, /^exec: "ffmpeg": executable file not found/);
  await poor.stop();
  await camera.stop();
});

each('a snapshot that nobody waits for any more holds the camera until a key picture comes', async program => {
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const { client } = await peer.play('th-1-main');
  await client.until(() => client.packets.length > 20, 'packets');
  await camera.inject({ kind: 'freeze' });
  const count = async () => (await peer.stream('th-1-main')).consumers?.length;
  const headers = { Authorization: `Basic ${Buffer.from('thimble:a-long-random-secret-5f2b').toString('base64')}` };
  const path = '/api/frame.mp4?src=th-1-main';
  const asked = request({ socketPath: peer.socketPath, path, headers, agent: false });
  asked.on('error', () => {});
  asked.end();
  await until(async () => (await count()) === 2, 'the snapshot reads');
  asked.destroy();
  await new Promise(resolve => setTimeout(resolve, 300));
  assert.is(await count(), 2, 'it is still there');
  await camera.inject({ kind: 'thaw' });
  await until(async () => (await count()) === 1, 'it goes with the next key picture');
  client.close();
  await peer.stop();
  await camera.stop();
});

each('talking to a camera takes a session of its own, else the readers of the picture lose theirs', async program => {
  const camera = await SpeakerCamera.start();
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', camera.url);
  await peer.patch('th-2-main', `${camera.url}#backchannel=0`);
  const plain = await peer.play('th-1-main');
  assert.ok(camera.requests.some(({ method, wantsSpeaker }) => method === 'DESCRIBE' && wantsSpeaker));
  const medias = (await peer.stream('th-1-main')).producers[0]?.medias;
  assert.equal(medias, ['video, recvonly, H264', 'audio, recvonly, PCMA/8000', 'audio, sendonly, PCMA/8000']);
  await plain.client.until(() => plain.client.packets.length > 10, 'packets');
  const plays = () => camera.asked('PLAY');
  const before = plays();
  await peer.ask('GET', '/api/streams?src=th-1-main&microphone');
  await until(() => plays() > before, 'another session under the reader');
  plain.client.close();
  await until(() => camera.connections === 0, 'the camera is let go');

  const { length } = camera.requests;
  const safe = await peer.play('th-2-main');
  await safe.client.until(() => safe.client.packets.length > 10, 'packets');
  await peer.ask('GET', '/api/streams?src=th-2-main&microphone');
  assert.not(
    camera.requests.slice(length).some(({ wantsSpeaker }) => wantsSpeaker),
    'the speaker is not seen',
  );
  assert.is(camera.requests.slice(length).filter(({ method }) => method === 'PLAY').length, 1);
  safe.client.close();
  await peer.stop();
  await camera.stop();
});

each('a camera that refuses the speaker is asked again without', async program => {
  const camera = await SpeakerCamera.start();
  camera.hasSpeaker = false;
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', camera.url);
  const { client } = await peer.play('th-1-main');
  await client.until(() => client.packets.length > 10, 'packets');
  assert.equal(
    camera.requests.filter(({ method }) => method === 'DESCRIBE').map(({ wantsSpeaker }) => wantsSpeaker),
    [true, false],
  );
  client.close();
  await peer.stop();
  await camera.stop();
});

each('publishing cannot be ended: it goes on when the stream is deleted', async program => {
  const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
  let connections = 0;
  const sink = createServer(socket => {
    connections++;
    socket.on('error', () => {});
    socket.destroy();
  });
  const port = await freePort();
  await new Promise<void>(resolve => sink.listen(port, '127.0.0.1', resolve));
  const peer = await Peer.start(program, { modules: ['api', 'rtsp', 'rtmp'], more: 'rtmp: {listen: ""}' });
  await peer.patch('th-1-main', `${camera.url}#backchannel=0`);
  const target = encodeURIComponent(`rtmp://127.0.0.1:${port}/app/key`);
  assert.is((await peer.ask('POST', `/api/streams?src=th-1-main&dst=${target}`)).status, 200);
  await until(() => connections > 0, 'a first try');
  await peer.ask('DELETE', '/api/streams?src=th-1-main');
  const tries = connections;
  await until(() => connections > tries + 1, 'more tries');
  await peer.stop();
  await new Promise(resolve => sink.close(resolve));
  await camera.stop();
});

test.run();
