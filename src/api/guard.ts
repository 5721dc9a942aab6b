// Keeps foreign web pages out: a browser on this machine may be made to send requests that its owner never meant.
import { isLoopbackHost, NvrError } from '../core/index.ts';
import type { HttpRequest } from './server.ts';

const READING = new Set(['GET', 'HEAD']);

/**
 * Throws `permission-denied` for requests that come by a name that is not ours (DNS rebinding: a foreign name that suddenly leads
 * to 127.0.0.1) and for changes that a page of another origin asks for. Programs send neither Origin nor Sec-Fetch-Site.
 */
export function guard(request: HttpRequest): void {
  const host = request.header('host');
  const name = host === undefined ? undefined : hostName(host);
  if (name === undefined || !isLoopbackHost(name)) {
    throw new NvrError('permission-denied', 'the service does not answer under this name', {
      cure: 'Use 127.0.0.1, [::1] or localhost.',
    });
  }
  if (READING.has(request.method)) return;
  const site = request.header('sec-fetch-site');
  const origin = request.header('origin');
  const foreignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  const foreignOrigin = origin !== undefined && origin.toLowerCase() !== `http://${host?.toLowerCase()}`;
  if (foreignSite || foreignOrigin) {
    throw new NvrError('permission-denied', 'pages of other origins may not change anything here');
  }
}

function hostName(host: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9.-]{1,253}))(?::\d{1,5})?$/i.exec(host);
  return match?.[1] ?? match?.[2];
}
