// What go2rtc is told and what it says: its configuration, its log lines, its lists of streams, the sources it shows.
import { networkInterfaces } from 'node:os';
import * as assert from 'uvu/assert';
import { configurationText } from '../../src/go2rtc/configuration.ts';
import { parseJson } from '../../src/go2rtc/json.ts';
import { readLogLine } from '../../src/go2rtc/log-line.ts';
import { LogReader } from '../../src/go2rtc/log-reader.ts';
import { bareSource, isSameSource, isStreamName, looksLikeStream, placeOf } from '../../src/go2rtc/source-address.ts';
import { isStrayed } from '../../src/go2rtc/strayed.ts';
import { readStreams } from '../../src/go2rtc/stream-report.ts';
import { sourceFault } from '../../src/go2rtc/words.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc text');

const ACCESS = { socketPath: '/run/x/api.sock', username: 'u', password: 'p', rtspPort: 4000 };

test('the configuration opens nothing but what is asked for', () => {
  const told = JSON.parse(configurationText(ACCESS));
  assert.is(told.api.listen, '');
  assert.is(told.api.unix_listen, '/run/x/api.sock');
  assert.is(told.api.local_auth, true);
  assert.equal(told.api.allow_paths, ['/api/streams', '/api/webrtc', '/api/frame.mp4', '/api/frame.jpeg']);
  assert.is(told.rtsp.listen, '127.0.0.1:4000');
  assert.is(told.rtmp.listen, '');
  assert.equal(told.log, { format: 'json', level: 'info', output: 'stderr', time: 'UNIXMS' });
  assert.is(told.webrtc, undefined);
  for (const risky of ['exec', 'ffmpeg', 'echo', 'expr', 'hass', 'homekit', 'ngrok', 'webrtc', 'debug', 'ws', 'hls'])
    assert.not(told.app.modules.includes(risky), risky);
});

test('WebRTC has one port, asks nobody on the Internet, and names only the addresses it is told', () => {
  const of = (addresses: string[]) => JSON.parse(configurationText({ ...ACCESS, webrtc: { port: 8555, addresses } }));
  const all = of([]);
  assert.ok(all.app.modules.includes('webrtc'));
  assert.equal(all.webrtc, {
    listen: ':8555',
    candidates: [],
    ice_servers: [],
    filters: { networks: ['udp4', 'tcp4'] },
  });
  const one = of(['192.168.1.7']).webrtc;
  assert.is(one.listen, '192.168.1.7:8555');
  assert.equal(one.filters, { networks: ['udp4', 'tcp4'], ips: ['192.168.1.7'] });
  const two = of(['192.168.1.7', 'fd00::7']).webrtc;
  assert.is(two.listen, ':8555');
  assert.equal(two.filters.networks, ['udp4', 'udp6', 'tcp4', 'tcp6']);
  assert.is(of(['127.0.0.1']).webrtc.filters.loopback, true);
  assert.is(of(['::1']).webrtc.listen, '[::1]:8555');
});

test('nothing in the configuration is replaced by the environment', () => {
  const socketPath = ['/run/', '{HOME}/api.sock'].join('$');
  const text = configurationText({ ...ACCESS, socketPath });
  assert.not.match(text, /\$/);
  assert.is(JSON.parse(text).api.unix_listen, socketPath);
});

test('a source that ends like a stream of ours would be taken for it', () => {
  for (const source of ['rtsp://h/th-1-main', 'RTSP://u:p@h:554/th-12-sub?x#y', 'rtsp://h/th%2D1%2Dmain', 'th-1-view'])
    assert.ok(looksLikeStream(source), source);
  for (const source of ['rtsp://h/live', 'rtsp://h/x/th-1-main', 'http://h/th-1-main', 'rtsp://h/', 'rtsp://h/%zz'])
    assert.not(looksLikeStream(source), source);
  for (const name of ['th-7-main', 'th-7-view', 'th-7-view-12', 'th-7-talk-3']) assert.ok(isStreamName(name), name);
  for (const name of ['th-7', 'th--main', 'th-7-mainx', 'th-7-main-2', 'xth-7-main', 'th-7-main\n'])
    assert.not(isStreamName(name));
});

test('sources are compared as go2rtc shows them', () => {
  assert.is(bareSource('rtsp://u:p@h/path@x#backchannel=0'), 'rtsp://h/path@x');
  assert.is(isSameSource('rtsp://***@h/p', 'rtsp://u:p@h/p#backchannel=0'), true);
  assert.is(isSameSource('rtsp://h/other', 'rtsp://h/p'), false);
  assert.is(isSameSource('rtsp://h/***7.0', 'rtsp://h/127.0'), undefined, 'masked: nobody can tell');
  assert.is(placeOf('rtsp://u:p@h:554/user=admin&password=x'), 'rtsp://h:554');
});

