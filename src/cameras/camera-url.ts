// Camera URLs: splits the login off, and refuses what is no camera's address before anything is stored.
import { addressKind, NvrError } from '../core/index.ts';
import { CAMERA_SCHEMES } from './go2rtc-source.ts';

export const MAX_URL_CHARS = 2048;

export interface CameraUrl {
  /** Without user and password. */
  url: string;
  /** Present when the URL held a login; percent-decoded. */
  login?: { username: string; password: string };
}

/**
 * Throws `invalid-argument` for `field` unless `text` is a URL that cameras have: rtsp://, or one that go2rtc understands. Addresses of this machine and link-local ones are refused
 * unless `allowLoopback`; names are checked again by the engine once they are resolved. The text is never repeated in messages.
 */
export function parseCameraUrl(text: string, field: string, allowLoopback: boolean): CameraUrl {
  if (text.length > MAX_URL_CHARS) throw refuse(field, 'is too long', `Use at most ${MAX_URL_CHARS} characters.`);
  const match = /^([a-z]+):\/\/([^/?#]*)(.*)$/is.exec(text);
  const scheme = match?.[1]?.toLowerCase() ?? '';
  if (!match || !CAMERA_SCHEMES.includes(scheme)) {
    const others = CAMERA_SCHEMES.slice(1).join(', ');
    throw refuse(
      field,
      'is no address of a camera',
      `Write rtsp://host/path. By way of go2rtc there are ${others}, too.`,
    );
  }
  if (/[^\x21-\x7e]/.test(text)) {
    throw refuse(field, 'holds blanks or other characters that URLs cannot have', 'Write them percent-encoded.');
  }
  const authority = match[2] ?? '';
  const at = authority.lastIndexOf('@');
  const address = authority.slice(at + 1);
  checkAddress(address, field, allowLoopback);
  const url: CameraUrl = { url: `${scheme}://${address}${match[3] || '/'}` };
  if (at >= 0) url.login = splitLogin(authority.slice(0, at));
  return url;
}

/** True when two URLs without login lead to the same stream, whatever their spelling. */
export function sameAddress(one: string, other: string): boolean {
  return canonicalUrl(one) === canonicalUrl(other);
}

function canonicalUrl(url: string): string {
  const [, scheme = '', address = '', given, rest = ''] = /^([a-z]+):\/\/(.*?)(:\d+)?([/?#].*)?$/is.exec(url) ?? [];
  const port = given?.slice(1) ?? (scheme.toLowerCase() === 'rtsp' ? '554' : '');
  const kind = scheme.toLowerCase() === 'rtsp' ? '' : `${scheme.toLowerCase()}://`;
  return `${kind}${canonicalHost(address) ?? address}:${Number(port)}${rest || '/'}`;
}

function splitLogin(userinfo: string): { username: string; password: string } {
  const colon = userinfo.indexOf(':');
  if (colon < 0) return { username: decode(userinfo), password: '' };
  return { username: decode(userinfo.slice(0, colon)), password: decode(userinfo.slice(colon + 1)) };
}

/** A stray % is part of the password. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function checkAddress(address: string, field: string, allowLoopback: boolean): void {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_.])?)(?::(\d{1,5}))?$/i.exec(address);
  const port = match?.[2] === undefined ? 554 : Number(match[2]);
  const host = match?.[1] === undefined ? undefined : canonicalHost(match[1]);
  if (host === undefined || port < 1 || port > 65535) {
    throw refuse(field, 'has no usable host and port', 'Write rtsp://host/path or rtsp://host:port/path.');
  }
  if (!allowLoopback && isForbiddenHost(host)) {
    throw refuse(field, 'points at this machine or at a link-local address', 'Write the address of the camera.');
  }
}

/** The host as resolvers read it: `127.1` and `0x7f000001` are 127.0.0.1. Undefined when it is none. */
function canonicalHost(host: string): string | undefined {
  try {
    return new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, '').toLowerCase();
  } catch {
    // Underscores and the like: names all the same.
    return host.startsWith('[') || /^[\d.]+$/.test(host) ? undefined : host.toLowerCase();
  }
}

function isForbiddenHost(host: string): boolean {
  const kind = addressKind(host);
  return kind === undefined ? /(^|\.)localhost\.?$/.test(host) : kind !== 'ordinary';
}

function refuse(field: string, what: string, cure: string): NvrError {
  return new NvrError('invalid-argument', `"${field}" ${what}`, { field, cure });
}
