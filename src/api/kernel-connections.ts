// How many connections each address has to a port of ours, as the kernel counts them.
import { readFileSync } from 'node:fs';
import { plainAddress } from './remote-address.ts';

const ESTABLISHED = '01';
/** Of each table; what is beyond belongs to machines with other work to do. */
const MAX_LINES = 20_000;

/** By address; empty where the kernel does not tell. */
export function connectionsByAddress(port: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const table of ['tcp', 'tcp6']) {
    for (const line of linesOf(`/proc/self/net/${table}`)) {
      const [, local = '', remote = '', state] = line.trim().split(/\s+/, 4);
      if (state !== ESTABLISHED || Number.parseInt(local.split(':')[1] ?? '', 16) !== port) continue;
      const address = textOf(remote.split(':')[0] ?? '');
      counts.set(address, (counts.get(address) ?? 0) + 1);
    }
  }
  return counts;
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n', MAX_LINES).slice(1);
  } catch {
    return [];
  }
}

/** The tables hold words of 32 bits, each in the byte order of the machine: little endian on all that have such a server. */
function textOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return plainAddress(groups.join(':'));
}
