// YAML 1.2 as far as a configuration needs it: maps, lists and plain values, bounded in size, depth and number. The only place
// that knows the parser, which is loaded when a file is read and not before.
import { createRequire } from 'node:module';
import type { Document, ParsedNode, Parser, YAMLParseError } from 'yaml';
import { packagePath } from '../core/index.ts';
import type { Source } from './source.ts';
import type { Tree, TreeMap } from './tree.ts';

type Yaml = typeof import('yaml');
type Token = Parser['stack'][number];

/**
 * Bounds of the work: the parser takes a quarter of a second for so many pieces. Left alone it takes gigabytes for 256 KiB of `{`,
 * and compares each key of a map with each other.
 */
const MAX_PIECES = 60_000;
const MAX_DEPTH = 24;
const MAX_ENTRIES = 1000;

/** Stands before the text of a plain or block value, which may begin with anything. */
const SCALAR_MARK = '\u001f';

/** What a configuration has no use for, and what bombs and surprises are made of. */
const REFUSED_PIECES: Partial<Record<string, [message: string, cure: string]>> = {
  anchor: ['anchors (&) are not taken', 'Write it out; a text that begins with & needs quotes.'],
  alias: ['aliases (*) are not taken', 'Write it out; a text that begins with * needs quotes.'],
  tag: ['tags (!) are not taken', 'Leave it out; a text that begins with ! needs quotes.'],
  'directive-line': ['directives (%) are not taken', 'Leave it out.'],
};

const DUPLICATE: [string, string] = ['the same key stands here a second time', 'Keep one of them.'];
const TAB: [string, string] = ['a tab where blanks are needed', 'Indent with blanks.'];
/** In our own words: those of the parser may repeat the text. */
const WORDS: Partial<Record<YAMLParseError['code'], [message: string, cure: string]>> = {
  DUPLICATE_KEY: DUPLICATE,
  TAB_AS_INDENT: TAB,
  BAD_INDENT: ['the indentation does not fit', 'Indent all fields of one thing by the same number of blanks.'],
  MULTIPLE_DOCS: ['a second document begins here', 'Write one document per file.'],
  MISSING_CHAR: ['a bracket, quote, colon or comma is missing', 'Close what was opened; write "key: value".'],
  BLOCK_AS_IMPLICIT_KEY: [
    'there is a second colon, or the next line is indented too far',
    'Put a text with ": " in it in quotes; indent all fields of one thing alike.',
  ],
  MULTILINE_IMPLICIT_KEY: ['there is no ":" behind a key', 'Write "key: value".'],
  BAD_DQ_ESCAPE: ['an unknown escape in a text in double quotes', 'Write \\\\ for a backslash, or use single quotes.'],
  BAD_SCALAR_START: ['a text begins with a character that YAML reserves', 'Put it in quotes.'],
  KEY_OVER_1024_CHARS: ['a key is too long', 'Check the quotes and brackets before it.'],
  UNEXPECTED_TOKEN: ['this does not belong here', 'Put a text with special characters in quotes.'],
};
const OTHER_FAULT: [string, string] = ['this is not valid YAML', 'Check brackets, quotes, colons and indentation.'];

/** Throws `invalid-argument` with the place for everything that is not one map of plain values. */
export function parseYaml(source: Source): TreeMap {
  const yaml = createRequire(import.meta.url)(packagePath('yaml')) as Yaml;
  const documents = compose(yaml, source, tokens(yaml, source));
  const [document, second] = documents;
  if (second) throw source.refuse(second.range[0], ...(WORDS.MULTIPLE_DOCS ?? OTHER_FAULT));
  const fault = document?.errors[0];
  if (fault) throw source.refuse(fault.pos[0], ...(tabAt(source, fault) ? TAB : (WORDS[fault.code] ?? OTHER_FAULT)));
  const contents = document?.contents;
  const tree = contents ? toTree(yaml, source, contents) : undefined;
  if (tree?.kind === 'map') return tree;
  throw source.refuse(tree?.offset ?? 0, 'the file holds no fields', 'Write "cameras:" or "settings:".');
}

/** The parser sees most misplaced tabs as something else. */
function tabAt({ text }: Source, fault: YAMLParseError): boolean {
  const lineStart = text.lastIndexOf('\n', fault.pos[0] - 1) + 1;
  return /^ *\t/.test(text.slice(lineStart, lineStart + 1024));
}

function tokens(yaml: Yaml, source: Source): Token[] {
  const parser = new yaml.Parser();
  const tokens: Token[] = [];
  let pieces = 0;
  let isText = false;
  for (const piece of new yaml.Lexer().lex(source.text)) {
    const refused = isText ? undefined : REFUSED_PIECES[yaml.CST.tokenType(piece) ?? ''];
    if (refused) throw source.refuse(parser.offset, ...refused);
    isText = piece === SCALAR_MARK;
    tokens.push(...parser.next(piece));
    const top = parser.stack.at(-1);
    if (parser.stack.length > MAX_DEPTH) {
      throw source.refuse(parser.offset, 'this is nested too deeply', 'Check the indentation and the brackets.');
    }
    if (top && 'items' in top && top.items.length > MAX_ENTRIES) {
      throw source.refuse(parser.offset, `there are more than ${MAX_ENTRIES} entries`, 'Check the indentation.');
    }
    if (++pieces > MAX_PIECES) throw source.refuse(parser.offset, 'the file says too much', 'Make it shorter.');
  }
  tokens.push(...parser.end());
  return tokens;
}

function compose(yaml: Yaml, source: Source, tokens: Token[]): Document.Parsed[] {
  const composer = new yaml.Composer({ version: '1.2', schema: 'core', prettyErrors: false, uniqueKeys: true });
  return [...composer.compose(tokens, true, source.text.length)];
}

function toTree(yaml: Yaml, source: Source, node: ParsedNode): Tree {
  const offset = node.range[0];
  if (yaml.isMap<ParsedNode, ParsedNode | null>(node)) {
    const entries: TreeMap['entries'] = new Map();
    for (const { key, value } of node.items) {
      if (!yaml.isScalar(key) || key.value === null) {
        throw source.refuse(key.range[0], 'a key is no word', 'Write "key: value".');
      }
      const [keyOffset] = key.range;
      const name = String(key.source ?? key.value);
      // To YAML 1 and "1" are two keys.
      if (entries.has(name)) throw source.refuse(keyOffset, ...DUPLICATE);
      entries.set(name, { keyOffset, value: value ? toTree(yaml, source, value) : empty(keyOffset) });
    }
    return { kind: 'map', offset, entries };
  }
  if (yaml.isSeq<ParsedNode>(node)) {
    return { kind: 'list', offset, items: node.items.map(item => toTree(yaml, source, item)) };
  }
  const value: unknown = yaml.isScalar(node) ? node.value : undefined;
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return { kind: 'scalar', offset, value };
  }
  throw source.refuse(offset, ...OTHER_FAULT);
}

function empty(offset: number): Tree {
  return { kind: 'scalar', offset, value: null };
}