test('log lines are read whatever they are', () => {
  assert.equal(readLogLine('{"level":"info","addr":"127.0.0.1:1","time":1,"message":"[rtsp] listen"}'), {
    level: 'info',
    message: '[rtsp] listen',
    addr: '127.0.0.1:1',
  });
  assert.equal(readLogLine('{"level":"warn","error":"EOF","stream":"th-1-main","message":"[rtsp]"}'), {
    level: 'warn',
    message: '[rtsp]',
    error: 'EOF',
    stream: 'th-1-main',
  });
  assert.is(readLogLine('{"level":"warn","stream":"../etc","message":"x"}').stream, undefined);
  assert.equal(readLogLine('exit with signal: terminated'), { level: 'info', message: 'exit with signal: terminated' });
  assert.is(readLogLine('fatal error: concurrent map writes').level, 'error');
  assert.is(readLogLine('{"level":"toString","message":7}').level, 'info');
  for (const line of ['{', '[]', 'null', '{"level":{}}', '\u0000', '{"error":"x"'.repeat(1000)]) readLogLine(line);
});

test('no password of a camera reaches our log', () => {
  const said = readLogLine(
    '{"level":"warn","error":"dial rtsp://a:secret1@h/p?password=secret2: EOF","url":"rtsp://h/secret3"}',
  );
  assert.not.match(said.error ?? '', /secret/);
  const log = fakeLog();
  const reader = new LogReader({ clock: new FakeClock(), log: log.logger, onLine: () => undefined });
  reader.push(Buffer.from('{"level":"warn","error":"EOF","url":"rtsp://a:secret1@h/secret3?pwd=secret2"}\n'));
  reader.push(Buffer.from('plain rtsp://a:secret1@h/secret3\n'));
  assert.is(log.lines.length, 2);
  assert.not.match(JSON.stringify(log.lines), /secret/);
});

function reading() {
  const clock = new FakeClock();
  const log = fakeLog();
  const seen: string[] = [];
  const reader = new LogReader({ clock, log: log.logger, onLine: ({ message }) => seen.push(message) });
  return { clock, log, seen, reader, push: (text: string) => reader.push(Buffer.from(text)) };
}

test('lines come whole, however they are cut', () => {
  const { seen, push, reader } = reading();
  push('on');
  push('e\ntw');
  push('o\n\nthree');
  assert.equal(seen, ['one', 'two']);
  reader.end();
  assert.equal(seen, ['one', 'two', 'three']);
});

test('an endless line takes no memory, and what follows it is read', () => {
  const { seen, push } = reading();
  for (let i = 0; i < 100; i++) push('x'.repeat(10_000));
  push('\nafter\n');
  assert.is(seen.length, 2);
  assert.is(seen[1], 'after');
  assert.ok((seen[0] ?? '').length <= 500);
});

test('a flood is counted, not logged, and does not hide the last word', async () => {
  const { seen, push, log, clock, reader } = reading();
  push('{"level":"warn","error":"start from CONN state","url":"rtsp://h/p"}\n'.repeat(5000));
  push('fatal error: concurrent map iteration and map write\n\ngoroutine 1 [running]:\n');
  assert.is(seen.length, 101);
  assert.is(reader.lastWords, 'fatal error: concurrent map iteration and map write');
  assert.ok(log.lines.length <= 12, `${log.lines.length} lines`);
  await clock.advance(1000);
  push('calm again\n');
  assert.is(seen.at(-1), 'calm again');
  const counted = log.lines.filter(line => line.msg === 'lines of go2rtc were left out');
  assert.is(counted.length, 1);
  assert.ok(Number(counted[0]?.lines) > 4900);
});

