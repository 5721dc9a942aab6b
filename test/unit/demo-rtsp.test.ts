// The server's reading of requests and its login check.
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { type LoginOptions, RtspLogin } from '../../src/demo/rtsp-login.ts';
import { encodeReply, RtspReader, type RtspRequest } from '../../src/demo/rtsp-request.ts';
import { describeClip } from '../../src/demo/sdp.ts';
import { suite } from '../support/suite.ts';
import { syntheticClip } from '../support/synthetic-clip.ts';

const test = suite('demo: RTSP');
const OPTIONS = 'OPTIONS rtsp://h/a RTSP/1.0\r\nCSeq: 7\r\nX-Odd :  b \r\n\r\n';

test('requests arrive in any pieces, with RTCP and blank lines between', () => {
  const stream = Buffer.concat([
    Buffer.from(`\r\n${OPTIONS}`),
    Buffer.from([0x24, 1, 0, 3, 0x0d, 0x0a, 0x24]),
    Buffer.from('PLAY rtsp://h/a RTSP/1.0\r\ncseq: 8\r\nContent-Length: 4\r\n\r\nbody'),
    Buffer.from(OPTIONS),
  ]);
  for (const size of [1, 2, 3, 7, 50, stream.length]) {
    const reader = new RtspReader();
    const requests: RtspRequest[] = [];
    for (let at = 0; at < stream.length; at += size)
      requests.push(...(reader.read(stream.subarray(at, at + size)) ?? []));
    assert.equal(
      requests.map(one => one.method),
      ['OPTIONS', 'PLAY', 'OPTIONS'],
      `pieces of ${size}`,
    );
    assert.equal(
      requests.map(one => one.headers.get('cseq')),
      ['7', '8', '7'],
    );
    assert.is(requests[0]?.headers.get('x-odd'), 'b');
  }
});

test('what is not RTSP or has no end is given up', () => {
  for (const text of [
    'GET / HTTP/1.1\r\n\r\n',
    'OPTIONS rtsp://h/a\r\n\r\n',
    'OPTIONS a RTSP/1.0\r\nContent-Length: -1\r\n\r\n',
    'OPTIONS a RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n',
    'OPTIONS a RTSP/1.0\r\nContent-Length: x\r\n\r\n',
    'A'.repeat(20_000),
    `OPTIONS a RTSP/1.0\r\nA: ${'b'.repeat(20_000)}\r\n\r\n`,
  ]) {
    assert.is(new RtspReader().read(Buffer.from(text)), undefined, text.slice(0, 60));
  }
});

test('a reply repeats CSeq and measures its body', () => {
  const [request] = new RtspReader().read(Buffer.from(OPTIONS)) ?? [];
  if (!request) throw new Error('a request was expected');
  const reply = encodeReply({ status: 200, reason: 'OK', headers: [['A', 'b']], body: 'xyz' }, request).toString();
  assert.is(reply, 'RTSP/1.0 200 OK\r\nCSeq: 7\r\nServer: Thimble\r\nA: b\r\nContent-Length: 3\r\n\r\nxyz');
});

test('Basic lets the right password in and no other', () => {
  const login = new RtspLogin({ username: 'u', password: 'p:w', scheme: 'basic' });
  assert.is(login.refuse(asking(`Basic ${Buffer.from('u:p:w').toString('base64')}`)), undefined);
  for (const wrong of ['', 'Basic', `Basic ${Buffer.from('u:p').toString('base64')}`, 'Digest username="u"']) {
    assert.is(login.refuse(asking(wrong))?.status, 401, wrong);
  }
});

for (const [scheme, algorithm] of [
  ['digest', 'md5'],
  ['digest-sha256', 'sha256'],
] as const) {
  test(`${scheme} checks user, nonce, URI, method and password`, () => {
    const options: LoginOptions = { username: 'u', password: 'p', scheme };
    const login = new RtspLogin(options);
    const challenge = login.challenge().headers[0]?.[1] ?? '';
    const right = {
      username: 'u',
      realm: 'Thimble demo',
      nonce: /nonce="(\w+)"/.exec(challenge)?.[1] ?? '',
      uri: 'rtsp://h/a',
    };
    const answer = (given: typeof right, password: string, method = 'DESCRIBE') => {
      const hash = (text: string) => createHash(algorithm).update(text).digest('hex');
      const response = hash(
        `${hash(`${given.username}:${given.realm}:${password}`)}:${given.nonce}:${hash(`${method}:${given.uri}`)}`,
      );
      const fields = Object.entries({ ...given, response }).map(([key, value]) => `${key}="${value}"`);
      return login.refuse(asking(`Digest ${fields.join(', ')}`))?.status;
    };
    assert.is(answer(right, 'p'), undefined);
    assert.is(answer(right, 'q'), 401);
    assert.is(answer(right, 'p', 'PLAY'), 401);
    assert.is(answer({ ...right, username: 'v' }, 'p'), 401);
    assert.is(answer({ ...right, uri: 'rtsp://h/b' }, 'p'), 401);
    assert.is(answer({ ...right, nonce: '00' }, 'p'), 401);
  });
}

test('the description names codecs, parameter sets and controls', () => {
  const sdp = describeClip(syntheticClip({ fps: 10, seconds: 2, gop: 10, unitBytes: 50, audio: true })).split('\r\n');
  for (const line of [
    'm=video 0 RTP/AVP 96',
    'a=rtpmap:96 H264/90000',
    'a=control:trackID=0',
    'm=audio 0 RTP/AVP 97',
    'a=rtpmap:97 mpeg4-generic/16000/1',
    'a=control:trackID=1',
  ]) {
    assert.ok(sdp.includes(line), line);
  }
  const video = sdp.find(line => line.startsWith('a=fmtp:96')) ?? '';
  assert.match(
    video,
    /^a=fmtp:96 packetization-mode=1; profile-level-id=42c01f; sprop-parameter-sets=Z0LAH[\w+/=]+,aM44gA==$/,
  );
  assert.match(sdp.find(line => line.startsWith('a=fmtp:97')) ?? '', /mode=AAC-hbr.*; config=1408$/);
});

function asking(authorization: string): RtspRequest {
  return { method: 'DESCRIBE', url: 'rtsp://h/a', headers: new Map([['authorization', authorization]]) };
}

test.run();
