// The rules for whoever looks after go2rtc, each with processes that misbehave: the stand-in, and a real one when there is one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { systemClock } from '../../src/core/index.ts';
import { Api } from '../../src/go2rtc/api.ts';
import type { StreamClaim } from '../../src/go2rtc/index.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { both } from '../support/go2rtc/both.ts';
import { type Program, until } from '../support/go2rtc/peer.ts';
import { type StandInOptions, standIn } from '../support/go2rtc/stand-in.ts';
import { askedCalls, configurationOf, starts, streamsOf, stumbling, supervise } from '../support/go2rtc/supervised.ts';
import { RtspClient } from '../support/rtsp-client.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('go2rtc rules: supervisor', { timeoutMs: 90_000 });
test.after(stopChildren);
const each = both(test, { timeScale: 0.2 });
const CLIP = { fps: 25, seconds: 8, gop: 25, unitBytes: 1000, audio: true };
const DEAD = 'rtsp://127.0.0.1:1/dead#backchannel=0';

function alone(options: StandInOptions): Program {
  return { name: 'stand-in', path: standIn(options), timeScale: options.timeScale ?? 1 };
}

/** What nobody may see in a log. */
function shown(lines: readonly object[]): string {
  return lines.map(line => JSON.stringify(line)).join('\n');
}

