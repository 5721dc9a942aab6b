// The faults of the test camera really happen: without this, tests that rely on them could pass for nothing.
import * as assert from 'uvu/assert';
import { Camera, type CameraOptions, type Fault } from '../support/camera.ts';
import { CameraChild } from '../support/camera-child.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { RtspClient } from '../support/rtsp-client.ts';
import { suite } from '../support/suite.ts';

const test = suite('test camera');
const SYNTHETIC = { fps: 25, seconds: 8, gop: 25, unitBytes: 2000, audio: true };

test.after(stopChildren);

async function withCamera(
  options: Partial<CameraOptions>,
  body: (client: RtspClient, camera: Camera) => Promise<void>,
): Promise<void> {
  const camera = await Camera.start({ clips: [SYNTHETIC], speed: 10, ...options });
  const client = await RtspClient.connect(camera.url);
  try {
    await body(client, camera);
  } finally {
    client.close();
    await camera.stop();
  }
}

const scripted = (atVideoUnit: number, fault: Fault): Partial<CameraOptions> => ({ script: [{ atVideoUnit, fault }] });
const sequence = (packet: Buffer | undefined) => packet?.readUInt16BE(2) ?? -1;
const timestamp = (packet: Buffer | undefined) => packet?.readUInt32BE(4) ?? -1;
const ssrc = (packet: Buffer | undefined) => packet?.readUInt32BE(8) ?? -1;
/** Last packets of the access units: one per unit. */
const ends = (packets: Buffer[]) => packets.filter(packet => ((packet[1] ?? 0) & 0x80) !== 0);
/** Differences modulo 2^32, as signed numbers. */
const deltas = (values: number[]) => values.slice(1).map((value, i) => (value - (values[i] ?? 0)) | 0);

test('without faults everything arrives as it is noted', () =>
  withCamera({}, async (client, camera) => {
    const answer = await client.play(2);
    await client.until(() => ends(client.rtp()).length >= 60, 'pictures');
    const video = client.rtp();
    assert.ok(video.every((packet, i) => i === 0 || sequence(packet) === ((sequence(video[i - 1]) + 1) & 0xffff)));
    assert.ok(deltas(ends(video).map(timestamp)).every(delta => delta === 3600));
    const sent = camera.sentUnits('video');
    assert.ok(sent.every((unit, i) => unit.index === i && unit.whole && unit.key === (i % 25 === 0)));
    assert.is(new Set(sent.map(unit => unit.sha256)).size, sent.length);
    assert.match(answer.headers.get('rtp-info') ?? '', new RegExp(`rtptime=${timestamp(video[0])}`));
    assert.equal(
      camera.requests.map(one => one.method),
      ['DESCRIBE', 'SETUP', 'SETUP', 'PLAY'],
    );
    const reports = client.packets.filter(one => one.channel % 2 === 1);
    assert.ok(reports.length >= 2 && reports.every(one => one.packet[1] === 200));
  }));

for (const audioStartMs of [500, -200]) {
  test(`sound starts at ${audioStartMs} ms`, () =>
    withCamera({ audioStartMs }, async (client, camera) => {
      const answer = await client.play(2);
      await client.until(() => client.rtp(0).length > 0 && client.rtp(1).length > 0, 'both tracks');
      const times = [...(answer.headers.get('rtp-info') ?? '').matchAll(/rtptime=(\d+)/g)].map(match =>
        Number(match[1]),
      );
      const [video, audio] = [
        timestamp(client.rtp(0)[0]) - (times[0] ?? 0),
        timestamp(client.rtp(1)[0]) - (times[1] ?? 0),
      ];
      assert.is(((audio | 0) / 16 - (video | 0) / 90) | 0, audioStartMs);
      assert.is(camera.sentUnits('audio')[0]?.ptsMs, audioStartMs);
    }));
}

