// Who is at the other end of a connection, also behind a proxy that the owner trusts.
import { isIP } from 'node:net';

/** IPv4 addresses inside IPv6 ones, as sockets for both kinds give them, are written as IPv4; others in their short form. */
export function plainAddress(address: string): string {
  const bare = address.split('%', 1)[0] as string;
  if (isIP(bare) !== 6) return bare;
  const short = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (!mapped) return short;
  const [high, low] = [Number.parseInt(mapped[1] as string, 16), Number.parseInt(mapped[2] as string, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

export interface Client {
  remoteAddress: string;
  secure: boolean;
}

/**
 * What stands in X-Forwarded-For and -Proto counts only on connections from `proxies`, and of the former only what the last of
 * them added: anybody may have written the rest.
 */
export function clientOf(
  connection: Client,
  header: (name: string) => string | undefined,
  proxies: ReadonlySet<string>,
): Client {
  if (!proxies.has(connection.remoteAddress)) return connection;
  const hops = (header('x-forwarded-for') ?? '').split(',').map(hop => hop.trim());
  let { remoteAddress } = connection;
  for (let i = hops.length - 1; i >= 0 && proxies.has(remoteAddress); i--) {
    const hop = (hops[i] as string).replace(/^\[(.*)\]$/, '$1');
    if (isIP(hop) === 0) break;
    remoteAddress = plainAddress(hop);
  }
  const proto = header('x-forwarded-proto')?.split(',').at(-1)?.trim().toLowerCase();
  return { remoteAddress, secure: proto === undefined ? connection.secure : proto === 'https' };
}

/** Who gives way where there are too many: the first of those that come from the address with most of them, of several the one met first. */
export function firstOfMost<T extends { address: string }>(ones: Iterable<T>): T | undefined {
  const firsts = new Map<string, { one: T; count: number }>();
  for (const one of ones) {
    const known = firsts.get(one.address);
    if (known) known.count++;
    else firsts.set(one.address, { one, count: 1 });
  }
  let most: { one: T; count: number } | undefined;
  for (const entry of firsts.values()) if (entry.count > (most?.count ?? 0)) most = entry;
  return most?.one;
}
