// Kinds of network addresses: where the service never goes on somebody's word.
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** `other`: this link, groups of machines, and what is reserved. */
export type AddressKind = 'ordinary' | 'loopback' | 'other';

type Subnet = [address: string, bits: number];

/** IPv4 inside IPv6 (RFC 4291 2.5.5, 64:ff9b::/96 of RFC 6052, 2002::/16 of RFC 3056) is judged as IPv4. */
const LOOPBACK_4: readonly Subnet[] = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
];
const LOOPBACK_6: readonly Subnet[] = [
  ['::', 96],
  ['::ffff:0.0.0.0', 104],
  ['::ffff:127.0.0.0', 104],
  ['64:ff9b::', 104],
  ['64:ff9b::7f00:0', 104],
  ['2002::', 24],
  ['2002:7f00::', 24],
];
const OTHER_4: readonly Subnet[] = [
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
];
const OTHER_6: readonly Subnet[] = [
  ['fe80::', 10],
  ['ff00::', 8],
  ['::ffff:169.254.0.0', 112],
  ['::ffff:224.0.0.0', 99],
  ['64:ff9b::a9fe:0', 112],
  ['64:ff9b::e000:0', 99],
  ['2002:a9fe::', 32],
  ['2002:e000::', 19],
];

/** Of an address in digits; undefined for anything else, such as a name. */
export function addressKind(address: string): AddressKind | undefined {
  const [digits = ''] = address.split('%', 1);
  const family = isIP(digits);
  if (family === 0) return undefined;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const isIn = (subnets: readonly Subnet[]) => {
    const list = new BlockList();
    for (const [net, bits] of subnets) list.addSubnet(net, bits, type);
    return list.check(digits, type);
  };
  if (isIn(family === 4 ? LOOPBACK_4 : LOOPBACK_6)) return 'loopback';
  return isIn(family === 4 ? OTHER_4 : OTHER_6) ? 'other' : 'ordinary';
}

/** True for an address in digits that one of this machine's networks knows it by. */
export function isOwnAddress(address: string): boolean {
  const [digits = ''] = address.split('%', 1);
  const family = isIP(digits);
  if (family === 0) return false;
  const own = new BlockList();
  for (const one of Object.values(networkInterfaces()).flatMap(list => list ?? []))
    own.addAddress(one.address, one.family === 'IPv4' ? 'ipv4' : 'ipv6');
  return own.check(digits, family === 4 ? 'ipv4' : 'ipv6');
}