test('damaged output and damaged lists are taken apart like any other', () => {
  const seed = Date.now() >>> 0;
  process.stdout.write(`seed ${seed} `);
  let state = seed;
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const line =
    '{"level":"warn","error":"EOF","stream":"th-1-main","url":"rtsp://a:b@h/p","time":1,"message":"[rtsp]"}\n';
  const list =
    '{"th-1-main":{"producers":[{"id":3,"url":"rtsp://h/p","receivers":[{"id":4,"bytes":1}]}],"consumers":[null]}}';
  const damaged = (text: string) => {
    const bytes = Buffer.from(text.repeat(1 + next(3)));
    for (let i = next(8); i > 0; i--) bytes[next(bytes.length)] = next(256);
    return bytes.subarray(0, next(bytes.length + 1));
  };
  const { reader, seen, log } = reading();
  for (let i = 0; i < 3000; i++) {
    reader.push(damaged(line));
    const report = readStreams(parseJson(damaged(list).toString('utf8')));
    if (report) for (const { producers } of report.values()) assert.ok(Array.isArray(producers));
  }
  reader.end();
  assert.ok(seen.length > 50);
  assert.ok(log.lines.length < 20);
});

const CONNECTED = { id: 3, url: 'rtsp://h/p', remote_addr: '10.0.0.2:554' };

test('lists of streams are read, and nothing in them is believed', () => {
  const streams = readStreams({
    'th-1-main': {
      producers: [{ ...CONNECTED, receivers: [{ id: 4, bytes: 10 }, { id: 5 }], bytes_recv: 12 }],
      consumers: [{ format_name: 'rtsp' }, { format_name: 'webrtc/post' }],
    },
    'th-2-main': { producers: [{ url: 'rtsp://***@h/q#backchannel=0' }], consumers: null },
  });
  const one = streams?.get('th-1-main');
  assert.equal(one?.producers, [
    { url: 'rtsp://h/p', isConnected: true, remote: '10.0.0.2:554', count: '3 12 4:10 5:0' },
  ]);
  assert.equal(one?.consumers, ['rtsp', 'webrtc/post']);
  assert.equal(streams?.get('th-2-main'), {
    producers: [{ url: 'rtsp://***@h/q#backchannel=0', isConnected: false, remote: '', count: '0 0' }],
    consumers: [],
  });
  for (const bad of [undefined, null, 7, 'x', [], { a: 1 }]) assert.is(readStreams(bad), undefined);
  assert.equal(readStreams({ a: { producers: 'x', consumers: [1, null] } })?.get('a'), {
    producers: [],
    consumers: [],
  });
});

test('a list is read to its end, as each stream that were missing would count as lost', () => {
  const names = Array.from({ length: 3000 }, (_, id) => [`th-${id}-main`, { producers: [], consumers: null }]);
  assert.is(readStreams(Object.fromEntries(names))?.size, 3000);
});

test('a source has strayed when it is connected to this machine or this link, and its address did not say so', () => {
  const own = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  const source = 'rtsp://u:p@10.255.255.2:554/p#backchannel=0';
  for (const remote of [
    '127.0.0.1:8554',
    '[::1]:554',
    '[fe80::1%eth0]:554',
    '169.254.1.1:554',
    '0.0.0.0:80',
    'localhost:80',
  ])
    assert.ok(isStrayed(remote, source), remote);
  if (own !== undefined) assert.ok(isStrayed(`${own}:554`, source));
  for (const remote of ['10.255.255.2:554', '10.255.255.3:554', 'cam.lan:80', '[2001:db8::1]:554', '', ':::', '***'])
    assert.not(isStrayed(remote, source), remote);
  for (const meant of ['rtsp://127.0.0.1:4000/ring/1/main', 'rtsp://u:p@[::1]/x', 'http://localhost/x'])
    assert.not(isStrayed('127.0.0.1:4000', meant), meant);
});

test('a counter that wraps has changed like any other', () => {
  const count = (bytes: number) =>
    readStreams({ a: { producers: [{ id: 1, bytes_recv: bytes }] } })?.get('a')?.producers[0]?.count;
  assert.is.not(count(-2_147_483_000), count(2_147_483_000));
});

test('what went wrong at a camera is told from the words of Go', () => {
  const cases: [string, string][] = [
    ['dial tcp 10.0.0.1:554: connect: connection refused', 'refused'],
    ['dial tcp 10.0.0.1:554: i/o timeout', 'timeout'],
    ['dial tcp: lookup nowhere: no such host', 'unknown-host'],
    ['dial tcp 10.0.0.1:554: connect: no route to host', 'unreachable'],
    ['wrong user/pass', 'unauthorized'],
    ['wrong response on DESCRIBE: 404 Not Found', 'not-found'],
    ['streams: codecs not matched: video:MJPEG => video:H264', 'other-codecs'],
    ['tls: failed to verify certificate: x509: unknown authority', 'certificate'],
    ['EOF', 'closed'],
    ['something new', 'other'],
  ];
  for (const [text, fault] of cases) assert.is(sourceFault(text), fault, text);
});

test.run();
