// What was typed about a camera that is to be added, and in which way that is tried.
import { streamUrls } from './paths.ts';

export interface Where {
  address: string;
  make: string;
  sub: string;
  username: string;
  password: string;
  /** How its streams come. */
  transport: string;
}

export const NOWHERE: Where = { address: '', make: '', sub: '', username: '', password: '', transport: 'tcp' };

/** Those that cameras have their streams on. */
const RTSP_PORT = /^[^/]*:8?554(\/|$)/;

export type Way = { is: 'rtsp'; main: string; sub: string } | { is: 'onvif'; address: string };

/** A stream's own address says all; of a make the paths are known; whatever else there is, is asked over ONVIF. */
export function wayOf(where: Where): Way {
  const { address, make, transport } = where;
  const host = address.trim();
  // ONVIF has such addresses too.
  const isHttp = /^https?:/i.test(host);
  const isStream = isHttp ? transport === 'http' : /^[a-z]+:\/\//i.test(host) || RTSP_PORT.test(host);
  if (isStream || (make !== '' && !isHttp)) return { is: 'rtsp', ...streamUrls(where) };
  return { is: 'onvif', address: host };
}
