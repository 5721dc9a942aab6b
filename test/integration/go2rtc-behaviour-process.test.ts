// What our supervisor believes about the process: lines, ports, sockets, ends. The stand-in and a real go2rtc do the same.
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { run, stopChildren } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { both } from '../support/go2rtc/both.ts';
import { Peer } from '../support/go2rtc/peer.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('go2rtc behaviour: process', { timeoutMs: 60_000 });
test.after(stopChildren);
const each = both(test, { timeScale: 0.02 });

async function busyPort(): Promise<{ port: number; free: () => void }> {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  return { port, free: () => server.close() };
}

each('says what it is', async ({ path }) => {
  for (const flag of ['-version', '--version']) {
    const { stdout } = await run(path, [flag]);
    assert.match(stdout, /^go2rtc version \d+\.\d+\.\d+\S* /);
  }
});

each('says in JSON on stderr that it listens, and can be asked then', async program => {
  const peer = await Peer.start(program);
  for (const name of ['[webrtc] listen tcp', '[webrtc] listen udp']) {
    const { addr } = await peer.logged(({ message }) => message === name);
    assert.is(addr, `127.0.0.1:${peer.webrtcPort}`);
  }
  const start = peer.log.find(({ message }) => message === 'go2rtc');
  assert.match(String(start?.version), /^\d+\.\d+\.\d+/);
  assert.is(peer.log.find(({ message }) => message === 'config')?.path, peer.configPath);
  assert.is(peer.log.find(({ message }) => message === '[api] listen')?.addr, peer.socketPath);
  assert.is(peer.log.find(({ message }) => message === '[rtsp] listen')?.addr, `127.0.0.1:${peer.rtspPort}`);
  assert.ok(peer.log.every(({ level, time }) => level === 'info' && Number.isInteger(time)));
  assert.equal(await peer.streams(), {});
  const about = JSON.parse((await peer.ask('GET', '/api')).text);
  assert.equal(Object.keys(about).sort(), ['config_path', 'host', 'revision', 'rtsp', 'version']);
  await peer.stop();
});

each('ends at once on TERM and INT, with a line that is no JSON, and leaves its socket behind', async program => {
  for (const [signal, word] of [
    ['SIGTERM', 'terminated'],
    ['SIGINT', 'interrupt'],
  ] as const) {
    const peer = await Peer.start(program);
    peer.child.kill(signal);
    assert.equal(await peer.child.exited, { code: 0, signal: null });
    assert.is(peer.child.stderr.at(-1), `exit with signal: ${word}`);
    assert.ok(existsSync(peer.socketPath));
  }
});

each('a busy RTSP port is an error in the log, and it goes on', async program => {
  const { port, free } = await busyPort();
  const peer = await Peer.spawn(program, { rtspPort: port });
  const line = await peer.logged(({ message }) => message === '[rtsp] listen');
  assert.is(line.level, 'error');
  assert.match(String(line.error), /address already in use|EADDRINUSE/);
  await peer.logged(({ message }) => message === '[api] listen');
  const about = JSON.parse((await peer.ask('GET', '/api')).text);
  assert.is(about.rtsp.listen, `127.0.0.1:${port}`, 'it shows what it could not have');
  await peer.stop();
  free();
});

each('a busy WebRTC port is told by the line that is missing', async program => {
  const { port, free } = await busyPort();
  const peer = await Peer.start(program, { webrtcPort: port });
  await peer.logged(({ message }) => message === '[webrtc] listen udp');
  assert.is((await peer.ask('GET', '/api/streams')).status, 200);
  assert.not(peer.log.some(({ message }) => message === '[webrtc] listen tcp'));
  assert.not(peer.log.some(({ level }) => level === 'error'));
  await peer.stop();
  free();
});

each('without a folder for its socket it goes on without being asked', async program => {
  const peer = await Peer.spawn(program, { socketPath: join(tempDir('peer'), 'missing', 'api.sock') });
  const line = await peer.logged(({ message }) => message === '[api] listen');
  assert.is(line.level, 'error');
  await peer.logged(({ message }) => message === '[rtsp] listen');
  assert.ok(peer.child.running);
  await peer.stop();
});

