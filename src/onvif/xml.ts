// Reads XML that a stranger sent: no DTD, no entities of its own, bounded in bytes, depth and number of parts; names come with their namespace.

/** DESIGN bound of one document. */
export const MAX_XML_BYTES = 256 * 1024;
const MAX_DEPTH = 64;
/** A recorder with 32 channels answers with some 6000. */
const MAX_ELEMENTS = 20_000;
const MAX_ATTRIBUTES = 64;
const MAX_NAME_CHARS = 128;
const MAX_VALUE_CHARS = 8192;
const MAX_URI_CHARS = 512;

export interface XmlAttribute {
  /** '' where there is no prefix. */
  readonly uri: string;
  readonly name: string;
  readonly value: string;
}

export interface XmlElement {
  /** Namespace; '' when there is none, or its prefix is not declared. */
  readonly uri: string;
  /** Without prefix. */
  readonly name: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  /** All text directly inside, references resolved, blanks as they stand there. */
  readonly text: string;
}

/** Why a document is refused; the message never repeats what stood in it. */
export class XmlError extends Error {}

interface Scope {
  readonly uris: ReadonlyMap<string, string>;
  readonly outer: Scope | undefined;
}

interface OpenElement {
  readonly element: XmlElement & { children: XmlElement[]; text: string };
  /** With prefix, as its end tag must repeat it. */
  readonly tag: string;
  readonly scope: Scope | undefined;
}

interface RawAttribute {
  tag: string;
  value: string;
}

/** The root element. Throws XmlError for what is not well-formed, holds a DTD, or is beyond the bounds. */
export function parseXml(bytes: Uint8Array): XmlElement {
  if (bytes.length > MAX_XML_BYTES) throw new XmlError('it is too long');
  return new Reader(decode(bytes)).read();
}

/** UTF-8 except where the declaration names Latin-1; what is no UTF-8 becomes U+FFFD, since names of cameras come in any coding. */
function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || first === 0 || second === 0)
    throw new XmlError('it is not in UTF-8');
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const declaration = buffer.toString('latin1', 0, 128);
  const latin = /^\s*<\?xml[^>]*encoding=["'](?:iso-8859-1|windows-1252|us-ascii)["']/i.test(declaration);
  return buffer.toString(latin ? 'latin1' : 'utf8').replace(/^\ufeff/, '');
}

