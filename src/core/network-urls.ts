// Where this board is reached from its networks, for words to whoever set it up.
import { networkInterfaces } from 'node:os';

/**
 * `url` with each address that this board has in a network, when `host` means all of them; else empty. IPv4 only: nobody
 * types the others.
 */
export function networkUrls(url: string, host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [];
  const { port } = new URL(url);
  return Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => `http://${address}${port && `:${port}`}`);
}

/** The ports of addresses. */
export function portsOf(urls: readonly string[]): number[] {
  // An address leaves out the port that its kind has anyway.
  return urls.map(url => Number(new URL(url).port || (url.startsWith('https:') ? 443 : 80)));
}
