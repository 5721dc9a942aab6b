// Whether go2rtc is started so that browsers can be served, and why not: whatever is wrong there costs nobody else anything.
import { networkInterfaces } from 'node:os';
import type { Clock } from '../core/index.ts';
import { portFault } from './ports.ts';
import type { Go2rtcSettings, Words } from './state.ts';
import { freeWords, NO_WEBRTC, portWords } from './words.ts';

type Webrtc = Go2rtcSettings['webrtc'];

export interface BrowserPortParts {
  clock: Pick<Clock, 'monotonicMs'>;
  settings: () => Webrtc;
  /** Why browsers cannot be served there; undefined = they can. */
  fault: (webrtc: Webrtc) => Promise<Words | undefined>;
}

/** After a start in which it did not listen for them. */
const AGAIN_MS = 10 * 60_000;

export class BrowserPort {
  readonly #parts: BrowserPortParts;
  #fault: Words | undefined;
  #fromMs = 0;
  /** Of the machine, at the last start. */
  #addresses = '';

  constructor(parts: BrowserPortParts) {
    this.#parts = parts;
  }

  /** Why they are not served; undefined when they are, or nobody wants it. */
  get fault(): Words | undefined {
    return this.#fault;
  }

  /** For the start that is about to be; undefined = without. */
  async choose(): Promise<Webrtc | undefined> {
    const webrtc = this.#parts.settings();
    this.#addresses = machineAddresses();
    if (webrtc.port === 0) this.#fault = undefined;
    else if (this.#mayBeTried) this.#fault = await this.#parts.fault(webrtc);
    return webrtc.port === 0 || this.#fault ? undefined : webrtc;
  }

  /** It did not listen although nothing was known to be wrong. */
  failed(): void {
    this.#fault = NO_WEBRTC;
    this.#fromMs = this.#parts.clock.monotonicMs() + AGAIN_MS;
  }

  /** Something has changed that may have been in the way. */
  forgive(): void {
    this.#fromMs = 0;
  }

  /** What a new start would mend; undefined = nothing. `served`: they are by the process that runs. */
  async mendable(served: boolean): Promise<string | undefined> {
    const webrtc = this.#parts.settings();
    if (webrtc.port === 0) return undefined;
    // It listens for UDP on each address by itself, on those that are there when it starts.
    if (served) return machineAddresses() === this.#addresses ? undefined : 'this machine has other addresses';
    if (!this.#mayBeTried) return undefined;
    const fault = await this.#parts.fault(webrtc);
    this.#fault = fault ?? freeWords(webrtc.port);
    if (fault) return undefined;
    return 'browsers can be served now';
  }

  get #mayBeTried(): boolean {
    return this.#parts.clock.monotonicMs() >= this.#fromMs;
  }
}

/** What is wrong with the port and the addresses of a machine. */
export async function browserPortFault({ port, addresses }: Webrtc): Promise<Words | undefined> {
  if (addresses.length === 0 && machineAddresses() === '') return NO_WEBRTC;
  const code = await portFault(port, addresses);
  if (code === undefined) return undefined;
  return code === 'EADDRINUSE' || code === 'EACCES' ? portWords(port) : NO_WEBRTC;
}

/** A text that changes with them. */
function machineAddresses(): string {
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? []);
  const own = all.filter(({ family, internal }) => family === 'IPv4' && !internal);
  return own
    .map(({ address }) => address)
    .sort()
    .join(' ');
}
