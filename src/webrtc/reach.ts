// Under which addresses of this machine a browser reaches the port of WebRTC: the one by which it came, where that is known.
import { isIPv4 } from 'node:net';

/** As `os.networkInterfaces()` has them. */
export type Interfaces = Readonly<
  Record<string, readonly { address: string; netmask: string; family: string; internal: boolean }[] | undefined>
>;

export interface Visitor {
  /** What stands in `Host`, with or without port. */
  host: string | undefined;
  /** Of the browser, or of the last proxy that is not trusted. */
  remoteAddress: string;
}

/** A machine has few networks; containers' bridges come last. */
const MOST = 4;

/**
 * The likeliest first, empty when there is none. `listened`: what go2rtc was told to listen on; without any it does so on all IPv4
 * addresses but loopback.
 */
export function reachableAddresses(visitor: Visitor, interfaces: Interfaces, listened: readonly string[]): string[] {
  if (listened.length > 0) return listenedFirst(visitor, listened);
  const own = Object.values(interfaces)
    .flatMap(list => list ?? [])
    .filter(({ family }) => family === 'IPv4');
  const host = (visitor.host ?? '').replace(/:\d{1,5}$/, '');
  // Loopback is named beside the rest: go2rtc listens there for TCP, for UDP only where nothing else is there.
  const isLocal = host === 'localhost' || host.startsWith('127.');
  if (isIPv4(host) && !isLocal && host !== '0.0.0.0') return [host];
  const near = own.filter(one => !one.internal && isInSubnet(visitor.remoteAddress, one));
  const others = own.filter(one => !one.internal && !near.includes(one));
  const outer = isLocal ? [...near, ...others] : near.length > 0 ? near : others;
  return [...outer.map(({ address }) => address).slice(0, MOST), ...(isLocal ? ['127.0.0.1'] : [])];
}

function listenedFirst({ host = '' }: Visitor, listened: readonly string[]): string[] {
  const named = host.replace(/:\d{1,5}$/, '').replace(/^\[|\]$/g, '');
  return listened.includes(named) ? [named] : listened.slice(0, MOST);
}

function isInSubnet(address: string, { address: own, netmask }: { address: string; netmask: string }): boolean {
  if (!isIPv4(address)) return false;
  const mask = numberOf(netmask);
  return (numberOf(address) & mask) === (numberOf(own) & mask);
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => (sum << 8) | Number(part), 0);
}