async function plays(url: string): Promise<RtspClient> {
  const client = await RtspClient.connect(`${url}?video=h264,h265`);
  const { status } = await client.ask('DESCRIBE');
  assert.is(status, 200);
  await client.ask('SETUP', { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' }, `${url}/trackID=0`);
  await client.ask('PLAY');
  await client.until(() => client.packets.length > 10, 'packets', 20_000);
  return client;
}

each('go2rtc rule S1: a storm of claims, renewals and looks never meets in it', async program => {
  const hub = await supervise(program);
  const claims: StreamClaim[] = [];
  const claim = (n: number) => hub.go2rtc.claim(`th-${n}-main`, `rtsp://127.0.0.1:1/${n}#backchannel=0`);
  for (let n = 1; n <= 30; n++) claims.push(claim(n));
  const pid = await hub.ready();
  for (let n = 0; n < 300; n++) {
    const place = n % 30;
    claims[place]?.release();
    claims[place] = claim(place + 1);
    claims[(place + 7) % 30]?.renew();
    if (n % 10 === 0) await new Promise(resolve => setTimeout(resolve, 5));
  }
  await Promise.all(claims.map(one => hub.url(one)));
  // A look at all streams falls into it too.
  const aborted = AbortSignal.timeout(3000);
  await hub.go2rtc.snapshot('th-1-main', 'mp4', aborted).catch(() => undefined);
  for (let n = 0; n < 60; n++) {
    claims[n % 30]?.renew();
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  assert.equal([hub.go2rtc.state().pid, hub.go2rtc.state().restarts], [pid, 0]);
  // Whoever else asks by the same way waits for his turn: looks and new streams, all at once.
  const { unix_listen: socketPath, username, password } = configurationOf(pid).api;
  const api = new Api({ socketPath, username, password, clock: systemClock });
  const calls = Array.from({ length: 40 }, (_, n) => [api.list(), api.patch(`th-${100 + n}-sub`, DEAD)]);
  await Promise.all(calls.flat());
  assert.is(hub.go2rtc.state().restarts, 0);
  await hub.stop();
});

test('go2rtc rules S2, S5 and S13: what is removed leads nowhere, each source is read back, nothing is published', async () => {
  const [requestLog, startLog] = [join(tempDir('log'), 'requests'), join(tempDir('log'), 'starts')];
  const hub = await supervise(alone({ requestLog, startLog }));
  const [kept, gone] = [hub.go2rtc.claim('th-1-main', DEAD), hub.go2rtc.claim('th-2-main', DEAD)];
  await hub.url(gone);
  gone.release();
  const patches = () => askedCalls(requestLog).filter(({ method }) => method === 'PATCH');
  await until(() => patches().filter(({ query }) => query.name === 'th-2-main').length === 2, 'the removal');
  assert.equal(patches().at(-1)?.query, { name: 'th-2-main', src: 'rtsp://127.0.0.1:1/' });
  const last = () => askedCalls(requestLog).at(-1);
  await until(() => last()?.method === 'GET' && last()?.query.src === 'th-2-main', 'a look whether that was done');
  const calls = askedCalls(requestLog);
  const ofStreams = calls.filter(({ path }) => path === '/api/streams');
  assert.ok(ofStreams.every(({ method }) => method === 'GET' || method === 'PATCH'));
  for (const [place, { method, query }] of ofStreams.entries())
    if (method === 'PATCH') {
      const next = ofStreams[place + 1];
      assert.equal([next?.method, next?.query], ['GET', { src: query.name }], 'read back at once');
    }
  const before = calls.length;
  process.kill(await hub.ready(), 'SIGKILL');
  await until(() => starts(startLog).length === 2, 'another start');
  await hub.ready();
  await hub.url(kept);
  const after = askedCalls(requestLog).slice(before);
  assert.ok(after.some(({ query }) => query.name === 'th-1-main'));
  assert.not(
    after.some(({ query }) => query.name === 'th-2-main'),
    'it is forgotten',
  );
  await hub.stop();
});

each(
  'go2rtc rules S2, S5 and S13: it has what it was given, and forgets what was removed when it starts anew',
  async program => {
    const hub = await supervise(program);
    const [kept, gone] = [hub.go2rtc.claim('th-1-main', DEAD), hub.go2rtc.claim('th-2-main', DEAD)];
    await Promise.all([kept, gone].map(one => hub.url(one)));
    const pid = await hub.ready();
    const sources = async (of: number) =>
      Object.entries(await streamsOf(of)).map(([name, { producers }]) => `${name} ${producers.map(({ url }) => url)}`);
    assert.equal(await sources(pid), [`th-1-main ${DEAD}`, `th-2-main ${DEAD}`]);
    gone.release();
    const removed = [`th-1-main ${DEAD}`, 'th-2-main rtsp://127.0.0.1:1/'];
    await until(async () => String(await sources(pid)) === String(removed), 'the removal');
    const { publish, preload, streams } = configurationOf(pid);
    assert.equal([publish, preload, streams], [undefined, undefined, undefined]);
    process.kill(pid, 'SIGKILL');
    const next = await hub.ready(pid);
    await hub.url(kept);
    assert.equal(await sources(next), [`th-1-main ${DEAD}`]);
    await hub.stop();
  },
);

each('go2rtc rule S3: a crash is followed by a start with all streams', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const hub = await supervise(program);
  const claim = hub.go2rtc.claim('th-1-main', `${camera.url}#backchannel=0`);
  const other = hub.go2rtc.claim('th-2-sub', `${camera.url}#backchannel=0`);
  const first = await plays(await hub.url(claim));
  const pid = await hub.ready();
  // To a Go program that is the end by a fatal error, exit code 2, as two calls at once are.
  process.kill(pid, program.name === 'real' ? 'SIGQUIT' : 'SIGUSR2');
  await until(() => first.closed, 'the end');
  assert.is.not(await hub.ready(pid), pid);
  const again = await plays(await hub.url(claim));
  const alsoAgain = await plays(await hub.url(other));
  assert.is(hub.go2rtc.state().restarts, 1);
  for (const client of [again, alsoAgain]) client.close();
  await hub.stop();
  await camera.stop();
});

test('go2rtc rule S4: other names, several sources and sources that look like ours are kept out', async () => {
  const requestLog = join(tempDir('log'), 'requests');
  const hub = await supervise(alone({ requestLog }));
  for (const name of ['live', 'cam1', 'th-1', 'th-1-main/x', 'th--main', 'TH-1-main'])
    assert.throws(() => hub.go2rtc.claim(name as 'th-1-main', DEAD), name);
  for (const source of ['', 'nothing', 'rtsp://127.0.0.1/a b', 'rtsp://127.0.0.1/{x}', `rtsp://127.0.0.1/$${'{x}'}`])
    assert.throws(() => hub.go2rtc.claim('th-1-main', source), source);
  const good = hub.go2rtc.claim('th-1-main', DEAD);
  const alias = hub.go2rtc.claim('th-2-main', 'rtsp://127.0.0.1:1/th-1-main#backchannel=0');
  await hub.url(good);
  await until(() => alias.problem() !== undefined, 'words about it');
  assert.is(alias.url(), undefined);
  for (const { query } of askedCalls(requestLog).filter(({ method }) => method === 'PATCH')) {
    assert.match(query.name ?? '', /^th-\d+-(main|sub|talk|view|viewsub)$/);
    assert.not.match(query.src ?? '', /\/th-1-main/);
  }
  await hub.stop();
});

each('go2rtc rule S4: a source that looks like one of ours makes no second name of it', async program => {
  const hub = await supervise(program);
  const good = hub.go2rtc.claim('th-1-main', DEAD);
  const alias = hub.go2rtc.claim('th-2-main', 'rtsp://127.0.0.1:1/th-1-main#backchannel=0');
  const coded = hub.go2rtc.claim('th-3-main', 'RTSP://127.0.0.1:1/th-1%2Dmain?x#backchannel=0');
  await hub.url(good);
  await until(() => [alias, coded].every(one => one.problem() !== undefined), 'words about them');
  const other = hub.go2rtc.claim('th-4-main', 'rtsp://127.0.0.1:1/th-1-main/x#backchannel=0');
  await hub.url(other);
  const streams = await streamsOf(await hub.ready());
  assert.equal(Object.keys(streams), ['th-1-main', 'th-4-main']);
  assert.ok(Object.values(streams).every(({ producers }) => producers.length === 1));
  await hub.stop();
});

each('go2rtc rule S6: neither a port that is taken nor silence keeps it from starting', async program => {
  const { program: clumsy, given, hasGiven, stop } = await stumbling(program);
  const hub = await supervise(clumsy);
  const url = await hub.url(hub.go2rtc.claim('th-1-main', DEAD));
  const ports = [0, 1, 2].map(place => given(place).rtsp.listen);
  assert.equal([new Set(ports).size, hasGiven(3)], [3, false]);
  assert.is(`127.0.0.1:${new URL(url).port}`, ports[2]);
  assert.is(hub.go2rtc.state().restarts, 2);
  await hub.stop();
  await stop();
});

test('go2rtc rule S6: a start that fails is followed by one on other ports', async () => {
  const startLog = join(tempDir('log'), 'starts');
  const hub = await supervise(alone({ startLog, firstStarts: ['port taken', 'silence'] }));
  const claim = hub.go2rtc.claim('th-1-main', DEAD);
  const url = await hub.url(claim);
  const all = starts(startLog);
  assert.is(all.length, 3);
  assert.is(new Set(all.map(({ rtspListen }) => rtspListen)).size, 3);
  assert.is(`127.0.0.1:${new URL(url).port}`, all[2]?.rtspListen);
  for (const { pid } of all.slice(0, 2)) assert.throws(() => process.kill(pid, 0), 'the one before is gone');
  await hub.stop();
});

each('go2rtc rule S7: two services never have the same socket', async program => {
  const first = await supervise(program);
  const claim = first.go2rtc.claim('th-1-main', DEAD);
  await first.url(claim);
  const second = await supervise(program, { runtimeDir: first.runtimeDir });
  second.go2rtc.claim('th-1-main', DEAD);
  await until(() => second.go2rtc.state().message !== undefined && second.go2rtc.state().name !== 'starting', 'words');
  assert.ok(second.go2rtc.state().pid === undefined && second.go2rtc.state().cure !== undefined);
  assert.is(first.go2rtc.state().name, 'ready');
  await second.stop();
  assert.ok(claim.url() !== undefined, 'the first is not disturbed');
  await first.stop();
});

each('go2rtc rule S8: its lines come to our log, whatever they are, few and without secrets', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const { port } = camera;
  const hub = await supervise(program);
  const claim = hub.go2rtc.claim(
    'th-1-main',
    `${camera.url.replace('//', '//admin:top-secret@')}?key=top-secret#backchannel=0`,
  );
  const client = await plays(await hub.url(claim));
  await camera.stop();
  // It spins, and tells each time.
  const changed = await Camera.start({ clips: [CLIP], port, only: 'audio' });
  await until(() => changed.requests.length > 30, 'it spins');
  client.close();
  const pid = await hub.ready();
  process.kill(pid, program.name === 'real' ? 'SIGQUIT' : 'SIGUSR2');
  await hub.ready(pid);
  const text = shown(hub.log.lines);
  assert.match(text, program.name === 'real' ? /SIGQUIT/ : /concurrent map/);
  assert.not.match(text, /top-secret/);
  assert.ok(hub.log.lines.length < 200, `${hub.log.lines.length} lines`);
  await hub.stop();
  await changed.stop();
});

each('go2rtc rule S9: a stream that spins is closed, and opened anew with what the camera has now', async program => {
  const camera = await Camera.start({ clips: [CLIP] });
  const { port } = camera;
  const hub = await supervise(program);
  const claim = hub.go2rtc.claim('th-1-main', `${camera.url}#backchannel=0`);
  const client = await plays(await hub.url(claim));
  await camera.stop();
  const changed = await Camera.start({ clips: [CLIP], port, only: 'video', claimVideo: 'H265' });
  await until(() => claim.url() === undefined, 'nobody may have it for a while');
  assert.ok(claim.problem() !== undefined);
  // Its readers close when there is no address any more.
  client.close();
  await until(async () => {
    const again = await RtspClient.connect(`${await hub.url(claim)}?video=h264,h265`);
    const { body } = await again.ask('DESCRIBE');
    again.close();
    return /H265\/90000/.test(body);
  }, 'the description of what it has now');
  assert.is(hub.go2rtc.state().restarts, 0);
  await hub.stop();
  await changed.stop();
});

each('go2rtc rule S10: no variables, and no camera, in its configuration', async program => {
  const hub = await supervise(program);
  const claim = hub.go2rtc.claim('th-1-main', 'rtsp://admin:top-secret@127.0.0.1:1/x#backchannel=0');
  await hub.url(claim);
  const args = readFileSync(`/proc/${await hub.ready()}/cmdline`, 'utf8').split('\0');
  const path = args[args.indexOf('-config') + 1] ?? '';
  const text = readFileSync(path, 'utf8');
  assert.not.match(text, /\$\{|top-secret|th-1/);
  assert.not.match(args.join(' '), /top-secret/);
  assert.not.match(readFileSync(`/proc/${await hub.ready()}/environ`, 'utf8'), /THIMBLE|HOME=|top-secret/);
  await hub.stop();
});

test('go2rtc rule S11: counters that wrap are no silence', async () => {
  const camera = await Camera.start({ clips: [CLIP] });
  const hub = await supervise(alone({ countersWrap: true }));
  const claim = hub.go2rtc.claim('th-1-main', `${camera.url}#backchannel=0`);
  const client = await plays(await hub.url(claim));
  const isMoving = () => hub.go2rtc.state().streams[0]?.moving === true;
  await until(isMoving, 'it moves');
  // Beyond 2^31, which is 64 KiB away at the start, through two more looks.
  for (let look = 0; look < 110; look++) {
    assert.ok(isMoving());
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  client.close();
  await hub.stop();
  await camera.stop();
});

test('go2rtc rule S12: an API that does not answer any more is noticed, and the process replaced', async () => {
  const startLog = join(tempDir('log'), 'starts');
  const hub = await supervise(alone({ silentAfterRequests: 6, startLog }));
  const claim = hub.go2rtc.claim('th-1-main', DEAD);
  const pid = await hub.ready();
  await until(() => starts(startLog).length > 1, 'another start');
  await hub.ready(pid);
  await hub.url(claim);
  await hub.stop();
});

each('go2rtc rule S12: so is one that was stopped', async program => {
  const hub = await supervise(program);
  const claim = hub.go2rtc.claim('th-1-main', DEAD);
  await hub.url(claim);
  const pid = await hub.ready();
  process.kill(pid, 'SIGSTOP');
  await hub.ready(pid);
  await hub.url(claim);
  assert.throws(() => process.kill(pid, 0), 'the stopped one is gone');
  await hub.stop();
});

test.run();
