// One HTTP request of a webhook: bounded in time, follows no redirect, and goes to no address that the rules forbid, whatever its name
// is made to lead to in the meantime.
import { createHmac } from 'node:crypto';
import { type LookupAddress, lookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIPv6, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { addressKind, type Clock, NvrError } from '../core/index.ts';

export interface WebhookMessage {
  url: URL;
  body: Buffer;
  /** Without one it is not signed. */
  secret?: string | undefined;
  /** The same for each try. */
  delivery: string;
}

export type Lookup = (hostname: string) => Promise<LookupAddress[]>;

export interface WebhookSenderOptions {
  allowLoopback: boolean;
  /** Ports that the service itself listens on. */
  ownPorts: () => readonly number[];
  userAgent: string;
  clock: Clock;
  /** Default: the system's. */
  lookup?: Lookup;
}

const CONNECT_MS = 5000;
const TOTAL_MS = 10_000;
/** Its head says all that is asked of an answer. */
const MAX_ANSWER_HEAD_BYTES = 16 * 1024;

export class WebhookSender {
  readonly #options: WebhookSenderOptions;
  /** One name at a time: getaddrinfo takes one of the four threads that the index commits on as well, for as long as the resolver likes. */
  #resolving: Promise<unknown> = Promise.resolve();

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
  }

  /**
   * The status of the answer. Rejects with `permission-denied` for an address that is forbidden, `unavailable` for everything else that
   * goes wrong on the way; with the signal's reason when it is aborted.
   */
  async send(message: WebhookMessage, signal: AbortSignal): Promise<number> {
    const { url } = message;
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const host = url.hostname.replace(/^\[|\]$/g, '');
    // Addresses in digits are not looked up.
    if (addressKind(host) !== undefined && !this.#isAllowed(host, port)) throw forbidden();
    signal.throwIfAborted();
    return this.#exchange(message, port, signal);
  }

  #exchange(message: WebhookMessage, port: number, signal: AbortSignal): Promise<number> {
    const { clock } = this.#options;
    const { url, body } = message;
    return new Promise((resolve, reject) => {
      let isDone = false;
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent: false,
        headers: this.#headers(message),
        maxHeaderSize: MAX_ANSWER_HEAD_BYTES,
        lookup: (hostname, options, callback) => {
          this.#resolve(hostname, port, () => !isDone).then(
            found => {
              const [first] = found;
              if (options.all === true || first === undefined) callback(null, found);
              else callback(null, first.address, first.family);
            },
            error => callback(error, []),
          );
        },
      });
      const end = (error: unknown, status?: number) => {
        if (isDone) return;
        isDone = true;
        cancelConnect();
        cancelTotal();
        signal.removeEventListener('abort', onAbort);
        request.destroy();
        if (status === undefined) reject(error);
        else resolve(status);
      };
      const onAbort = () => end(signal.reason);
      const cancelConnect = clock.after(CONNECT_MS, () => end(failed('there is no connection within 5 s')));
      const cancelTotal = clock.after(TOTAL_MS, () => end(failed('there is no answer within 10 s')));
      signal.addEventListener('abort', onAbort, { once: true });
      request.on('socket', (socket: Socket) => {
        socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', cancelConnect);
      });
      request.on('response', response => end(undefined, response.statusCode ?? 0));
      request.on('error', error => end(error instanceof NvrError ? error : failed(reasonOf(error))));
      request.end(body);
    });
  }

  #headers({ body, secret, delivery }: WebhookMessage): Record<string, string | number> {
    const timestamp = String(this.#options.clock.nowMs());
    return {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      'User-Agent': this.#options.userAgent,
      Connection: 'close',
      'X-Thimble-Delivery': delivery,
      'X-Thimble-Timestamp': timestamp,
      ...(secret === undefined ? {} : { 'X-Thimble-Signature': signatureOf(secret, timestamp, body) }),
    };
  }

  /** The addresses of a name that may be gone to. */
  async #resolve(hostname: string, port: number, isWanted: () => boolean): Promise<LookupAddress[]> {
    const turn = this.#resolving.then(() => (isWanted() ? (this.#options.lookup ?? systemLookup)(hostname) : []));
    this.#resolving = turn.catch(() => undefined);
    const found = await turn;
    const allowed = found.filter(({ address }) => this.#isAllowed(address, port));
    if (allowed.length === 0) throw found.length > 0 ? forbidden() : failed('the name has no address');
    return allowed;
  }

  #isAllowed(address: string, port: number): boolean {
    const { allowLoopback, ownPorts } = this.#options;
    const kind = addressKind(address);
    if (kind === undefined || kind === 'other' || (kind === 'loopback' && !allowLoopback)) return false;
    return !ownPorts().includes(port) || (kind !== 'loopback' && !isOwn(address));
  }
}

/** `sha256=` and the HMAC of `<timestamp>.<body>`, in hex. */
export function signatureOf(secret: string, timestamp: string, body: Buffer): string {
  return `sha256=${createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')}`;
}

/** However it is written: IPv4 inside IPv6 too. */
function isOwn(address: string): boolean {
  const own = new BlockList();
  for (const one of Object.values(networkInterfaces()).flatMap(list => list ?? [])) {
    own.addAddress(one.address, one.family === 'IPv4' ? 'ipv4' : 'ipv6');
  }
  const [digits = ''] = address.split('%', 1);
  return own.check(digits, isIPv6(digits) ? 'ipv6' : 'ipv4');
}

function systemLookup(hostname: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });
}

function reasonOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error.message : code;
}

function failed(what: string): NvrError {
  return new NvrError('unavailable', what);
}

function forbidden(): NvrError {
  return new NvrError('permission-denied', 'its address is one of this machine, or link-local');
}
