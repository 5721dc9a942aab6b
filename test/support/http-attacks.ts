// Requests as nobody should send them, by kind: what a server makes of each is its business, as long as it is a refusal, an
// ordinary answer or the end of the connection, and nothing in a body is ever taken for a request.

export interface Attack {
  name: string;
  bytes: Buffer;
}

/** What stands in bodies and must never reach a handler. */
export const SMUGGLED = '/smuggled';
const INNER = `GET ${SMUGGLED} HTTP/1.1\r\nHost: 127.0.0.1\r\nX: `;

const HOST = 'Host: 127.0.0.1\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';

function attack(name: string, text: string | Buffer): Attack {
  return { name, bytes: Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1') };
}

function requestLines(): Attack[] {
  const lines = [
    ...[
      '',
      ' ',
      'GET',
      'GET ',
      'GET /',
      'GET / ',
      'GET /  HTTP/1.1',
      'GET  / HTTP/1.1',
      ' GET / HTTP/1.1',
      '\tGET / HTTP/1.1',
    ],
    ...['GET / HTTP/1.1 ', 'GET / HTTP/1.1 x', 'GET / http/1.1', 'GET / HTTP/1.0', 'GET / HTTP/0.9', 'GET / HTTP/1.2'],
    ...[
      'GET / HTTP/2.0',
      'GET / HTTP/9.9',
      'GET / HTTP/11.1',
      'GET / HTTP/1.10',
      'GET / HTTP/1',
      'GET / HTTP/',
      'GET / XTTP/1.1',
    ],
    ...[
      'GET / HTTP/-1.1',
      'GET / HTTP/1.1\0',
      'GET\t/\tHTTP/1.1',
      'GET\0/ HTTP/1.1',
      'get / HTTP/1.1',
      'GeT / HTTP/1.1',
    ],
    ...[
      'G\xc3\x89T / HTTP/1.1',
      'GET/ HTTP/1.1',
      '{} / HTTP/1.1',
      '"GET" / HTTP/1.1',
      `${'A'.repeat(3000)} / HTTP/1.1`,
    ],
    ...['PRI * HTTP/2.0', 'OPTIONS * HTTP/1.1', '* * HTTP/1.1', 'CONNECT 127.0.0.1:22 HTTP/1.1', 'CONNECT / HTTP/1.1'],
    ...[
      'TRACE / HTTP/1.1',
      'TRACE /api/health HTTP/1.1',
      'PURGE / HTTP/1.1',
      'PROPFIND / HTTP/1.1',
      'PUT /api/cameras HTTP/1.1',
    ],
    ...['HELO smtp', 'EHLO x\r\nMAIL FROM:<a@b>', 'USER a', '*1\r\n$4\r\nPING', '<xml/>', '{"a":1}', 'SSH-2.0-x'],
    ...['GET /\r HTTP/1.1', 'GET /\n HTTP/1.1', 'GET / HTTP/1.1\r', 'GET / \r\nHTTP/1.1', '\r\n\r\n\r\nGET / HTTP/1.1'],
  ];
  return lines.map((line, index) =>
    attack(`request line ${index}: ${JSON.stringify(line).slice(0, 40)}`, `${line}\r\n${HOST}\r\n`),
  );
}

function targets(): Attack[] {
  const paths = [
    ...[
      'http://127.0.0.1/api/health',
      'http://evil.example/',
      'https://127.0.0.1/',
      'ftp://a/',
      '//evil.example/',
      'api/health',
    ],
    ...[
      '/../etc/passwd',
      '/a/../../etc/passwd',
      '/..%2f..%2fetc/passwd',
      '/%2e%2e/%2e%2e/etc/passwd',
      '/..\\..\\x',
      '/%5c..%5c',
    ],
    ...[
      '/%00',
      '/index.html%00.js',
      '/%',
      '/%zz',
      '/%c0%ae%c0%ae/',
      '/%252e%252e/',
      '/\x01',
      '/\x7f',
      '/\xff\xfe',
      '/a b',
    ],
    ...[
      '/api/../api/status',
      '/api//status',
      '/API/STATUS',
      '/api/status/',
      '/api/status;x=1',
      '/api/status%20',
      '/api/%73tatus',
    ],
    ...[
      '/?',
      '/??',
      '/?%',
      '/?a[]=1',
      '/?__proto__=1',
      '/api/cameras/__proto__',
      '/api/cameras/constructor',
      '/api/cameras/-1',
    ],
    ...[
      '/api/cameras/1e9',
      '/api/cameras/NaN',
      '/api/cameras/99999999999999999999',
      '/api/segments/..%2f..%2fx/file',
      '/#a',
      '/a#b',
    ],
    ...[
      `/${'a'.repeat(4000)}`,
      `/${'a/'.repeat(2000)}`,
      `/?${'a=b&'.repeat(1000)}`,
      `/${'%41'.repeat(1300)}`,
      `/${'a'.repeat(15_000)}`,
    ],
    ...[
      `/${'a'.repeat(70_000)}`,
      '/api/timeline?startMs=-1e308&endMs=1e309',
      '/api/export.mp4?camera=1&startMs=0&endMs=0',
    ],
  ];
  return paths.map((path, index) =>
    attack(`target ${index}: ${path.slice(0, 40)}`, `GET ${path} HTTP/1.1\r\n${HOST}\r\n`),
  );
}

function headers(): Attack[] {
  const lines = [
    ...[
      'X',
      'X y',
      ': y',
      ' X: y',
      '\tX: y',
      'X : y',
      'X\t: y',
      'X: y\r\n z',
      'X: y\r\n\tz',
      'X: a\rb',
      'X: a\nb',
      'X: a\0b',
      'X: \x01',
    ],
    ...[
      'X: \xff\xfe',
      '\xff: y',
      'X(): y',
      'X\0: y',
      '"X": y',
      'X/Y: z',
      'X:',
      'X:::',
      ':',
      '::',
      `X: ${'a'.repeat(15_000)}`,
    ],
    ...[
      `X: ${'a'.repeat(40_000)}`,
      `${'X'.repeat(20_000)}: y`,
      'Host: 127.0.0.1',
      'Host: evil.example',
      'Host:',
      'Host: a b',
    ],
    ...[
      'Host: 127.0.0.1, evil.example',
      'Expect: 100-continue',
      'Expect: 200-ok',
      'Expect: 100-continue, 100-continue',
    ],
    ...[
      'Connection: close, close',
      'Connection: \x00',
      'Connection: keep-alive, upgrade',
      'Connection: host',
      'Keep-Alive: timeout=99999',
    ],
    ...[
      'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      'Upgrade: TLS/1.0\r\nConnection: Upgrade',
    ],
    ...[
      'Range: bytes=0-',
      'Range: bytes=-',
      `Range: bytes=${'0-1,'.repeat(2000)}`,
      'If-None-Match: \x7f',
      'Accept-Encoding: gzip;q=NaN',
    ],
    ...[
      `Cookie: ${'a=b; '.repeat(2500)}`,
      'Cookie: thimble_session=\x01',
      'Authorization: Basic',
      'Authorization: Basic !!!',
      'Authorization: Basic Og==',
    ],
    ...[
      'Authorization: Bearer',
      `Authorization: Bearer ${'a'.repeat(10_000)}`,
      'Authorization: Digest x',
      'X-Forwarded-For: 1.2.3.4',
    ],
    ...[
      'Origin: null',
      'Origin: http://evil.example',
      'Content-Encoding: gzip',
      'TE: trailers',
      'Trailer: Host',
      'Transfer-Encoding:',
    ],
  ];
  const found = lines.map((line, index) =>
    attack(
      `header ${index}: ${JSON.stringify(line).slice(0, 40)}`,
      `GET /api/health HTTP/1.1\r\n${HOST}${line}\r\n\r\n`,
    ),
  );
  const many = Array.from({ length: 3000 }, (_, i) => `X${i}: y\r\n`).join('');
  return [
    ...found,
    attack('three thousand headers', `GET / HTTP/1.1\r\n${HOST}${many}\r\n`),
    attack('no host', 'GET / HTTP/1.1\r\n\r\n'),
    attack('bare line feeds', `GET / HTTP/1.1\n${HOST.replace('\r', '')}\n`),
    attack('bare carriage returns', 'GET / HTTP/1.1\rHost: 127.0.0.1\r\r'),
    attack('headers that never end', `GET / HTTP/1.1\r\n${HOST}X: `),
    attack('nothing but line ends', '\r\n'.repeat(5000)),
    attack('nothing but nulls', Buffer.alloc(50_000)),
    attack('a TLS hello', Buffer.concat([Buffer.from('16030100c8010000c40303', 'hex'), Buffer.alloc(200)])),
  ];
}

/** Each has a request in what is its body by one reading of its head. */
function framing(): Attack[] {
  const length = INNER.length + 4;
  const body = `${INNER}\r\n\r\n`;
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const lengths = [
    ...[
      `${length}`,
      `  ${length}  `,
      `0${length}`,
      `+${length}`,
      `-${length}`,
      `${length}.0`,
      `${length}e0`,
      `0x${length.toString(16)}`,
    ],
    ...[
      `${length},${length}`,
      `${length}, 0`,
      `0, ${length}`,
      `"${length}"`,
      `${length} ${length}`,
      `${length};`,
      `\x0b${length}`,
      `${length}\x0b`,
    ],
    ...[
      '',
      ' ',
      'a',
      '-0',
      '-1',
      '99999999999999999999999',
      '18446744073709551616',
      '9223372036854775808',
      '4294967296',
      `${length}\0`,
    ],
  ].map(value => `Content-Length: ${value}`);
  const doubled = [
    `Content-Length: 0\r\nContent-Length: ${length}`,
    `Content-Length: ${length}\r\nContent-Length: 0`,
    `Content-Length: ${length}\r\nContent-Length: ${length}`,
    `Content-Length: 2\r\ncontent-length: ${length}`,
    `Content-Length : ${length}`,
    ` Content-Length: ${length}`,
    `X: y\r\n Content-Length: ${length}`,
    `Content_Length: ${length}\r\nContent-Length: 1`,
  ];
  const encodings = [
    ...[
      'identity',
      'gzip',
      'gzip, chunked',
      'chunked, gzip',
      'chunked, chunked',
      'xchunked',
      'chunkedx',
      ' chunked',
      'chunked ',
      '\tchunked',
    ],
    ...['chunked;x=y', '"chunked"', 'cHuNkEd', '\x0bchunked', 'chunked\0', 'chunk', '', ','],
  ].map(value => `Transfer-Encoding: ${value}`);
  const both = [
    `Transfer-Encoding: chunked\r\nContent-Length: ${length}`,
    `Content-Length: ${length}\r\nTransfer-Encoding: chunked`,
    'Content-Length: 3\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding : chunked\r\nContent-Length: 5',
    'Transfer-Encoding\t: chunked\r\nContent-Length: 5',
    'X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5',
    'Transfer-Encoding:\r\n chunked\r\nContent-Length: 5',
    'Transfer_Encoding: chunked\r\nContent-Length: 1',
  ];
  return ['POST /api/cameras', 'GET /api/health', 'DELETE /api/cameras/1'].flatMap(request => {
    const head = `${request} HTTP/1.1\r\n${HOST}${JSON_TYPE}`;
    return [
      ...[...lengths, ...doubled].map(line =>
        attack(`${request}: ${JSON.stringify(line)}`, `${head}${line}\r\n\r\n${body}`),
      ),
      ...[...encodings, ...both].map(line =>
        attack(`${request}: ${JSON.stringify(line)}`, `${head}${line}\r\n\r\n${chunked}`),
      ),
    ];
  });
}

function chunks(): Attack[] {
  const body = `${INNER}\r\n\r\n`;
  const size = body.length.toString(16);
  const forms = [
    ...[
      `${size};a=b\r\n${body}\r\n0\r\n\r\n`,
      `${size};${'a'.repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`,
      `${size} \r\n${body}\r\n0\r\n\r\n`,
    ],
    ...[
      ` ${size}\r\n${body}\r\n0\r\n\r\n`,
      `0x${size}\r\n${body}\r\n0\r\n\r\n`,
      `+${size}\r\n${body}\r\n0\r\n\r\n`,
      `-${size}\r\n${body}\r\n0\r\n\r\n`,
    ],
    ...[
      `${size}\n${body}\r\n0\r\n\r\n`,
      `${size}\r${body}\r\n0\r\n\r\n`,
      `${size}\r\n${body}0\r\n\r\n`,
      `${size}\r\n${body}\n0\r\n\r\n`,
    ],
    ...[
      `1\r\n${body}\r\n0\r\n\r\n`,
      `ffffffff\r\n${body}`,
      `ffffffffffffffff\r\n${body}`,
      `fffffffffffffffff\r\n${body}`,
      `7fffffffffffffff\r\n${body}`,
    ],
    ...[
      `${'0'.repeat(10_000)}${size}\r\n${body}\r\n0\r\n\r\n`,
      `\r\n${size}\r\n${body}\r\n0\r\n\r\n`,
      `g\r\n${body}\r\n0\r\n\r\n`,
      `${size}\r\n${body}`,
    ],
    ...[
      `0;${body}`,
      `0\r\nX: y\r\n\r\n`,
      `0\r\nContent-Length: 5\r\nHost: evil\r\n\r\n`,
      `0\r\n${'X: y\r\n'.repeat(3000)}\r\n`,
      `0\r\n X: ${body}`,
    ],
    ...[`${'1\r\na\r\n'.repeat(5000)}0\r\n\r\n`, `${'1\r\na\r\n'.repeat(70_000)}0\r\n\r\n`],
  ];
  const head = `POST /api/cameras HTTP/1.1\r\n${HOST}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n`;
  return forms.map((form, index) => attack(`chunks ${index}: ${JSON.stringify(form).slice(0, 30)}`, head + form));
}

function webSockets(): Attack[] {
  const base = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  };
  const changes: Record<string, string>[] = [
    {},
    { 'Sec-WebSocket-Key': '' },
    { 'Sec-WebSocket-Key': 'A'.repeat(24) },
    { 'Sec-WebSocket-Key': 'A'.repeat(10_000) },
    { 'Sec-WebSocket-Key': '\xff'.repeat(24) },
    { 'Sec-WebSocket-Version': '0' },
    { 'Sec-WebSocket-Version': '13, 8' },
    { 'Sec-WebSocket-Protocol': 'a,b,\x01' },
    { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' },
    { Upgrade: 'websocket, h2c' },
    { Upgrade: 'WebSocket\0' },
    { Connection: 'close, Upgrade' },
    { 'Content-Length': '60' },
    { 'Transfer-Encoding': 'chunked' },
    { Origin: 'http://evil.example' },
  ];
  return ['/api/updates', '/api/cameras/1/live', '/api/health', '/'].flatMap(path =>
    changes.map(change => {
      const lines = Object.entries({ ...base, ...change }).map(([name, value]) => `${name}: ${value}\r\n`);
      // Behind a refused upgrade without a body stands the next request, rightly.
      const behind = 'Content-Length' in change || 'Transfer-Encoding' in change ? INNER : INNER.replace(SMUGGLED, '/');
      const bytes = `GET ${path} HTTP/1.1\r\n${HOST}${lines.join('')}\r\n${behind}\r\n\r\n`;
      return attack(`upgrade ${path} ${JSON.stringify(change).slice(0, 60)}`, bytes);
    }),
  );
}

function bodies(): Attack[] {
  const texts: (string | Buffer)[] = [
    ...[
      '',
      '{',
      '[',
      '"',
      'nul',
      '{"a":',
      '{"name":"\\ud800"}',
      '\ufeff{}',
      '{}{}',
      '{"__proto__":{"a":1}}',
      '{"constructor":1}',
    ],
    ...[
      '[]',
      '1',
      'null',
      '1e999',
      '-'.repeat(1000),
      '['.repeat(30_000),
      '{"a":'.repeat(10_000),
      `{"name":"${'a'.repeat(60_000)}"}`,
    ],
    ...['{"name":null,"main":null}', '{"name":{},"main":[]}', '{"name":"a","main":{"url":"file:///etc/passwd"}}'],
    ...[
      '{"name":"a","main":{"url":"rtsp://[::1"}}',
      `{"main":{"url":"rtsp://${'a.'.repeat(3000)}"}}`,
      'x'.repeat(70_000),
    ],
    ...[Buffer.from([0xff, 0xfe, 0x7b, 0x7d]), Buffer.from('{"name":"\xff"}', 'latin1'), Buffer.alloc(1000)],
  ];
  return ['/api/cameras', '/api/login', '/api/setup'].flatMap(path =>
    texts.map((text, index) => {
      const content = Buffer.from(text as string);
      const head = `POST ${path} HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: ${content.length}\r\nConnection: close\r\n\r\n`;
      return attack(`body ${index} to ${path}`, Buffer.concat([Buffer.from(head), content]));
    }),
  );
}

export function httpAttacks(): Attack[] {
  return [...requestLines(), ...targets(), ...headers(), ...framing(), ...chunks(), ...webSockets(), ...bodies()];
}

/** Ordinary requests with bytes changed, put in, taken out and doubled at random. */
export function mutatedRequests(count: number, random: () => number): Attack[] {
  // A damaged length makes a request of the rest, rightly.
  const body = `{"name":"a"}${INNER.replace(SMUGGLED, '/')}`;
  const seeds = [
    `GET /api/health HTTP/1.1\r\n${HOST}Accept: */*\r\n\r\n`,
    `POST /api/cameras HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: ${body.length}\r\n\r\n${body}`,
    `POST /api/cameras HTTP/1.1\r\n${HOST}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    `GET /api/updates HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  ];
  const below = (limit: number) => Math.floor(random() * limit);
  const special = [0, 9, 10, 13, 32, 44, 58, 127, 255];
  return Array.from({ length: count }, (_, number) => {
    let bytes = Buffer.from(seeds[below(seeds.length)] as string, 'latin1');
    for (let changes = 1 + below(4); changes > 0; changes--) {
      const at = below(bytes.length);
      const byte = Buffer.from([random() < 0.5 ? (special[below(special.length)] as number) : below(256)]);
      const kept = [bytes.subarray(0, at), bytes.subarray(at + below(3))] as const;
      bytes = random() < 0.7 ? Buffer.concat([kept[0], byte, kept[1]]) : Buffer.concat([kept[0], bytes.subarray(at)]);
      if (random() < 0.1) bytes = bytes.subarray(0, at + 1);
    }
    return { name: `mutation ${number}`, bytes };
  });
}
