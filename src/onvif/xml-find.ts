// Finds its way in an answer: by names that stand in a namespace of the protocol; what others put there is not seen.
import type { XmlElement } from './xml.ts';

/** Cameras mix the versions and halves of these up (an element of "media" in "schema"), so within them the name decides. */
const FAMILIES: readonly string[] = [
  'http://www.onvif.org/ver',
  'http://docs.oasis-open.org/wsn/',
  'http://docs.oasis-open.org/wsrf/',
  'http://www.w3.org/2003/05/soap-envelope',
  'http://schemas.xmlsoap.org/soap/envelope/',
  'http://www.w3.org/2005/08/addressing',
  'http://schemas.xmlsoap.org/ws/2004/08/addressing',
  'http://schemas.xmlsoap.org/ws/2005/04/discovery',
];

/** Longest text that is taken from an answer: addresses. */
const MAX_TEXT_CHARS = 2048;

export function isOfProtocol(element: XmlElement): boolean {
  return FAMILIES.some(family => element.uri.startsWith(family));
}

export function children(element: XmlElement | undefined, name: string): XmlElement[] {
  return element?.children.filter(one => one.name === name && isOfProtocol(one)) ?? [];
}

/** The first one along `path`: names with slashes between. */
export function find(element: XmlElement | undefined, path: string): XmlElement | undefined {
  let at = element;
  for (const name of path.split('/')) at = at?.children.find(one => one.name === name && isOfProtocol(one));
  return at;
}

/** Trimmed text along `path`; undefined where there is none, or it is empty or far too long. */
export function textAt(element: XmlElement | undefined, path: string): string | undefined {
  const text = find(element, path)?.text.trim();
  return text === undefined || text === '' || text.length > MAX_TEXT_CHARS ? undefined : text;
}

/** A finite number along `path`. */
export function numberAt(element: XmlElement | undefined, path: string): number | undefined {
  const text = textAt(element, path);
  const number = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** The value of an attribute without namespace. */
export function attribute(element: XmlElement | undefined, name: string): string | undefined {
  return element?.attributes.find(one => one.name === name && one.uri === '')?.value.trim();
}

/** A name as people may see it: bounded, without control characters. */
export function label(text: string | undefined, most = 64): string | undefined {
  const kept = text
    ?.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, most);
  return kept === '' ? undefined : kept;
}

/** The longest token that is taken: the specification says 64, cameras say more. */
const MAX_TOKEN_CHARS = 256;

/** The token attribute of an element; undefined when it has none that could be sent back. */
export function tokenOf(element: XmlElement | undefined): string | undefined {
  const token = attribute(element, 'token');
  return token === undefined || token === '' || token.length > MAX_TOKEN_CHARS ? undefined : token;
}