each('a second one takes the socket away, and the first lives on unheard', async program => {
  const dir = join(tempDir('peer'), 'run');
  mkdirSync(dir, { mode: 0o700 });
  const socketPath = join(dir, 'api.sock');
  const first = await Peer.start(program, { socketPath });
  await first.patch('th-1-main', 'rtsp://127.0.0.1:1/first');
  const second = await Peer.start(program, { socketPath });
  assert.equal(await first.streams(), {}, 'it is the second that answers');
  assert.ok(first.child.running);
  await second.stop();
  await first.stop();
});

each('a file left by one that was killed is no obstacle', async program => {
  const first = await Peer.start(program);
  first.child.kill('SIGKILL');
  await first.child.exited;
  assert.ok(existsSync(first.socketPath));
  const second = await Peer.start(program, { socketPath: first.socketPath });
  assert.is((await second.ask('GET', '/api/streams')).status, 200);
  await second.stop();
});

each('asks for the password on the unix socket, and knows only the paths that are allowed', async program => {
  const peer = await Peer.start(program);
  for (const path of ['/api', '/api/streams', '/', '/api/config'])
    assert.is((await peer.ask('GET', path, { login: false })).status, 401, path);
  for (const path of ['/', '/api/config', '/api/log', '/api/streams.dot', '/api/preload', '/api/ws', '/api/onvif'])
    assert.is((await peer.ask('GET', path)).status, 404, path);
  for (const path of ['/api/exit', '/api/restart', '/api/config'])
    assert.is((await peer.ask('POST', path)).status, 404, path);
  assert.ok(peer.child.running);
  await peer.stop();
});

each('what an absent module would do is not there, and a module that does not exist is passed over', async program => {
  const peer = await Peer.start(program, { modules: ['api', 'rtsp', 'nonsense'] });
  for (const path of ['/api/frame.mp4', '/api/frame.jpeg', '/api/webrtc'])
    assert.is((await peer.ask('GET', `${path}?src=x`)).status, 404, path);
  assert.not(peer.log.some(({ level }) => level !== 'info'));
  await peer.stop();
});

each('takes the values of variables out of every answer, wherever they stand', async program => {
  const more = `streams: {th-1-cam: "rtsp://127.0.0.1:1/x-\${SHORT}"}`;
  const peer = await Peer.start(program, { more, env: { SHORT: '12' } });
  const [shown] = Object.values(await peer.streams());
  assert.is(shown?.producers[0]?.url, 'rtsp://***7.0.0.1:1/x-***');
  // Out of its log as well: of the times there some hold it.
  assert.ok(peer.log.length > 0);
  await peer.stop();
});

each('a password in an address is not shown', async program => {
  const peer = await Peer.start(program);
  await peer.patch('th-1-main', 'rtsp://admin:secret-word@127.0.0.1:1/x#backchannel=0');
  const { text } = await peer.ask('GET', '/api/streams');
  assert.not.match(text, /secret-word|admin/);
  assert.match(text, 'rtsp://***@127.0.0.1:1/x#backchannel=0');
  await rejects(() => peer.play('th-1-main'));
  await peer.logged(({ message }) => message === '[rtsp]');
  assert.not.match(peer.child.stderr.join('\n'), /secret-word/);
  await peer.stop();
});

each('PATCH leaves its configuration alone; PUT and DELETE write it, with the mode that it has', async program => {
  const peer = await Peer.start(program);
  const text = readFileSync(peer.configPath, 'utf8');
  await peer.patch('th-1-main', 'rtsp://127.0.0.1:1/x');
  await peer.patch('th-1-main', 'rtsp://127.0.0.1:1/y');
  assert.is(readFileSync(peer.configPath, 'utf8'), text);
  await peer.ask('PUT', '/api/streams?name=th-2-main&src=rtsp://127.0.0.1:1/z');
  assert.match(readFileSync(peer.configPath, 'utf8'), 'th-2-main');
  await peer.ask('DELETE', '/api/streams?src=th-2-main');
  assert.not.match(readFileSync(peer.configPath, 'utf8'), 'th-2-main');
  assert.is(statSync(peer.configPath).mode & 0o777, 0o600);
  await peer.stop();
});

async function rejects(body: () => Promise<unknown>): Promise<void> {
  let failed = false;
  await body().catch(() => {
    failed = true;
  });
  assert.ok(failed, 'it should have failed');
}

test.run();
