// Devices that are not ours (test/support/onvif-peers.ts), each in a network that the test makes: found, tried, added, heard over several
// renewals of the subscription, moved. Takes ten minutes for each.
//   RENEWALS=… of the subscription; default 3
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { OnvifInfo } from '../../src/api/contract.ts';
import { Child, stopChildren } from '../support/child.ts';
import { serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const { ONVIF_SIMULATOR, ONVIF_SIMPLE_SERVER, RENEWALS = '3' } = process.env;
const NETWORK = [
  'ip link set lo multicast on',
  'ip link set lo up',
  'ip addr add 10.77.0.1/24 dev lo',
  'ip route add 224.0.0.0/4 dev lo',
].join(' && ');
const PROGRAM = fileURLToPath(new URL('../support/onvif-peer-child.ts', import.meta.url));

interface Seen extends Pick<OnvifInfo, 'state' | 'capabilities' | 'figures'> {
  wrong?: string;
  tried: boolean;
  found: { address: string };
  streams?: { main?: { profile: { width?: number; height?: number } }; sub?: unknown };
  told: number;
  lateMs: number[];
  faults: string[];
  ptz?: { statuses: number[]; presets: string[]; stopMs: number; commands: string[] };
  code: number;
  errors: unknown[];
}

const test = suite('ONVIF devices of others', { timeoutMs: 1_800_000 });
test.after(stopChildren);

async function seenWith(kind: string, program: string): Promise<Seen> {
  const shell = `${NETWORK} && exec "$@"`;
  const child = new Child('unshare', [
    ...['-rn', 'sh', '-c', shell, 'sh', process.execPath, '--import', 'tsx', PROGRAM, kind, program, RENEWALS],
  ]);
  const { code } = await child.exited;
  assert.is(code, 0, child.stderr.join('\n'));
  const seen = JSON.parse(child.stdout.at(-1) ?? '') as Seen;
  const { figures, told, lateMs, found, ptz, capabilities } = seen;
  console.log(
    `${kind}: at ${found.address}; ${told} motions, ${Math.max(...lateMs)} ms late at most; ${JSON.stringify(figures)}; ` +
      `${capabilities?.profiles.length} profiles; ${JSON.stringify(ptz)}`,
  );
  return seen;
}

function judged(seen: Seen): void {
  assert.equal(seen.faults, []);
  assert.equal([seen.wrong, seen.tried, seen.code, seen.errors], ['unauthorized', true, 0, []]);
  assert.equal([seen.state.name, seen.state.events, seen.figures?.subscriptions], ['ready', 'live', 1]);
  assert.ok((seen.figures?.renewals ?? 0) >= Number(RENEWALS));
  assert.equal([seen.streams?.main?.profile.width, seen.streams?.main?.profile.height], [1280, 720]);
  assert.is(seen.capabilities?.profiles.length, 2);
}

const noGo = serviceProblem() ?? (ONVIF_SIMULATOR ? undefined : 'ONVIF_SIMULATOR names no simulator');
test.needs(noGo === undefined, noGo ?? '', 'a simulator in Go', async () => {
  judged(await seenWith('go', ONVIF_SIMULATOR ?? ''));
});

const noC = serviceProblem() ?? (ONVIF_SIMPLE_SERVER ? undefined : 'ONVIF_SIMPLE_SERVER names no folder');
test.needs(noC === undefined, noC ?? '', 'a server for small cameras in C, which moves', async () => {
  const seen = await seenWith('c', ONVIF_SIMPLE_SERVER ?? '');
  judged(seen);
  assert.equal(seen.ptz?.statuses, [204, 204, 204, 204, 204, 204, 204, 204]);
  assert.equal(seen.ptz?.presets, ['door', 'yard']);
  assert.ok((seen.ptz?.stopMs ?? Number.NaN) <= 1000, `${seen.ptz?.stopMs} ms`);
  assert.ok(['up', 'down'].some(way => seen.ptz?.commands.some(one => one.startsWith(way))));
  assert.ok(['preset 1', 'home'].every(wanted => seen.ptz?.commands.includes(wanted)));
});

test.run();
