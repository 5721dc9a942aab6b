// Gets one file over HTTPS from hosts that are named beforehand: redirects, time, size and what is kept of an earlier attempt are bounded.
import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { NvrError } from '../core/index.ts';

export interface DownloadOptions {
  url: string;
  /** The only hosts, with their ports where those are not 443, that are asked or redirected to. */
  hosts: readonly string[];
  /** Certificates of authorities, PEM; absent = those of Node.js. */
  ca?: string;
  userAgent: string;
  maxBytes: number;
  signal: AbortSignal;
}

interface Answer {
  response: IncomingMessage;
  url: URL;
}

const MAX_REDIRECTS = 5;
/** Without a byte. */
const SILENT_MS = 30_000;
const MAX_JSON_BYTES = 1024 * 1024;

/**
 * Appends to `file`, which holds the first `haveBytes` of it, or writes it anew when the server begins at the start. Resolves with its
 * length when all that was announced is there. Rejects with `unavailable` (the rest may be asked for later) or `failed-precondition`.
 */
export async function downloadTo(
  file: FileHandle,
  haveBytes: number,
  options: DownloadOptions,
  onProgress: (receivedBytes: number, sizeBytes: number | undefined) => void,
): Promise<number> {
  const range = haveBytes > 0 ? { Range: `bytes=${haveBytes}-` } : {};
  const { response, url } = await get(options, range);
  try {
    if (response.statusCode === 416 && haveBytes > 0) {
      // What is there is not a part of what the server has now.
      await file.truncate(0);
      throw interrupted(url, 'what is there does not fit');
    }
    const isRest = response.statusCode === 206;
    if (!isRest && response.statusCode !== 200) throw refusal(url, response.statusCode ?? 0);
    const { fromBytes, sizeBytes } = isRest ? partOf(response, haveBytes, url) : wholeOf(response);
    if ((sizeBytes ?? 0) > options.maxBytes) throw tooLarge(url);
    if (fromBytes === 0) await file.truncate(0);
    let received = fromBytes;
    onProgress(received, sizeBytes);
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (received + chunk.length > options.maxBytes) throw tooLarge(url);
      await writeAll(file, chunk, received);
      received += chunk.length;
      onProgress(received, sizeBytes);
    }
    if (!response.complete || (sizeBytes !== undefined && received < sizeBytes)) {
      throw interrupted(url, `${received} of ${sizeBytes ?? 'its'} bytes came`);
    }
    return received;
  } catch (error) {
    throw inWords(error, url);
  } finally {
    response.destroy();
  }
}

/** The JSON at `options.url`. Rejects as `downloadTo`. */
export async function downloadJson(options: Omit<DownloadOptions, 'maxBytes'>): Promise<unknown> {
  const { response, url } = await get({ ...options, maxBytes: MAX_JSON_BYTES }, { Accept: 'application/json' });
  try {
    if (response.statusCode !== 200) throw refusal(url, response.statusCode ?? 0);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_JSON_BYTES) throw tooLarge(url);
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw interrupted(url, 'its answer cannot be read');
    throw inWords(error, url);
  } finally {
    response.destroy();
  }
}

/** The first answer that is no redirect. */
async function get(options: DownloadOptions, headers: Record<string, string>): Promise<Answer> {
  let url = allowed(options.url, options);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await ask(url, options, headers);
    const { statusCode = 0, headers: answered } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode)) return { response, url };
    response.destroy();
    url = allowed(answered.location ?? '', options, url);
  }
  throw new NvrError('failed-precondition', `${url.host} redirects without end`, { cure: 'Try again later.' });
}

/** Throws unless it is HTTPS to one of the hosts: a redirect elsewhere is no reason to go there. */
function allowed(text: string, { hosts }: DownloadOptions, from?: URL): URL {
  let url: URL | undefined;
  try {
    url = new URL(text, from);
  } catch {
    url = undefined;
  }
  if (url?.protocol === 'https:' && hosts.includes(url.host) && url.username === '' && url.password === '') return url;
  throw new NvrError('failed-precondition', `${from?.host ?? 'the release service'} sends us to another place`, {
    cure: 'See whether a proxy or a log-in page stands between this board and the internet.',
  });
}

function ask(url: URL, options: DownloadOptions, headers: Record<string, string>): Promise<IncomingMessage> {
  const { ca, userAgent, signal } = options;
  const how: RequestOptions = {
    ...{ method: 'GET', agent: false, signal, timeout: SILENT_MS },
    headers: { 'User-Agent': userAgent, ...headers },
    ...(ca === undefined ? {} : { ca }),
  };
  return new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request(url, how, resolve);
    // Also while the answer is read: the time-out is that of the socket.
    asked.on('timeout', () => asked.destroy(Object.assign(new Error('no byte came'), { code: 'ETIMEDOUT' })));
    asked.on('error', error => reject(inWords(error, url)));
    asked.end();
  });
}

function wholeOf({ headers }: IncomingMessage): { fromBytes: number; sizeBytes: number | undefined } {
  const length = Number(headers['content-length']);
  return { fromBytes: 0, sizeBytes: headers['content-length'] !== undefined && length >= 0 ? length : undefined };
}

function partOf({ headers }: IncomingMessage, haveBytes: number, url: URL): { fromBytes: number; sizeBytes: number } {
  const [, from, size] = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15})$/.exec(headers['content-range'] ?? '') ?? [];
  if (size === undefined || Number(from) !== haveBytes) throw interrupted(url, 'it sends another part than asked for');
  return { fromBytes: haveBytes, sizeBytes: Number(size) };
}

async function writeAll(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written, position + written);
    written += bytesWritten;
  }
}

function refusal(url: URL, status: number): NvrError {
  if (status === 404 || status === 410) {
    return new NvrError('failed-precondition', `${url.host} does not have the file any more (HTTP ${status})`, {
      cure: 'Look for a newer version of this service, or install go2rtc by hand.',
    });
  }
  return new NvrError('unavailable', `${url.host} answers with HTTP ${status}`, { cure: 'Try again later.' });
}

function tooLarge(url: URL): NvrError {
  return new NvrError('failed-precondition', `what ${url.host} sends is larger than go2rtc is`, {
    cure: 'See whether a proxy or a log-in page stands between this board and the internet.',
  });
}

function interrupted(url: URL, why: string): NvrError {
  return new NvrError('unavailable', `the download from ${url.host} ended early: ${why}`, {
    cure: 'Try again: it goes on where it ended.',
  });
}

const OFFLINE = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'EAI_FAIL',
]);
const TOO_EARLY_OR_LATE = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']);

function inWords(error: unknown, url: URL): unknown {
  if (error instanceof NvrError || (error instanceof Error && error.name === 'AbortError')) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (OFFLINE.has(code)) {
    return new NvrError('unavailable', `${url.host} cannot be reached (${code})`, {
      cure: 'Connect this board to the internet for the download, or bring the file here by another way: see --from.',
      cause: error,
    });
  }
  if (TOO_EARLY_OR_LATE.has(code)) {
    return new NvrError('unavailable', `the certificate of ${url.host} is not valid at the time of this board`, {
      cure: 'Set the clock of the board.',
      cause: error,
    });
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code)) {
    return new NvrError('unavailable', `the certificate of ${url.host} is not to be trusted (${code})`, {
      cure: 'See whether a proxy stands between this board and the internet.',
      cause: error,
    });
  }
  if (['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'].includes(code)) return error;
  return interrupted(url, code || message);
}
