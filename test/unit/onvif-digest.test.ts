// Digests against the published vectors, and which challenge is answered.
import * as assert from 'uvu/assert';
import { chooseChallenge, digestAuthorization, usernameToken } from '../../src/onvif/digest.ts';
import { suite } from '../support/suite.ts';

const test = suite('onvif digest');

const MUFASA = { username: 'Mufasa', password: 'Circle of Life' };
const RFC7616 =
  'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=ALGO, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
const CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';

function responseOf(challengeLine: string, login = MUFASA, uri = '/dir/index.html', cnonce = CNONCE): string {
  const challenge = chooseChallenge([challengeLine]);
  assert.ok(challenge);
  const line = digestAuthorization(challenge, login, { method: 'GET', uri, count: 1, cnonce });
  return /response="([^"]*)"/.exec(line)?.[1] ?? '';
}

test('RFC 7616 3.9.1, MD5 and SHA-256', () => {
  assert.is(responseOf(RFC7616.replace('ALGO', 'MD5')), '8ca523f5e9506fed4657c9700eebdbec');
  assert.is(
    responseOf(RFC7616.replace('ALGO', 'SHA-256')),
    '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  );
});

test('RFC 2617 3.5, and RFC 2069 where there is no qop', () => {
  const old = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"';
  assert.is(
    responseOf(`${old}, qop="auth,auth-int"`, { ...MUFASA, password: 'Circle Of Life' }, '/dir/index.html', '0a4f113b'),
    '6629fae49393a05397450978507c4ef1',
  );
  assert.is(responseOf(old, { ...MUFASA, password: 'Circle Of Life' }), '670fd8c2df070c60b045671b8b24ff02');
});

test('the strongest answerable challenge wins; Basic, unknown hashes and auth-int alone never do', () => {
  const md5 = 'Digest realm="a", nonce="1", qop="auth"';
  const sha = 'Digest realm="a", nonce="2", algorithm=SHA-256, qop="auth"';
  assert.is(chooseChallenge(['Basic realm="a"', md5, sha])?.hash, 'sha256');
  assert.is(chooseChallenge([`Basic realm="x, y", ${md5}, ${sha}`])?.nonce, '2');
  assert.is(chooseChallenge(['Basic realm="a"']), undefined);
  assert.is(chooseChallenge(['Digest realm="a", nonce="1", algorithm=SHA-512-256']), undefined);
  assert.is(chooseChallenge(['Digest realm="a", nonce="1", qop="auth-int"']), undefined);
  assert.is(chooseChallenge(['Digest realm="a"']), undefined);
  assert.is(chooseChallenge(['Digest realm="a", nonce="1", stale=TRUE'])?.stale, true);
  assert.is(chooseChallenge(['x'.repeat(100_000), ',,,=="']), undefined);
});

test('names cannot leave their quotes', () => {
  const challenge = chooseChallenge(['Digest realm="a\\"b", nonce="1"']);
  assert.ok(challenge);
  const login = { username: 'a"b\r\nX: y', password: 'p' };
  const line = digestAuthorization(challenge, login, { method: 'POST', uri: '/', count: 1 });
  assert.match(line, 'username="a\\"bX: y"');
  assert.match(line, 'realm="a\\"b"');
  assert.not.match(line, /[\r\n]/);
});

test("the token's digest is the example of the specification, on the camera's clock", () => {
  // ONVIF Application Programmer's Guide 6.1.1.3.
  const nonce = Buffer.from('LKqI6G/AikKCQrN0zqZFlg==', 'base64');
  const createdMs = Date.parse('2010-09-16T07:50:45.678Z');
  const xml = usernameToken({ username: 'user', password: 'userpassword' }, createdMs, nonce);
  assert.match(xml, '<wsu:Created>2010-09-16T07:50:45Z</wsu:Created>');
  assert.match(xml, '>LKqI6G/AikKCQrN0zqZFlg==<');
  assert.match(xml, '>tuOSpGlFlIXsozq4HFNeeGeFLEI=<');
  assert.not.match(xml, 'userpassword');
  assert.match(usernameToken({ username: '<a&b>', password: '' }, 0), /<wsse:Username>&#60;a&#38;b&#62;</);
});

test.run();
