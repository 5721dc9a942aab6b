// Calls to one camera: signed in the way it wants, on its own clock, and never so often that it locks the account.
import type { Clock } from '../core/index.ts';
import { AddressBook, type AddressRules, type DeviceAddress, type Target } from './address.ts';
import { readDeviceTime } from './device-clock.ts';
import { chooseChallenge, type DigestChallenge, digestAuthorization, type Login, usernameToken } from './digest.ts';
import { expectAnswer, makeEnvelope, namespaceOf, type Prefix, readEnvelope } from './envelope.ts';
import { type HttpAnswer, HttpExchange } from './http-exchange.ts';
import { Lockout } from './lockout.ts';
import { OnvifError } from './problem.ts';
import { SoapLog } from './soap-log.ts';
import type { XmlElement } from './xml.ts';

export interface SoapClientOptions {
  device: DeviceAddress;
  /** Absent = nothing is ever signed. */
  login?: Login;
  rules: AddressRules;
  clock: Clock;
  checkCertificate: boolean;
  /** Sends the password as it is to a camera that knows nothing else. Only where its owner asked for it. */
  allowBasic: boolean;
}

export interface SoapCall {
  target: Target;
  /** The namespace of the operation. */
  prefix: Prefix;
  operation: string;
  /** What stands inside the operation's element. */
  inside?: string;
  /** More elements of the header. */
  header?: string;
  /** Where it differs from namespace/operation. */
  action?: string;
  timeoutMs?: number;
  /** Never signed. */
  isOpen?: boolean;
}

/** What the parts of this folder ask a camera through; tests put their own in its place. */
export interface SoapCaller {
  call(call: SoapCall, signal: AbortSignal): Promise<XmlElement>;
}

const TIMEOUT_MS = 10_000;
/** Devices take tokens that are up to 5 s old; beyond this the clock is asked anew. */
const OFFSET_TOLERANCE_MS = 2000;
const RESYNC_PAUSE_MS = 60_000;
/** Open, by token, by digest, with a fresh nonce, on a new offset: more is never needed. */
const MAX_ATTEMPTS = 5;
/** Reading costs a slow core some 100 ns a byte: a camera that never runs out of messages is asked for more at this pace. */
const PULLED_BYTES_PER_S = 128 * 1024;
/** Every user may ask for it. */
const PROOF = 'GetDeviceInformation';

interface UsedChallenge {
  challenge: DigestChallenge;
  /** How often its nonce was used. */
  count: number;
  wasAccepted: boolean;
}

type Verdict = 'try-again' | 'refused';

export class SoapClient implements SoapCaller {
  readonly addresses: AddressBook;
  readonly log: SoapLog;
  readonly #options: SoapClientOptions;
  readonly #http: HttpExchange;
  readonly #lockout: Lockout;
  #offsetMs: number | undefined;
  #resyncedMs = Number.NEGATIVE_INFINITY;
  #signsToken = false;
  #signsBasic = false;
  #challenge: UsedChallenge | undefined;
  /** Operations that were refused: their success proves a login. */
  readonly #guarded = new Set<string>();
  /** The login was right at least once. */
  #wasAccepted = false;
  /** Not before are messages pulled again. Monotonic. */
  #nextPullMs = 0;

  constructor(options: SoapClientOptions) {
    this.#options = options;
    this.addresses = new AddressBook(options.device);
    this.log = new SoapLog(options.login);
    this.#http = new HttpExchange(options);
    this.#lockout = new Lockout(options.clock);
  }

  /** What the camera's clock is ahead of ours; undefined before it was asked. */
  get offsetMs(): number | undefined {
    return this.#offsetMs;
  }

  close(): void {
    this.#http.close();
  }

  /** Asks the camera for its time, without login. Rejects when it cannot be reached; a time that cannot be read leaves the offset at 0. */
  async syncClock(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const startMs = clock.nowMs();
    this.#resyncedMs = clock.monotonicMs();
    const call: SoapCall = {
      target: this.addresses.deviceTarget,
      prefix: 'tds',
      operation: 'GetSystemDateAndTime',
      isOpen: true,
    };
    try {
      const timeMs = readDeviceTime(await this.call(call, signal));
      // The camera looked at its clock about half-way, and left the part of the second out: half of one on average.
      this.#offsetMs = timeMs === undefined ? 0 : Math.round(timeMs + 500 - (startMs + clock.nowMs()) / 2);
    } catch (error) {
      // Some ask for a login even here.
      if (!(error instanceof OnvifError && ['unauthorized', 'fault', 'bad-answer'].includes(error.problem)))
        throw error;
      this.#offsetMs ??= 0;
    }
  }

