// A network of its own for what multicasts or takes fixed ports: a wire with one address of a home, and loopback; nothing else is reached.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The machine's address in it. */
export const OWN_ADDRESS = '10.88.0.1';

const NETWORK = [
  'ip link set lo up',
  'ip link add v0 type veth peer name v1',
  `ip addr add ${OWN_ADDRESS}/24 dev v0`,
  'ip link set v0 up',
  'ip link set v1 up',
  // It leads nowhere: browsers look for their own address on the way out.
  'ip route add default via 10.88.0.254',
].join(' && ');

/** Why none can be made here; undefined when one can. */
export function networkProblem(): string | undefined {
  return inNetwork('true').status === 0 ? undefined : 'no network can be made here';
}

/** Runs a program of `test/support` in it, to its end; what it prints is what it found. */
export function runInNetwork(
  program: string,
  env: Record<string, string> = {},
  limitMs = 120_000,
): SpawnSyncReturns<string> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  return inNetwork('exec "$@"', env, limitMs, process.execPath, '--import', 'tsx', path);
}

function inNetwork(
  command: string,
  env: Record<string, string> = {},
  limitMs = 120_000,
  ...args: string[]
): SpawnSyncReturns<string> {
  return spawnSync('unshare', ['-rn', 'sh', '-c', `${NETWORK} && ${command}`, 'sh', ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    // What it has started goes with the network.
    timeout: limitMs,
  });
}