const NAME = /[^\s<>/="'&!?;]+/y;
const NOTHING: readonly XmlAttribute[] = [];

class Reader {
  readonly #text: string;
  #pos = 0;
  #elements = 0;
  #root: XmlElement | undefined;
  readonly #open: OpenElement[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): XmlElement {
    const text = this.#text;
    while (this.#pos < text.length) {
      const next = text.indexOf('<', this.#pos);
      const end = next < 0 ? text.length : next;
      this.#addText(resolveReferences(text.slice(this.#pos, end)));
      this.#pos = end;
      if (next >= 0) this.#markup();
    }
    if (this.#open.length > 0 || !this.#root) throw new XmlError('it ends too early');
    return this.#root;
  }

  #markup(): void {
    const text = this.#text;
    const at = this.#pos;
    if (text.startsWith('<?', at)) this.#skipTo('?>', at + 2);
    else if (text.startsWith('<!--', at)) this.#skipTo('-->', at + 4);
    else if (text.startsWith('<![CDATA[', at)) {
      this.#skipTo(']]>', at + 9);
      this.#addText(text.slice(at + 9, this.#pos - 3));
    } else if (text.startsWith('<!', at)) throw new XmlError('it holds a document type');
    else if (text.startsWith('</', at)) this.#endTag();
    else this.#startTag();
  }

  #skipTo(mark: string, from: number): void {
    const end = this.#text.indexOf(mark, from);
    if (end < 0) throw new XmlError('it ends too early');
    this.#pos = end + mark.length;
  }

  #addText(text: string): void {
    if (text === '') return;
    const top = this.#open.at(-1);
    if (top) top.element.text += text;
    else if (text.trim() !== '') throw new XmlError('it holds text outside its root');
  }

  #endTag(): void {
    this.#pos += 2;
    const tag = this.#name();
    this.#blanks();
    this.#expect('>');
    if (this.#open.pop()?.tag !== tag) throw new XmlError('its tags do not match');
  }

  #startTag(): void {
    this.#pos += 1;
    if (++this.#elements > MAX_ELEMENTS) throw new XmlError('it has too many elements');
    const tag = this.#name();
    const raw = this.#attributes();
    const parent = this.#open.at(-1);
    const scope = openScope(raw, parent?.scope);
    const element = {
      uri: resolveUri(tag, scope, true),
      name: localName(tag),
      attributes: raw.length === 0 ? NOTHING : namedAttributes(raw, scope),
      children: [],
      text: '',
    };
    if (parent) parent.element.children.push(element);
    else if (this.#root) throw new XmlError('it has two roots');
    else this.#root = element;
    const closed = this.#text[this.#pos] === '/';
    if (closed) this.#pos += 1;
    this.#expect('>');
    if (closed) return;
    if (this.#open.length >= MAX_DEPTH) throw new XmlError('it is too deep');
    this.#open.push({ element, tag, scope });
  }

  #attributes(): RawAttribute[] {
    const found: RawAttribute[] = [];
    for (;;) {
      this.#blanks();
      const next = this.#text[this.#pos];
      if (next === undefined || next === '>' || next === '/') return found;
      if (found.length >= MAX_ATTRIBUTES) throw new XmlError('it has too many attributes');
      const tag = this.#name();
      this.#blanks();
      this.#expect('=');
      this.#blanks();
      const quote = this.#text[this.#pos];
      if (quote !== '"' && quote !== "'") throw new XmlError('an attribute has no quotes');
      const start = this.#pos + 1;
      this.#skipTo(quote, start);
      if (this.#pos - start > MAX_VALUE_CHARS) throw new XmlError('an attribute is too long');
      const value = resolveReferences(this.#text.slice(start, this.#pos - 1));
      if (value.includes('<')) {
        // Only `&lt;` may bring one in.
        if (this.#text.slice(start, this.#pos - 1).includes('<')) throw new XmlError('an attribute holds a tag');
      }
      if (!found.some(one => one.tag === tag)) found.push({ tag, value });
    }
  }

  #name(): string {
    NAME.lastIndex = this.#pos;
    const name = NAME.exec(this.#text)?.[0];
    if (name === undefined) throw new XmlError('a name is missing');
    if (name.length > MAX_NAME_CHARS) throw new XmlError('a name is too long');
    this.#pos += name.length;
    return name;
  }

  #blanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#pos);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#pos += 1;
    }
  }

  #expect(char: string): void {
    if (this.#text[this.#pos] !== char) throw new XmlError('a tag is damaged');
    this.#pos += 1;
  }
}

function isDeclaration({ tag }: RawAttribute): boolean {
  return tag === 'xmlns' || tag.startsWith('xmlns:');
}

function openScope(attributes: readonly RawAttribute[], outer: Scope | undefined): Scope | undefined {
  if (!attributes.some(isDeclaration)) return outer;
  const declared = attributes.filter(isDeclaration);
  if (declared.some(one => one.value.length > MAX_URI_CHARS)) throw new XmlError('a namespace is too long');
  return { outer, uris: new Map(declared.map(one => [one.tag.slice(6), one.value.trim()])) };
}

function namedAttributes(raw: readonly RawAttribute[], scope: Scope | undefined): XmlAttribute[] {
  return raw
    .filter(one => !isDeclaration(one))
    .map(({ tag, value }) => ({ uri: resolveUri(tag, scope, false), name: localName(tag), value }));
}

function localName(tag: string): string {
  return tag.slice(tag.indexOf(':') + 1);
}

function resolveUri(tag: string, scope: Scope | undefined, isElement: boolean): string {
  const colon = tag.indexOf(':');
  if (colon < 0 && !isElement) return '';
  const prefix = colon < 0 ? '' : tag.slice(0, colon);
  for (let at = scope; at; at = at.outer) {
    const uri = at.uris.get(prefix);
    if (uri !== undefined) return uri;
  }
  return '';
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Only the five and numbers. Any other & stays as it is: cameras forget to escape it in URLs. */
function resolveReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([\da-f]{1,6}));/gi, (all, name, decimal, hex) => {
    if (name !== undefined) return NAMED[name as string] ?? all;
    return character(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
  });
}

function character(code: number): string {
  const isText = code === 9 || code === 10 || code === 13 || code >= 0x20;
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  return isText && !isSurrogate && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
}

/** For text between tags and in attributes. Characters that XML cannot hold are left out. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`);
}

/** An element as it can be sent back, with its namespaces declared where they are used. */
export function writeXml(element: XmlElement): string {
  const attributes = element.attributes.map(({ uri, name, value }, index) =>
    uri === ''
      ? ` ${name}="${escapeXml(value)}"`
      : ` xmlns:a${index}="${escapeXml(uri)}" a${index}:${name}="${escapeXml(value)}"`,
  );
  const inside = escapeXml(element.text) + element.children.map(writeXml).join('');
  return `<${element.name} xmlns="${escapeXml(element.uri)}"${attributes.join('')}>${inside}</${element.name}>`;
}
