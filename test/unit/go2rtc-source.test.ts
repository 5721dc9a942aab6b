// What go2rtc is given for each kind of address: login, options, and what is refused because go2rtc would read it as its own.
import * as assert from 'uvu/assert';
import { parseCameraUrl } from '../../src/cameras/camera-url.ts';
import { CAMERA_SCHEMES, type Go2rtcSource, go2rtcSource } from '../../src/cameras/go2rtc-source.ts';
import type { NoRoute } from '../../src/cameras/index.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc sources');

const nobody = { username: '', password: '' };
const source = (url: string, transport: 'tcp' | 'udp' | 'http' | 'tls' = 'tcp', login = nobody): Go2rtcSource => {
  const made = go2rtcSource(url, transport, login);
  if ('able' in made) throw new Error(`${url}: ${made.message}`);
  return made;
};
const refusal = (url: string, transport: 'tcp' | 'udp' | 'http' | 'tls' = 'tcp'): NoRoute => {
  const made = go2rtcSource(url, transport, nobody);
  if (!('able' in made)) throw new Error(`${url} was taken`);
  return made;
};

test('each kind of address, with the options that belong to it', () => {
  const cases: [string, string][] = [
    ['rtsp://10.0.0.2/live', 'rtsp://10.0.0.2/live#backchannel=0'],
    ['rtsp://10.0.0.2:8554/a?b=c&d', 'rtsp://10.0.0.2:8554/a?b=c&d#backchannel=0'],
    ['rtsps://cam.lan:322/x', 'rtsps://cam.lan:322/x#backchannel=0'],
    ['rtspx://10.0.0.2:7441/x', 'rtspx://10.0.0.2:7441/x#backchannel=0'],
    ['onvif://10.0.0.2:2020/', 'onvif://10.0.0.2:2020/#backchannel=0'],
    ['http://10.0.0.2/flv?port=1935', 'http://10.0.0.2/flv?port=1935'],
    ['rtmp://10.0.0.2/live/1', 'rtmp://10.0.0.2/live/1'],
    ['dvrip://10.0.0.2:34567?channel=0&subtype=1', 'dvrip://10.0.0.2:34567?channel=0&subtype=1'],
    ['bubble://10.0.0.2/bubble/live?ch=0', 'bubble://10.0.0.2/bubble/live?ch=0'],
  ];
  for (const [url, expected] of cases) assert.is(source(url).write(), expected);
});

test('transports become schemes and options', () => {
  assert.is(source('rtsp://10.0.0.2/x', 'udp').write(), 'rtsp://10.0.0.2/x#backchannel=0#transport=udp');
  assert.is(source('rtsp://10.0.0.2/x', 'tls').write(), 'rtspx://10.0.0.2/x#backchannel=0');
  assert.is(source('rtsps://10.0.0.2/x', 'tls').write(), 'rtsps://10.0.0.2/x#backchannel=0');
  assert.is(source('http://10.0.0.2/x', 'http').write(), 'http://10.0.0.2/x');
  assert.equal(
    [refusal('rtsp://10.0.0.2/x', 'http').field, refusal('rtsps://10.0.0.2/x', 'udp').field],
    Array(2).fill('transport'),
  );
  assert.match(refusal('rtsp://10.0.0.2/x', 'http').cure, 'Use tcp or udp or tls.');
  assert.is(refusal('rtmp://10.0.0.2/x', 'udp').field, 'transport');
});

test('the login stands in the source so that nothing of it is read as anything else', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what go2rtc would replace
  const login = { username: 'ad min@home', password: "a:b/c?d#e$f{g}'(h)!*%${HOME} ä" };
  const written = source('rtsp://10.0.0.2/x', 'tcp', login).write();
  const [, userinfo = ''] = /^rtsp:\/\/([^@]*)@10\.0\.0\.2\/x#backchannel=0$/.exec(written) ?? [];
  assert.match(userinfo, /^[A-Za-z0-9%._~:-]+$/);
  assert.equal(userinfo.split(':').map(decodeURIComponent), [login.username, login.password]);
  const bare = source('rtsp://10.0.0.2/x', 'tcp', { username: 'u', password: '' });
  assert.is(bare.write(), 'rtsp://u@10.0.0.2/x#backchannel=0');
});

test('refuses what go2rtc takes for options, variables or templates, and kinds that are not asked for', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what go2rtc would replace
  for (const end of ['#transport=udp', '${HOME}', '{input}', '$x', 'a b', 'a\tb', '}']) {
    const { field, cure } = refusal(`rtsp://10.0.0.2/${end}`);
    assert.equal([field, /%23/.test(cure)], ['url', true], end);
  }
  for (const url of [
    'exec:ffmpeg',
    'ffmpeg:rtsp://10.0.0.2/',
    'echo:x',
    'tcp://10.0.0.2/',
    'rtsp:/10.0.0.2/x',
    'file:///etc/passwd',
  ]) {
    assert.is(refusal(url).field, 'url', url);
  }
});

test('the host may be replaced by what its name stands for, but for certificates that are compared with it', () => {
  assert.is(source('rtsp://cam.lan/x').write('10.0.0.9'), 'rtsp://10.0.0.9/x#backchannel=0');
  assert.is(source('rtsp://cam.lan/x').write('fd00::9'), 'rtsp://[fd00::9]:554/x#backchannel=0');
  assert.is(source('rtsp://[fd00::9]/x').write(), 'rtsp://[fd00::9]:554/x#backchannel=0');
  assert.is(source('rtsp://[fd00::9]:99/x').host, 'fd00::9');
  const replaceable = (url: string) => source(url).replaceable;
  assert.equal(['rtsp://a/', 'rtspx://a/', 'http://a/'].map(replaceable), [true, true, true]);
  assert.equal(['rtsps://a/', 'https://a/', 'rtmps://a/'].map(replaceable), [false, false, false]);
});

test('every kind of address that settings take has a source', () => {
  for (const scheme of CAMERA_SCHEMES) {
    const { url, login } = parseCameraUrl(`${scheme.toUpperCase()}://bob:pw@10.0.0.2:99/x`, 'main.url', false);
    assert.equal([url, login?.password], [`${scheme}://10.0.0.2:99/x`, 'pw']);
    assert.match(source(url, 'tcp', { username: 'bob', password: 'pw' }).write(), `${scheme}://bob:pw@10.0.0.2:99/x`);
  }
  assert.is(CAMERA_SCHEMES[0], 'rtsp');
});

test.run();
