// The first camera in Chromium, in a network that the test made itself: found, taken, signed in to, seen live.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { browserProblem } from '../support/browser.ts';
import { serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('web discovery', { timeoutMs: 120_000 });

/** Its loopback interface stands for the network: it has addresses of a home, and takes multicast. */
const NETWORK = [
  'ip link set lo multicast on',
  'ip link set lo up',
  ...[1, 2].map(n => `ip addr add 10.77.0.${n}/24 dev lo`),
  'ip route add 224.0.0.0/4 dev lo',
].join(' && ');

function inNetwork(command: string, ...args: string[]) {
  return spawnSync('unshare', ['-rn', 'sh', '-c', `${NETWORK} && ${command}`, 'sh', ...args], { encoding: 'utf8' });
}

const canMake = inNetwork('true').status === 0;
const problem = serviceProblem() ?? browserProblem() ?? (canMake ? undefined : 'no network can be made here');

test.needs(
  problem === undefined,
  problem ?? '',
  'checks 3 and 36: from the set-up code to the first camera that was found; one that is gone holds nobody up',
  () => {
    const child = fileURLToPath(new URL('../support/first-camera-child.ts', import.meta.url));
    const { stdout, stderr, status } = inNetwork('exec "$@"', process.execPath, '--import', 'tsx', child);
    assert.is(status, 0, stderr);
    const { address, ...seen } = JSON.parse(stdout);
    assert.equal(seen, {
      listed: ['127.0.0.1 Gate, M1', '10.77.0.2 Shed, M1'],
      ...{ focused: 'camera-user', axe: [], errors: [], foreign: [] },
    });
    assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/onvif\/device_service$|^127\.0\.0\.1:\d+$/);
  },
);

test.run();
