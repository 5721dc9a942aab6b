// Whom an address stands for when tries are counted.
import { isIPv6 } from 'node:net';

/** IPv4 addresses as they are, also inside IPv6; of IPv6 the first 64 bits, which one household has. */
export function networkOf(address: string): string {
  const [digits = ''] = address.split('%', 1);
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(digits)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(digits)) return digits;
  const [left = '', right] = digits.toLowerCase().split('::');
  const groups = left === '' ? [] : left.split(':');
  const behind = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? 0 : Math.max(0, 8 - groups.length - behind.length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...behind];
  return `${all
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
