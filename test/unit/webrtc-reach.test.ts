// Under which addresses a browser is told to reach WebRTC.
import * as assert from 'uvu/assert';
import { reachableAddresses } from '../../src/webrtc/reach.ts';
import { suite } from '../support/suite.ts';
import { INTERFACES } from '../support/webrtc-world.ts';

const test = suite('reach of webrtc');
const at = (host: string | undefined, remoteAddress = '192.168.1.77', listened: string[] = []) =>
  reachableAddresses({ host, remoteAddress }, INTERFACES, listened);

test('the address by which the browser came is the one, also where somebody forwards it to us', () => {
  assert.equal(at('192.168.1.10:8080'), ['192.168.1.10']);
  assert.equal(at('10.20.30.40'), ['10.20.30.40']);
});

test('by a name it is that of the same network, else all, never those of IPv6', () => {
  assert.equal(at('thimble.local:8080'), ['192.168.1.10']);
  assert.equal(at('thimble.local', '8.8.8.8'), ['192.168.1.10', '172.17.0.1']);
  assert.equal(at('[fd00::10]:8080', 'fd00::5'), ['192.168.1.10', '172.17.0.1']);
  assert.equal(at(undefined), ['192.168.1.10']);
  for (const host of ['<script>', '1.2.3.4.5', '999.1.1.1', '0.0.0.0', 'a b'])
    assert.equal(at(host), ['192.168.1.10'], host);
});

test('on this machine go2rtc is reached by its other addresses first', () => {
  for (const host of ['localhost:8080', '127.0.0.1:8080', '127.1.2.3']) {
    assert.equal(at(host, '127.0.0.1'), ['192.168.1.10', '172.17.0.1', '127.0.0.1'], host);
  }
});

test('a machine without addresses has none', () => {
  assert.equal(reachableAddresses({ host: 'thimble', remoteAddress: '1.2.3.4' }, {}, []), []);
});

test('where go2rtc listens on some addresses only, no others are told', () => {
  const listened = ['192.168.1.10', 'fd00::10'];
  assert.equal(at('10.9.9.9', '10.9.9.8', listened), listened);
  assert.equal(at('192.168.1.10:80', '10.9.9.8', listened), ['192.168.1.10']);
  assert.equal(at('[fd00::10]:80', 'fd00::5', listened), ['fd00::10']);
});

test.run();
