import * as assert from 'uvu/assert';
import { clientOf } from '../../src/api/remote-address.ts';
import { suite } from '../support/suite.ts';

const test = suite('api remote address');

const PROXY = '10.0.0.1';

function client(from: string, headers: Record<string, string>, proxies: string[] = [PROXY]) {
  return clientOf({ remoteAddress: from, secure: false }, name => headers[name], new Set(proxies));
}

test('what anybody says about whom they speak for is not believed', () => {
  const said = { 'x-forwarded-for': '192.168.1.5', 'x-forwarded-proto': 'https' };
  assert.equal(client('192.168.1.9', said), { remoteAddress: '192.168.1.9', secure: false });
  assert.equal(client(PROXY, said, []), { remoteAddress: PROXY, secure: false });
});

test('a trusted proxy says who its client is, and how that came', () => {
  assert.equal(client(PROXY, { 'x-forwarded-for': '192.168.1.5', 'x-forwarded-proto': 'https' }), {
    remoteAddress: '192.168.1.5',
    secure: true,
  });
  assert.equal(client(PROXY, { 'x-forwarded-for': '::ffff:192.168.1.5', 'x-forwarded-proto': 'http' }), {
    remoteAddress: '192.168.1.5',
    secure: false,
  });
  assert.is(client(PROXY, { 'x-forwarded-for': '[fd00::7]' }).remoteAddress, 'fd00::7');
  assert.equal(client(PROXY, {}), { remoteAddress: PROXY, secure: false });
});

test('of what a proxy passes on only its own word counts', () => {
  assert.is(client(PROXY, { 'x-forwarded-for': '127.0.0.1, 192.168.1.5' }).remoteAddress, '192.168.1.5');
  const chain = { 'x-forwarded-for': '127.0.0.1, 192.168.1.5, 10.0.0.2' };
  assert.is(client(PROXY, chain, [PROXY, '10.0.0.2']).remoteAddress, '192.168.1.5');
  for (const nonsense of ['', 'unknown', '1.2.3.4:80', '<script>', '999.1.1.1', ','])
    assert.is(client(PROXY, { 'x-forwarded-for': nonsense }).remoteAddress, PROXY, nonsense);
  assert.is(client(PROXY, { 'x-forwarded-proto': 'https, http' }).secure, false);
});

test.run();
