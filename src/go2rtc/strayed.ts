// Where go2rtc is connected although the address that it was given leads elsewhere: it follows redirects, and what cameras tell over
// ONVIF, without our rules.
import { addressKind, isOwnAddress } from '../core/index.ts';
import { bareSource } from './source-address.ts';

/**
 * True when it got to this machine or to a link-local address by itself. `remote` is what it is connected to, as it shows it: host and
 * port. A source that names such an address was let through on purpose.
 */
export function isStrayed(remote: string, source: string): boolean {
  return isInward(hostOf(remote)) && !isInward(hostOf(bareSource(source).replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')));
}

/** Without port and brackets; of what is no address, an empty text. */
function hostOf(text: string): string {
  const [, six, other] = /^(?:\[([^\]]*)\]|([^\s:/?#]+))/.exec(text) ?? [];
  return six ?? other ?? '';
}

function isInward(host: string): boolean {
  const kind = addressKind(host);
  if (kind === undefined) return /(?:^|\.)localhost\.?$/i.test(host);
  return kind !== 'ordinary' || isOwnAddress(host);
}
