// Keeps foreign web pages out: a browser may be made to send requests that its owner never meant.
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { NvrError } from '../core/index.ts';
import type { HttpRequest } from './server.ts';

const DEFAULT_PORTS: Record<string, string> = { http: ':80', https: ':443' };

/**
 * Throws `permission-denied` for requests that come by a name that is not ours (DNS rebinding: a foreign name that suddenly leads
 * here). Addresses are ours, whichever they are: to come by one a page must have been loaded from it. `further`: names beside
 * those of this machine.
 */
export function checkHost(request: HttpRequest, further: readonly string[]): void {
  const host = request.header('host');
  const name = host === undefined ? undefined : hostName(host);
  if (name !== undefined && isOurs(name, further)) return;
  throw new NvrError('permission-denied', 'the service does not answer under this name', {
    cure: 'Use its address or the name of the machine, or add the name to "hosts" in the settings.',
  });
}

/** How a request says who sends it: browsers send `cookie`, and `basic` once they know it, without being asked by a page of ours. */
export type Proof = 'none' | 'cookie' | 'basic' | 'bearer';

/**
 * Throws `permission-denied` for changes (and WebSockets) that a page of another origin asks for. Programs send neither Origin nor
 * Sec-Fetch-Site; a browser sends at least one of them, so without both nobody is believed a cookie. Chromium sends Sec-Fetch-Site to
 * loopback and by TLS only.
 */
export function checkOrigin(request: HttpRequest, proof: Proof): void {
  const site = request.header('sec-fetch-site');
  const origin = request.header('origin');
  if (site === undefined && origin === undefined) {
    if (proof !== 'cookie') return;
    throw new NvrError('permission-denied', 'a change by cookie has to say which page it comes from', {
      cure: 'Send the header Origin, or an API token instead of the cookie.',
    });
  }
  const foreignSite = site !== undefined && site !== 'same-origin';
  if (foreignSite || (origin !== undefined && !isOwnOrigin(origin, request.header('host') ?? ''))) {
    throw new NvrError('permission-denied', 'pages of other origins may not change anything here');
  }
}

/** A proxy in front of us may speak TLS for us: the scheme says nothing. */
function isOwnOrigin(origin: string, host: string): boolean {
  const match = /^(https?):\/\/([^/]{1,300})$/i.exec(origin);
  if (!match) return false;
  const port = DEFAULT_PORTS[(match[1] as string).toLowerCase()] as string;
  const plain = (text: string) => {
    const lower = text.toLowerCase();
    return lower.endsWith(port) ? lower.slice(0, -port.length) : lower;
  };
  return plain(match[2] as string) === plain(host);
}

function isOurs(name: string, further: readonly string[]): boolean {
  if (isIP(name) !== 0) return true;
  const plain = name.toLowerCase().replace(/\.$/, '');
  if (plain === 'localhost') return true;
  const own = hostname().toLowerCase();
  const short = own.split('.', 1)[0] as string;
  return [own, short, `${short}.local`, ...further].includes(plain);
}

/** Without port; undefined for what is no host. */
function hostName(host: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_.-]{1,253}))(?::\d{1,5})?$/i.exec(host);
  return match?.[1] ?? match?.[2];
}
