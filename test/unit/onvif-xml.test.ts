// The XML reader: what it understands, and what hostile documents cannot make it do.
import * as assert from 'uvu/assert';
import { escapeXml, MAX_XML_BYTES, parseXml, writeXml, XmlError } from '../../src/onvif/xml.ts';
import { attribute, find, textAt } from '../../src/onvif/xml-find.ts';
import { suite } from '../support/suite.ts';

const test = suite('onvif xml');

const read = (text: string) => parseXml(Buffer.from(text));

function refuses(text: string | Buffer, pattern: RegExp): void {
  try {
    parseXml(Buffer.from(text as string));
  } catch (error) {
    assert.instance(error, XmlError);
    assert.match((error as Error).message, pattern);
    return;
  }
  assert.unreachable('it was taken');
}

test('names carry the namespace in force, whatever the prefix', () => {
  const root = read(
    '<a xmlns="urn:1" xmlns:p="urn:2"><p:b p:x="1" y="2"><c xmlns="urn:3"/></p:b><c xmlns:p="urn:4"><p:d/></c></a>',
  );
  assert.is(root.uri, 'urn:1');
  const [b, c] = root.children;
  assert.is(b?.uri, 'urn:2');
  assert.equal(b?.attributes, [
    { uri: 'urn:2', name: 'x', value: '1' },
    { uri: '', name: 'y', value: '2' },
  ]);
  assert.is(b?.children[0]?.uri, 'urn:3');
  assert.is(c?.uri, 'urn:1');
  assert.is(c?.children[0]?.uri, 'urn:4');
  assert.is(read('<p:a/>').uri, '');
});

test('text: references, CDATA, comments, line breaks in tags', () => {
  const root = read(
    '<?xml version="1.0"?>\n<!-- <x> -->\n<a\n b = \'1 &lt; "2"\' >x &amp; y<![CDATA[<&amp;>]]><!-- no -->&#65;&#x42;</a >\n',
  );
  assert.is(root.text, 'x & y<&amp;>AB');
  assert.is(attribute(root, 'b'), '1 < "2"');
});

test('an & that cameras forgot to escape stays, and so does an entity that nobody declared', () => {
  assert.is(read('<a>rtsp://x/?a=1&b=2&xxe;</a>').text, 'rtsp://x/?a=1&b=2&xxe;');
  assert.is(read('<a>&#0;&#xD800;&#x110000;&#9;</a>').text, '\ufffd\ufffd\ufffd\t');
});

test('codings: UTF-8 with mark, Latin-1 by declaration, damage becomes U+FFFD', () => {
  assert.is(read('\ufeff<a>ü</a>').text, 'ü');
  const latin = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>ü</a>', 'latin1');
  assert.is(parseXml(latin).text, 'ü');
  assert.is(parseXml(Buffer.from('<a>ü</a>', 'latin1')).text, '\ufffd');
  refuses(Buffer.from('\ufeff<a/>', 'utf16le'), /UTF-8/);
});

const BOMB = `<!DOCTYPE a [<!ENTITY l0 "lol">${Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "&l${n};&l${n};">`).join('')}]>`;
const HOSTILE: [string, string | Buffer, RegExp][] = [
  ['a bomb of entities', `${BOMB}<a>&l9;</a>`, /document type/],
  ['an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', /document type/],
  ['a document type inside', '<a><!DOCTYPE b></a>', /document type/],
  ['5 MB', `<a>${'x'.repeat(5_000_000)}</a>`, /too long/],
  ['depth', `${'<a>'.repeat(65)}${'</a>'.repeat(65)}`, /too deep/],
  ['endless depth', '<a>'.repeat(80_000), /too deep/],
  ['very many elements', `<a>${'<b/>'.repeat(60_000)}</a>`, /too many elements/],
  [
    'very many attributes',
    `<a ${Array.from({ length: 20_000 }, (_, n) => `b${n}=""`).join(' ')}/>`,
    /too many attributes/,
  ],
  ['a huge attribute', `<a b="${'x'.repeat(200_000)}"/>`, /attribute is too long/],
  ['a huge name', `<${'a'.repeat(200_000)}/>`, /name is too long/],
  ['a huge namespace', `<a xmlns:p="${'x'.repeat(1000)}"/>`, /namespace is too long/],
  ['an end that never comes', '<a><b>', /too early/],
  ['a comment without end', `<a>${'<!-- '.repeat(40_000)}`, /too early/],
  ['tags that cross', '<a><b></a></b>', /do not match/],
  ['prefixes that differ', '<p:a xmlns:p="u" xmlns:q="u"></q:a>', /do not match/],
  ['two roots', '<a/><b/>', /two roots/],
  ['text outside', 'hello <a/>', /outside/],
  ['nothing', '', /too early/],
  ['an attribute without quotes', '<a b=c/>', /quotes/],
  ['a tag in an attribute', '<a b="<c/>"/>', /attribute holds/],
  ['an open quote', '<a b="c/>', /too early/],
  ['JSON', '{"a": 1}', /outside/],
  ['zeros', Buffer.alloc(1000), /UTF-8/],
];
for (const [name, text, pattern] of HOSTILE) test(`refuses ${name}`, () => refuses(text, pattern));

test('random damage never does worse than an XmlError', () => {
  const seed = (Date.now() ^ process.pid) >>> 0;
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const good =
    '<?xml version="1.0"?><s:E xmlns:s="u"><s:B a="1 &amp; 2"><![CDATA[x]]><!-- c --><t>&#65;</t></s:B></s:E>';
  const marks = '<>/="\'&;![]-?: a\0\ufffd';
  for (let round = 0; round < 1500; round++) {
    const chars = [...good];
    for (let change = random(6); change >= 0; change--) {
      const at = random(chars.length);
      const mark = marks[random(marks.length)] ?? '<';
      chars.splice(at, random(4), ...(random(2) ? [mark] : []));
    }
    try {
      read(chars.join(''));
    } catch (error) {
      if (!(error instanceof XmlError))
        throw new Error(`seed ${seed}, round ${round}: ${chars.join('')}`, { cause: error });
    }
  }
});

test('documents at the bound are taken', () => {
  const text = `<a>${'&#65;'.repeat(52_000)}</a>`;
  assert.ok(text.length < MAX_XML_BYTES);
  assert.is(read(text).text.length, 52_000);
  const many = read(`<a>${'<b c="d"/>'.repeat(19_000)}</a>`);
  assert.is(many.children.length, 19_000);
});

test('only names of the protocol are found', () => {
  const root = read(
    '<a xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:e="http://example.org/"><e:Uri>bad</e:Uri><tt:Uri> good </tt:Uri><Uri>none</Uri></a>',
  );
  assert.is(textAt(root, 'Uri'), 'good');
  assert.is(find(root, 'Uri/Uri'), undefined);
});

test('what is written is read as it was', () => {
  const text = '<p:a xmlns:p="urn:&amp;1" xmlns:q="urn:2" q:x="&lt;&quot;" y="z"><q:b>t &amp; u</q:b></p:a>';
  assert.equal(read(writeXml(read(text))), read(text));
  assert.is(read(`<a>${escapeXml('<&>"\'\0\ud800x')}</a>`).text, '<&>"\'x');
});

test.run();
