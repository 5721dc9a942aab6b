// Addresses of pages: `#/path?query`, so that any server and any prefix will do, and no proxy learns what somebody looks at.
import { signal } from '@preact/signals';

export interface Place {
  /** Decoded parts of the path; none = the first page. */
  parts: readonly string[];
  query: URLSearchParams;
}

/** Where the reader is. Follows the address bar once `followAddress` was called. */
export const place = signal<Place>(parsePlace(''));

/** Of `location.hash`, whatever stands there. */
export function parsePlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s);
  const parts = path.split('/').filter(part => part !== '');
  return { parts: parts.map(decoded), query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** `href('cam', 3)` = `#/cam/3`; values that are undefined are left out of the query. */
export function href(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  // Commas and colons stay readable: they mean nothing special in a fragment.
  const text = given
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value)).replace(/%2C/g, ',').replace(/%3A/g, ':')}`)
    .join('&');
  return `#/${path}${text ? `?${text}` : ''}`;
}

/** Whether parts fit `cam/{id}`, and what stands in its braces. */
export function matchPath(pattern: string, parts: readonly string[]): Record<string, string> | undefined {
  const wanted = pattern.split('/').filter(part => part !== '');
  if (wanted.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of wanted.entries()) {
    const part = parts[index] as string;
    if (expected.startsWith('{')) params[expected.slice(1, -1)] = part;
    else if (part !== expected) return undefined;
  }
  return params;
}

/** Opens a page; the one there stays behind the Back button. */
export function go(address: string): void {
  if (address === location.hash) return;
  location.hash = address;
}

/** The address that `place` says. */
let followed = '';

/**
 * Changes the address of the page that is open: nothing is loaded, and Back does not lead to the old one. An address that somebody has
 * set in the same moment, and that is still to be followed, stays.
 */
export function amend(address: string): void {
  if (location.hash !== followed) return;
  history.replaceState(history.state, '', address);
  followed = location.hash;
  place.value = parsePlace(address);
}

/** Listens to the address bar for good. */
export function followAddress(): void {
  const follow = () => {
    followed = location.hash;
    place.value = parsePlace(location.hash);
  };
  addEventListener('hashchange', follow);
  follow();
}
