import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import type { ByteSource, HttpHandler, HttpReply, HttpRequest } from '../../src/api/server.ts';
import { staticFiles } from '../../src/api/static-files.ts';
import { suite } from '../support/suite.ts';

const test = suite('static files');

let folder = '';
let handler: HttpHandler;
let failures: unknown[] = [];

const page = '<!doctype html><title>x</title>'.repeat(100);
const script = 'export const a = 1;\n'.repeat(10_000);

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-web-'));
  mkdirSync(join(folder, 'web/a'), { recursive: true });
  const put = (name: string, content: string | Buffer) => writeFileSync(join(folder, 'web', name), content);
  put('index.html', page);
  put('index.html.gz', gzipSync(page));
  put('a/app-ABCD1234.js', script);
  put('a/app-ABCD1234.js.gz', gzipSync(script));
  put('a/icon-1.png', Buffer.from([1, 2, 3]));
  put('manifest.webmanifest', '{}');
  put('notes.exe', 'no type of ours');
  writeFileSync(join(folder, 'secret.key'), 'canary');
  symlinkSync(join(folder, 'secret.key'), join(folder, 'web', 'link.txt'));
  failures = [];
  handler = staticFiles(join(folder, 'web'), error => failures.push(error));
});
test.after.each(() => rmSync(folder, { recursive: true }));

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const reply = await handler({ path, method, query: '', header: name => headers[name] } as HttpRequest);
  return { ...reply, content: await contentOf(reply) };
}

async function contentOf({ body }: HttpReply): Promise<Buffer> {
  if (!body || Buffer.isBuffer(body)) return body ?? Buffer.alloc(0);
  const source: ByteSource = body;
  const pieces = [];
  for (let piece = await source.next(); piece; piece = await source.next()) pieces.push(Buffer.from(piece));
  await source.close();
  assert.is(Buffer.concat(pieces).length, source.sizeBytes);
  return Buffer.concat(pieces);
}

test('the first page, zipped when that is taken, and not again when it is known', async () => {
  const plain = await ask('/');
  assert.equal([plain.status, plain.content.toString()], [200, page]);
  assert.is(plain.headers?.['Content-Type'], 'text/html; charset=utf-8');
  assert.is(plain.headers?.['Cache-Control'], 'no-cache');
  const zipped = await ask('/index.html', { 'accept-encoding': 'br, gzip;q=0.8' });
  assert.is(gunzipSync(zipped.content).toString(), page);
  assert.equal([zipped.headers?.['Content-Encoding'], zipped.headers?.Vary], ['gzip', 'Accept-Encoding']);
  assert.is.not(zipped.headers?.ETag, plain.headers?.ETag);
  const etag = String(plain.headers?.ETag);
  for (const known of [etag, `"other", W/${etag}`, '*']) {
    const same = await ask('/', { 'if-none-match': known });
    assert.equal([same.status, same.body, same.headers?.ETag], [304, undefined, etag], known);
  }
  assert.is((await ask('/', { 'if-none-match': '"other"' })).status, 200);
  for (const refused of ['gzip;q=0', 'gzip; q=0.000', 'identity', 'xgzip'])
    assert.is((await ask('/', { 'accept-encoding': refused })).headers?.['Content-Encoding'], undefined, refused);
});

test('files whose names carry their hash are kept for ever', async () => {
  const app = await ask('/a/app-ABCD1234.js', { 'accept-encoding': 'gzip' });
  assert.is(gunzipSync(app.content).toString(), script);
  assert.equal(
    [app.headers?.['Cache-Control'], app.headers?.ETag, app.headers?.['Content-Type']],
    ['public, max-age=31536000, immutable', undefined, 'text/javascript; charset=utf-8'],
  );
  const icon = await ask('/a/icon-1.png', { 'accept-encoding': 'gzip' });
  assert.equal([icon.headers?.['Content-Encoding'], icon.content.length], [undefined, 3]);
  assert.is((await ask('/manifest.webmanifest')).headers?.['Content-Type'], 'application/manifest+json; charset=utf-8');
});

test('nothing else can be had', async () => {
  const paths = [
    ...['/secret.key', '/../secret.key', '/a/../../secret.key', '/%2e%2e/secret.key', '/a/..%2f..%2fsecret.key'],
    ...[
      '/index.html/',
      '//index.html',
      '/./index.html',
      '/INDEX.HTML',
      '/index.html%00',
      '/a',
      '/a/',
      '/index.html.gz',
    ],
    ...['/notes.exe', '/constructor', '/__proto__', '', 'index.html', '/\\index.html', `/${'a/'.repeat(2000)}`],
  ];
  for (const path of paths) {
    const answer = await ask(path);
    assert.is(answer.status, 404, path);
    assert.match(answer.content.toString(), 'There is no such page');
  }
  assert.is((await ask('/link.txt')).status, 404);
  rmSync(join(folder, 'web/a/icon-1.png'));
  symlinkSync(join(folder, 'secret.key'), join(folder, 'web/a/icon-1.png'));
  const swapped = await ask('/a/icon-1.png');
  assert.is(swapped.status, 500);
  assert.not.match(swapped.content.toString(), 'canary');
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
    assert.equal(
      [(await ask('/', {}, method)).status, (await ask('/', {}, method)).headers?.Allow],
      [405, 'GET, HEAD'],
    );
});

test('without the pages, and with a page that is gone', async () => {
  await ask('/');
  rmSync(join(folder, 'web/manifest.webmanifest'));
  assert.is((await ask('/manifest.webmanifest')).status, 404);
  const none = staticFiles(join(folder, 'nowhere'), error => failures.push(error));
  assert.is((await none({ path: '/', method: 'GET', header: () => undefined } as unknown as HttpRequest)).status, 404);
  assert.equal(failures, []);
});

test.run();