test('freeze keeps the connection and sends nothing until thaw', () =>
  withCamera({}, async (client, camera) => {
    await client.play();
    await client.until(() => client.rtp().length > 5, 'pictures');
    await camera.inject({ kind: 'freeze' });
    client.send('GET_PARAMETER');
    // What was under way may be late.
    let packets = -1;
    const answers = client.answers.length;
    for (let quietMs = 0; quietMs < 200; quietMs += 50) {
      if (client.packets.length > packets) quietMs = 0;
      packets = client.packets.length;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    assert.equal([client.packets.length, client.answers.length, client.closed], [packets, answers, false]);
    await camera.inject({ kind: 'thaw' });
    await client.until(() => client.packets.length > packets, 'pictures');
  }));

test('close-in-frame ends inside an interleaved frame', () =>
  withCamera(scripted(10, { kind: 'close-in-frame' }), async (client, camera) => {
    await client.play();
    await client.until(() => client.closed, 'the end');
    assert.is(ends(client.rtp()).length, 10);
    assert.is(client.pending[0], 0x24);
    assert.ok(client.pending.length > 4 && client.pending.length < 4 + client.pending.readUInt16BE(2));
    assert.is(camera.sentUnits('video').at(-1)?.whole, false);
  }));

test('die closes the port, and comes back on it', () =>
  withCamera({}, async (client, camera) => {
    await client.play();
    await camera.inject({ kind: 'die', backAfterMs: 150 });
    await client.until(() => client.closed, 'the end');
    const refused = await RtspClient.connect(camera.url).then(
      () => '',
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.is(refused, 'ECONNREFUSED');
    await new Promise(resolve => setTimeout(resolve, 250));
    const again = await RtspClient.connect(camera.url);
    assert.is((await again.play()).status, 200);
    again.close();
  }));

test('a new SSRC comes with other numbers, and goes on', () =>
  withCamera(scripted(20, { kind: 'new-ssrc' }), async client => {
    await client.play();
    await client.until(() => ends(client.rtp()).length > 40, 'pictures');
    const units = ends(client.rtp());
    assert.is(new Set(units.slice(0, 20).map(ssrc)).size, 1);
    assert.is(new Set(units.slice(20).map(ssrc)).size, 1);
    assert.is.not(ssrc(units[19]), ssrc(units[20]));
    assert.ok(deltas(units.map(timestamp)).every(delta => delta === 3600));
    const later = client.rtp().filter(packet => ssrc(packet) === ssrc(units[20]));
    assert.ok(later.every((packet, i) => i === 0 || sequence(packet) === ((sequence(later[i - 1]) + 1) & 0xffff)));
  }));

test('times jump for good or for some units', async () => {
  await withCamera(scripted(10, { kind: 'jump', byMs: 5000 }), async client => {
    await client.play();
    await client.until(() => ends(client.rtp()).length > 20, 'pictures');
    const found = deltas(ends(client.rtp()).map(timestamp)).slice(0, 20);
    assert.equal(
      found,
      found.map((_, i) => (i === 9 ? 450_000 + 3600 : 3600)),
    );
  });
  await withCamera(scripted(10, { kind: 'jump', byMs: -3000, videoUnits: 2 }), async client => {
    await client.play();
    await client.until(() => ends(client.rtp()).length > 20, 'pictures');
    const found = deltas(ends(client.rtp()).map(timestamp)).slice(0, 20);
    assert.equal(
      found,
      found.map((_, i) => (i === 9 ? -270_000 + 3600 : i === 11 ? 270_000 + 3600 : 3600)),
    );
  });
});

test('garbage stands between frames', () =>
  withCamera(scripted(5, { kind: 'garbage', bytes: 777 }), async client => {
    await client.play();
    await client.until(() => ends(client.rtp()).length > 10, 'pictures');
    assert.is(client.garbage.length, 777);
  }));

test('lost packets leave a hole in the numbers and a mark in the notes', () =>
  withCamera(scripted(5, { kind: 'lose', track: 'video', packets: 3 }), async (client, camera) => {
    await client.play(2);
    await client.until(() => ends(client.rtp()).length > 10, 'pictures');
    const numbers = client.rtp().map(sequence);
    const holes = numbers
      .slice(1)
      .map((value, i) => (value - (numbers[i] ?? 0)) & 0xffff)
      .filter(step => step !== 1);
    assert.equal(holes, [4]);
    const broken = camera
      .sentUnits('video')
      .filter(unit => !unit.whole)
      .map(unit => unit.index);
    assert.equal(broken, [5, 6]);
  }));

test('sender reports can be missing, or wrong for the sound', async () => {
  const ntpMs = (packet: Buffer | undefined) => Number(((packet?.readBigUInt64BE(8) ?? 0n) * 1000n) >> 32n);
  const collect = async (options: Partial<CameraOptions>) => {
    let reports: Buffer[][] = [];
    await withCamera(options, async client => {
      await client.play(2);
      await client.until(() => client.rtp().length > 20, 'pictures');
      reports = [1, 3].map(channel => client.packets.filter(one => one.channel === channel).map(one => one.packet));
    });
    return reports;
  };
  assert.equal(await collect({ senderReports: 'none' }), [[], []]);
  const right = await collect({});
  assert.is(ntpMs(right[1]?.[0]) - ntpMs(right[0]?.[0]), 0);
  const wrong = await collect({ senderReports: { audioOffsetMs: -300 } });
  assert.ok(Math.abs(ntpMs(wrong[1]?.[0]) - ntpMs(wrong[0]?.[0]) + 300) <= 1);
});

test('answers that refuse, lie, are late or do not come', async () => {
  for (const status of [401, 403, 404, 453, 500, 503] as const) {
    await withCamera({ refuseDescribe: status }, async client => {
      const answer = await client.ask('DESCRIBE');
      assert.is(answer.status, status);
      assert.is(answer.headers.has('www-authenticate'), status === 401);
    });
  }
  await withCamera({ claimVideo: 'VP9' }, async client => {
    assert.match((await client.ask('DESCRIBE')).body, /a=rtpmap:96 VP9\/90000/);
  });
  await withCamera({ only: 'audio' }, async client => {
    assert.not.match((await client.ask('DESCRIBE')).body, /m=video/);
  });
  await withCamera({ describeDelayMs: 150 }, async client => {
    const askedMs = Date.now();
    await client.ask('DESCRIBE');
    assert.ok(Date.now() - askedMs >= 145);
  });
  await withCamera({ refuseAudioSetup: true, rtpInfo: false, silentTeardown: true }, async client => {
    const answer = await client.play(2);
    assert.equal(
      client.answers.map(one => one.status),
      [200, 200, 461, 200],
    );
    assert.is(answer.headers.has('rtp-info'), false);
    const place = client.answers.length;
    client.send('TEARDOWN');
    await client.ask('OPTIONS');
    assert.is(client.answers.length, place + 1);
  });
});

test('a login is asked for', () =>
  withCamera({ login: { username: 'u', password: 'p', scheme: 'digest' } }, async client => {
    const answer = await client.ask('DESCRIBE');
    assert.is(answer.status, 401);
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Digest realm="Thimble demo", nonce="\w{32}"$/);
  }));

test('parameter sets change in mid-stream', () =>
  withCamera(
    {
      clips: [
        { ...SYNTHETIC, seconds: 1 },
        { ...SYNTHETIC, seconds: 1, width: 640 },
      ],
      rounds: [0, 1],
    },
    async client => {
      await client.play();
      await client.until(() => ends(client.rtp()).length > 60, 'pictures');
      const sets = client
        .rtp()
        .filter(packet => ((packet[12] ?? 0) & 0x1f) === 24)
        .map(packet => packet.toString('hex', 12));
      assert.is(sets.length, 3);
      assert.is.not(sets[0], sets[1]);
      assert.is(sets[1], sets[2]);
      assert.ok(deltas(ends(client.rtp()).map(timestamp)).every(delta => delta === 3600));
    },
  ));

test('in a process of its own it can be stopped, commanded and killed', async () => {
  const camera = await CameraChild.start({ clips: [await clipFile(CLIPS.small)] });
  const client = await RtspClient.connect(camera.url);
  await client.play(2);
  await client.until(() => client.rtp().length > 3, 'pictures');
  camera.kill('SIGSTOP');
  await new Promise(resolve => setTimeout(resolve, 100));
  const count = client.packets.length;
  await new Promise(resolve => setTimeout(resolve, 300));
  assert.is(client.packets.length, count);
  camera.kill('SIGCONT');
  await client.until(() => client.packets.length > count, 'pictures');
  await camera.inject({ kind: 'garbage', bytes: 50 });
  await client.until(() => client.garbage.length === 50, 'garbage');
  const { sent, requests } = await camera.report();
  assert.ok(sent.length > 5 && requests.length === 4);
  camera.kill('SIGKILL');
  await client.until(() => client.closed, 'the end');
});

test.run();
