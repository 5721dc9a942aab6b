// One HTTP request to a camera: bounded in time and bytes, to its own host only, redirects and compressed answers refused.
import { type LookupAddress, lookup } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { addressKind, type Clock } from '../core/index.ts';
import { type AddressRules, type DeviceAddress, mayGoTo, type Target } from './address.ts';
import { OnvifError, type OnvifProblem } from './problem.ts';
import { MAX_XML_BYTES } from './xml.ts';

export interface HttpOptions {
  device: DeviceAddress;
  rules: AddressRules;
  clock: Clock;
  /** False takes any certificate: nearly all cameras have made their own. */
  checkCertificate: boolean;
}

export interface HttpAnswer {
  status: number;
  /** All WWW-Authenticate lines. */
  challenges: string[];
  body: Buffer;
}

export interface HttpRequest {
  target: Target;
  headers: Record<string, string>;
  body: Buffer;
  timeoutMs: number;
  signal: AbortSignal;
}

const MAX_HEAD_BYTES = 16 * 1024;
const CONNECT_MS = 5000;

/** Holds the connections to one camera. */
export class HttpExchange {
  readonly #options: HttpOptions;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(options: HttpOptions) {
    this.#options = options;
    const { device, checkCertificate } = options;
    const kept = { keepAlive: true, maxSockets: 4, maxFreeSockets: 1 };
    this.#agent = device.tls ? new HttpsAgent({ ...kept, rejectUnauthorized: checkCertificate }) : new HttpAgent(kept);
  }

  /** Whatever is under way fails. */
  close(): void {
    this.#agent.destroy();
  }

  /** Rejects with OnvifError, or with the signal's reason. */
  async post(request: HttpRequest): Promise<HttpAnswer> {
    request.signal.throwIfAborted();
    const { device, rules } = this.#options;
    if (addressKind(device.host) !== undefined && !mayGoTo(device.host, request.target.port, rules))
      throw new OnvifError('address-forbidden');
    try {
      return await this.#once(request);
    } catch (error) {
      // The camera had closed a connection that was kept open; nothing of the request was read.
      if (error instanceof KeptTooLong) return await this.#once(request);
      throw error;
    }
  }

  #once({ target, headers, body, timeoutMs, signal }: HttpRequest): Promise<HttpAnswer> {
    const { device, clock } = this.#options;
    return new Promise((resolve, reject) => {
      let isDone = false;
      const request = (device.tls ? httpsRequest : httpRequest)({
        method: 'POST',
        agent: this.#agent,
        host: device.host,
        port: target.port,
        path: target.path,
        headers: { ...headers, 'Content-Length': String(body.length) },
        maxHeaderSize: MAX_HEAD_BYTES,
        lookup: (hostname, options, callback) => {
          this.#resolve(hostname, target.port).then(
            found => {
              const [first] = found;
              if (options.all === true || first === undefined) callback(null, found);
              else callback(null, first.address, first.family);
            },
            error => callback(error, []),
          );
        },
      });
      const end = (error: unknown, answer?: HttpAnswer) => {
        if (isDone) return;
        isDone = true;
        cancelConnect();
        cancelTotal();
        signal.removeEventListener('abort', onAbort);
        if (answer) return resolve(answer);
        request.destroy();
        reject(error);
      };
      const onAbort = () => end(signal.reason);
      const cancelConnect = clock.after(CONNECT_MS, () => end(new OnvifError('timeout')));
      const cancelTotal = clock.after(timeoutMs, () => end(new OnvifError('timeout')));
      signal.addEventListener('abort', onAbort, { once: true });
      request.on('socket', socket => {
        if (socket.connecting) socket.once(device.tls ? 'secureConnect' : 'connect', cancelConnect);
        else cancelConnect();
      });
      request.on('response', response => {
        cancelConnect();
        collect(response).then(
          answer => end(undefined, answer),
          error => end(error),
        );
      });
      request.on('error', error => end(explain(error, request.reusedSocket)));
      request.end(body);
    });
  }

  /** The addresses of a name that may be gone to. */
  async #resolve(hostname: string, port: number): Promise<LookupAddress[]> {
    const found = await new Promise<LookupAddress[]>((resolve, reject) => {
      lookup(hostname, { all: true }, (error, all) => (error ? reject(error) : resolve(all)));
    });
    const allowed = found.filter(({ address }) => mayGoTo(address, port, this.#options.rules));
    if (allowed.length === 0) throw new OnvifError(found.length > 0 ? 'address-forbidden' : 'unknown-host');
    return allowed;
  }
}

async function collect(response: IncomingMessage): Promise<HttpAnswer> {
  const status = response.statusCode ?? 0;
  const coding = response.headers['content-encoding'];
  const refuse = (problem: OnvifProblem) => {
    response.destroy();
    return new OnvifError(problem);
  };
  if (status >= 300 && status < 400) throw refuse('not-onvif');
  if (coding !== undefined && coding.toLowerCase() !== 'identity') throw refuse('bad-answer');
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > MAX_XML_BYTES) throw refuse('bad-answer');
      pieces.push(piece);
    }
  } catch (error) {
    throw error instanceof OnvifError ? error : explain(error as Error, false);
  }
  return { status, challenges: linesOf(response.rawHeaders, 'www-authenticate'), body: Buffer.concat(pieces) };
}

function linesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

class KeptTooLong extends Error {}

const BY_CODE: Readonly<Record<string, OnvifProblem>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ETIMEDOUT: 'timeout',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  ECONNABORTED: 'closed',
  HPE_HEADER_OVERFLOW: 'bad-answer',
  EPROTO: 'not-onvif',
};

function explain(error: Error, wasKept: boolean): Error {
  if (error instanceof OnvifError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (wasKept && (code === 'ECONNRESET' || code === 'EPIPE')) return new KeptTooLong();
  if (code.startsWith('HPE_')) return new OnvifError(BY_CODE[code] ?? 'not-onvif', { cause: error });
  if (/CERT|SELF_SIGNED|ERR_TLS/.test(code)) return new OnvifError('certificate', { cause: error });
  return new OnvifError(BY_CODE[code] ?? 'closed', { cause: error });
}