  /** The answer's element. Rejects with OnvifError, or with the signal's reason. */
  async call(call: SoapCall, signal: AbortSignal): Promise<XmlElement> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const isSigned = this.#isSigned(call);
      if (!call.isOpen && this.#lockout.waitMs > 0)
        throw new OnvifError('unauthorized', { retryAfterS: Math.ceil(this.#lockout.waitMs / 1000) });
      const used = this.#challenge;
      const answer = await this.#exchange(call, signal);
      const envelope = readEnvelope(answer.body);
      const codes = envelope && 'fault' in envelope ? envelope.fault.codes : [];
      if (answer.status !== 401 && !isLoginFault(codes)) {
        // What needs no login proves nothing.
        if (isSigned && this.#guarded.has(call.operation)) this.#accepted(used);
        if (envelope && 'answer' in envelope) return expectAnswer(envelope.answer, call.operation);
        throw envelope ? faultError(codes) : statusError(answer.status);
      }
      if (call.isOpen || !this.#options.login) throw new OnvifError('unauthorized', { codes });
      this.#guarded.add(call.operation);
      // Another call was answered with a new nonce in the meantime.
      if (used !== this.#challenge) continue;
      if ((await this.#escalate(answer, isSigned, signal)) === 'refused') {
        await this.#proveLogin(call, signal);
        throw this.#wasAccepted && call.operation !== PROOF ? new OnvifError('fault', { codes }) : this.#refused(codes);
      }
    }
    // The login was right each time; some cameras have one nonce for all who ask them, and each new one ends that of the others.
    if (this.#challenge?.challenge.stale) throw new OnvifError('server-error');
    throw this.#refused([]);
  }

  /** Cameras refuse users who lack a right in the same words as a wrong login. Rejects when it is the login. */
  async #proveLogin(call: SoapCall, signal: AbortSignal): Promise<void> {
    if (!this.#wasAccepted || call.operation === PROOF) return;
    this.#challenge = undefined;
    await this.call({ target: this.addresses.deviceTarget, prefix: 'tds', operation: PROOF }, signal);
  }

  #accepted(used: UsedChallenge | undefined): void {
    this.#wasAccepted = true;
    if (used) used.wasAccepted = true;
    this.#lockout.accepted();
  }

  /** A login that was right a moment ago is tried again when the clock may be asked again: the camera has restarted. */
  #refused(codes: readonly string[]): OnvifError {
    // Its nonce will be too old by then.
    this.#challenge = undefined;
    const resyncInMs = this.#resyncedMs + RESYNC_PAUSE_MS - this.#options.clock.monotonicMs();
    if (this.#wasAccepted && this.#signsToken && resyncInMs > 0) this.#lockout.pause(resyncInMs);
    else this.#lockout.refused();
    return new OnvifError('unauthorized', { codes, retryAfterS: Math.ceil(this.#lockout.waitMs / 1000) });
  }

  #isSigned(call: SoapCall): boolean {
    return !call.isOpen && (this.#signsToken || this.#signsBasic || this.#challenge !== undefined);
  }

  /** How the next attempt is signed, or that the login is wrong. */
  async #escalate(answer: HttpAnswer, wasSigned: boolean, signal: AbortSignal): Promise<Verdict> {
    const challenge = answer.status === 401 ? chooseChallenge(answer.challenges) : undefined;
    if (challenge) {
      // A nonce that was good runs out, often without a word.
      if (this.#challenge && !challenge.stale && !this.#challenge.wasAccepted) return 'refused';
      this.#challenge = { challenge, count: 0, wasAccepted: false };
      this.#signsToken = false;
      return 'try-again';
    }
    const isBasic = answer.status === 401 && answer.challenges.some(line => /^\s*basic\b/i.test(line));
    if (isBasic && this.#options.allowBasic) {
      if (wasSigned) return 'refused';
      this.#signsBasic = true;
      return 'try-again';
    }
    if (!this.#signsToken) {
      // Also beside a digest that was taken: some want both.
      this.#signsToken = true;
      if (this.#offsetMs === undefined) await this.syncClock(signal);
      return 'try-again';
    }
    return (await this.#clockWasWrong(signal)) ? 'try-again' : 'refused';
  }

  /** A camera that has restarted may be in 1970. Asked at most once a minute. */
  async #clockWasWrong(signal: AbortSignal): Promise<boolean> {
    if (this.#options.clock.monotonicMs() - this.#resyncedMs < RESYNC_PAUSE_MS) return false;
    const before = this.#offsetMs ?? 0;
    await this.syncClock(signal);
    return Math.abs((this.#offsetMs ?? 0) - before) > OFFSET_TOLERANCE_MS;
  }

  async #exchange(call: SoapCall, signal: AbortSignal): Promise<HttpAnswer> {
    const { prefix, operation, inside = '', header = '', target, timeoutMs = TIMEOUT_MS } = call;
    const { clock } = this.#options;
    const isPull = operation === 'PullMessages';
    const restMs = isPull ? this.#nextPullMs - clock.monotonicMs() : 0;
    if (restMs > 0) await clock.sleep(restMs, signal);
    const action = call.action ?? `${namespaceOf(prefix)}/${operation}`;
    const body = `<${prefix}:${operation}>${inside}</${prefix}:${operation}>`;
    const envelope = makeEnvelope(body, `${this.#token(call)}${header}`);
    const entry = (direction: 'request' | 'answer' | 'failure') => ({ timeMs: clock.nowMs(), direction, operation });
    this.log.add(entry('request'), `POST ${target.path}\n${header}${body}`);
    try {
      const answer = await this.#http.post({
        target,
        headers: {
          'Content-Type': `application/soap+xml; charset=utf-8; action="${action}"`,
          ...this.#authorization(call),
        },
        body: Buffer.from(envelope),
        timeoutMs,
        signal,
      });
      if (isPull) this.#nextPullMs = clock.monotonicMs() + (answer.body.length / PULLED_BYTES_PER_S) * 1000;
      if (this.log.isOn) this.log.add({ ...entry('answer'), status: answer.status }, answer.body.toString());
      return answer;
    } catch (error) {
      this.log.add(entry('failure'), error instanceof OnvifError ? error.problem : 'given up');
      throw error;
    }
  }

  #token({ isOpen }: SoapCall): string {
    const { login, clock } = this.#options;
    if (isOpen || !this.#signsToken || !login) return '';
    return usernameToken(login, clock.nowMs() + (this.#offsetMs ?? 0));
  }

  #authorization({ isOpen, target }: SoapCall): Record<string, string> {
    const { login } = this.#options;
    if (isOpen || !login) return {};
    if (this.#signsBasic) {
      const pair = Buffer.from(`${login.username}:${login.password}`).toString('base64');
      return { Authorization: `Basic ${pair}` };
    }
    if (!this.#challenge) return {};
    this.#challenge.count += 1;
    const { challenge, count } = this.#challenge;
    return { Authorization: digestAuthorization(challenge, login, { method: 'POST', uri: target.path, count }) };
  }
}

/** FailedAuthentication is WS-Security's word, NotAuthorized the one of ONVIF. */
function isLoginFault(codes: readonly string[]): boolean {
  return codes.some(code => /^(NotAuthorized|FailedAuthentication|InvalidSecurityToken|InvalidSecurity)$/i.test(code));
}

const UNSUPPORTED = /^(ActionNotSupported|OptionalActionNotImplemented|NotSupported|PTZNotSupported)$/i;

function faultError(codes: readonly string[]): OnvifError {
  return new OnvifError(codes.some(code => UNSUPPORTED.test(code)) ? 'unsupported' : 'fault', { codes });
}

function statusError(status: number): OnvifError {
  if (status >= 500) return new OnvifError('server-error');
  return new OnvifError(status >= 200 && status < 300 ? 'bad-answer' : 'not-onvif');
}
