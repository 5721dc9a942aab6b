import * as assert from 'uvu/assert';
import { networkUrls } from '../../src/core/index.ts';
import { suite } from '../support/suite.ts';

const test = suite('addresses for others');

test('all networks: each with the port, never this machine itself', () => {
  for (const url of networkUrls('http://127.0.0.1:8080', '0.0.0.0')) {
    assert.match(url, /^http:\/\/\d+\.\d+\.\d+\.\d+:8080$/);
    assert.not.match(url, /\/127\./);
  }
});

test('none when only one address was asked for', () => {
  assert.equal(networkUrls('http://127.0.0.1:8080', '127.0.0.1'), []);
  assert.equal(networkUrls('http://192.168.1.2:80', '192.168.1.2'), []);
});

test.run();
