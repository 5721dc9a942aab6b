// The web pages: everything outside /api. What may be asked for is listed once at the start; no part of a request becomes a path.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorReply } from './error-reply.ts';
import { fileSource, openFile } from './file-source.ts';
import { jsonReply } from './json-reply.ts';
import type { HttpHandler, HttpReply, HttpRequest } from './server.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** In this folder names carry the hash of their content. */
const HASHED = '/a/';
const NOT_FOUND =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>Thimble</title><h1>There is no such page</h1></html>\n';

interface StaticFile {
  path: string;
  type: string;
  /** Of what is under a name that stays the same; without quotes. */
  tag?: string;
  hasTwin: boolean;
}

/** Beside the bundle in a build, in dist/web of a checkout. Absolute. */
export function webFolder(): string {
  const beside = fileURLToPath(new URL('./web', import.meta.url));
  return existsSync(join(beside, 'index.html')) ? beside : fileURLToPath(new URL('../../dist/web', import.meta.url));
}

/** Answers GET and HEAD with the files of `folder`, read as they are sent. Without the folder every page is missing. */
export function staticFiles(folder: string, onFailure: (error: unknown) => void): HttpHandler {
  const listed = list(folder);
  // Whoever asks is told of it below.
  listed.catch(() => undefined);
  return async request => {
    try {
      if (request.method !== 'GET') return wrongMethod();
      const file = (await listed).get(request.path === '/' ? '/index.html' : request.path);
      return file ? await answer(file, request) : notFound();
    } catch (error) {
      return errorReply(error, onFailure);
    }
  };
}

async function list(folder: string): Promise<Map<string, StaticFile>> {
  const files = new Map<string, StaticFile>();
  if (!existsSync(folder)) return files;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.path, entry.name));
  const known = new Set(paths);
  for (const path of paths) {
    const type = TYPES[extname(path)];
    if (type === undefined) continue;
    const name = `/${relative(folder, path).split(sep).join('/')}`;
    const tag = name.startsWith(HASHED) ? undefined : hash(await readFile(path));
    files.set(name, { path, type, hasTwin: known.has(`${path}.gz`), ...(tag !== undefined && { tag }) });
  }
  return files;
}

async function answer({ path, type, tag, hasTwin }: StaticFile, request: HttpRequest): Promise<HttpReply> {
  const zipped = hasTwin && takesGzip(request.header('accept-encoding'));
  const etag = tag && `"${tag}${zipped ? '-gz' : ''}"`;
  const headers: Record<string, string> = {
    'Content-Type': type,
    'Cache-Control': etag ? 'no-cache' : 'public, max-age=31536000, immutable',
    ...(etag && { ETag: etag }),
    ...(hasTwin && { Vary: 'Accept-Encoding' }),
    ...(zipped && { 'Content-Encoding': 'gzip' }),
  };
  if (etag && matches(request.header('if-none-match'), etag)) return { status: 304, headers };
  const { file, sizeBytes } = await openFile(zipped ? `${path}.gz` : path, 'page');
  return { status: 200, headers, body: fileSource(file, { start: 0, end: sizeBytes - 1 }), yields: true };
}

function matches(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some(one => one.trim().replace(/^W\//, '') === etag || one.trim() === '*');
}

/** RFC 9110 section 12.5.3; `gzip;q=0` says no. */
function takesGzip(header: string | undefined): boolean {
  return (header ?? '').split(',').some(part => {
    const [coding, ...parameters] = part.split(';').map(one => one.trim().toLowerCase());
    return (coding === 'gzip' || coding === 'x-gzip') && !parameters.some(one => /^q=0(\.0*)?$/.test(one));
  });
}

function notFound(): HttpReply {
  return { status: 404, headers: { 'Content-Type': TYPES['.html'] as string }, body: Buffer.from(NOT_FOUND) };
}

function wrongMethod(): HttpReply {
  const error = { kind: 'invalid-argument', message: 'pages can only be read', cure: 'Use GET, HEAD.' };
  return jsonReply(405, { error }, { Allow: 'GET, HEAD' });
}

function hash(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 20);
}
