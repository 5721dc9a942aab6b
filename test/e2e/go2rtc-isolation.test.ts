// From another machine, which is another network namespace here, nothing of go2rtc answers but the port for WebRTC.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { both } from '../support/go2rtc/both.ts';
import type { Reached } from '../support/go2rtc/isolation-child.ts';
import { suite } from '../support/suite.ts';

const test = suite('go2rtc from outside', { timeoutMs: 120_000 });

/** Two networks and a cable between them; `$1` is a process in the other one. */
const NETWORKS = [
  'ip link set lo up',
  'unshare -n sleep 100 & other=$!',
  'sleep 0.5',
  'ip link add v0 type veth peer name v1',
  'ip link set v1 netns $other',
  'ip addr add 10.88.0.1/24 dev v0',
  'ip link set v0 up',
  'nsenter -t $other -n ip addr add 10.88.0.2/24 dev v1',
  'nsenter -t $other -n ip link set v1 up',
].join('\n');

function inNetworks(command: string, ...args: string[]) {
  const script = `set -e\n${NETWORKS}\nset +e\n${command}\nresult=$?\nkill $other\nexit $result`;
  return spawnSync('unshare', ['-rn', 'sh', '-c', script, 'sh', ...args], { encoding: 'utf8', timeout: 110_000 });
}

if (inNetworks('true').status === 0) {
  both(test, { timeScale: 1 })('go2rtc rule P6: only the port of the pages and the one for WebRTC', async program => {
    const child = fileURLToPath(new URL('../support/go2rtc/isolation-child.ts', import.meta.url));
    const args = [process.execPath, '--import', 'tsx', child, JSON.stringify(program)];
    const { stdout, stderr, status } = inNetworks('"$@" $other', ...args);
    assert.is(status, 0, stderr);
    const { listening, open, udp, webPort, webrtcPort } = JSON.parse(stdout) as Reached;
    assert.ok(listening.length > 2, 'there is something else to be reached');
    assert.equal(open.sort(), [webPort, webrtcPort].sort());
    assert.equal(
      udp.filter(port => port !== webrtcPort),
      [],
    );
  });
} else {
  test.needs(false, 'no networks can be made here', 'go2rtc rule P6: only two ports', () => undefined);
}

test.run();
