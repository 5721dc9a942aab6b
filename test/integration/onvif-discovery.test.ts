// Discovery in a network that the test made itself: who is believed, and about what.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { DiscoveryResult } from '../../src/onvif/index.ts';
import { suite } from '../support/suite.ts';

const test = suite('onvif discovery', { timeoutMs: 60_000 });

/** Its loopback interface stands for the network: it has addresses of a home, and takes multicast. */
const NETWORK = [
  'ip link set lo multicast on',
  'ip link set lo up',
  ...[1, 2, 3, 4, 5, 6].map(n => `ip addr add 10.77.0.${n}/24 dev lo`),
  'ip route add 224.0.0.0/4 dev lo',
].join(' && ');

function inNetwork(command: string, ...args: string[]) {
  return spawnSync('unshare', ['-rn', 'sh', '-c', `${NETWORK} && ${command}`, 'sh', ...args], { encoding: 'utf8' });
}

const canMake = inNetwork('true').status === 0;

test.needs(canMake, 'no network can be made here', 'cameras are believed about themselves only', () => {
  const child = fileURLToPath(new URL('../support/onvif-discovery-child.ts', import.meta.url));
  const { stdout, stderr, status } = inNetwork('exec "$@"', process.execPath, '--import', 'tsx', child);
  assert.is(status, 0, stderr);
  const { cameras, failed, types } = JSON.parse(stdout) as DiscoveryResult & { types: string[] };
  const at = (host: string) => cameras.filter(one => one.device.host === host);
  assert.equal(at('10.77.0.2'), [
    {
      device: { host: '10.77.0.2', port: 8899, tls: false, path: '/onvif/device_service' },
      ...{ name: 'Front Door', hardware: 'M1', location: '<b>', endpoint: 'urn:uuid:camera' },
    },
  ]);
  assert.equal(
    at('10.77.0.3').map(one => one.device),
    [{ host: '10.77.0.3', port: 80, tls: false, path: '/evil' }],
  );
  assert.equal(at('10.77.0.4'), [], 'an answer to nothing that we asked');
  assert.equal(at('10.77.0.5'), [], 'garbage, a document type, too long');
  const flood = at('10.77.0.6').length;
  assert.ok(flood > 0 && flood <= 40, `${flood} of one sender`);
  assert.ok(cameras.every(one => one.device.host.startsWith('10.77.0.')));
  assert.equal(failed, [{ address: '10.99.99.99', reason: 'EADDRNOTAVAIL' }]);
  assert.equal(types.sort(), ['dn:NetworkVideoTransmitter', 'tds:Device']);
});

test.run();
