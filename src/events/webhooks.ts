// Tells others of events over HTTP: a queue bounded in bytes, retries, one message at a time and webhook.
import { randomUUID } from 'node:crypto';
import type { Cameras } from '../cameras/index.ts';
import {
  background,
  type CameraEventSummary,
  type CameraId,
  type Clock,
  type EventBus,
  isAbort,
  type Logger,
  NvrError,
} from '../core/index.ts';
import type { Store } from '../storage/index.ts';
import { eventFacts } from './event-view.ts';
import type { WebhookSender } from './webhook-sender.ts';
import {
  checkWebhookUrl,
  type Webhook,
  type WebhookOccasion,
  type WebhookSettings,
  type WebhooksPatch,
} from './webhook-settings.ts';

export interface WebhooksOptions {
  settings: WebhookSettings;
  sender: Pick<WebhookSender, 'send'>;
  events: Pick<Store['events'], 'get'>;
  cameras: Pick<Cameras, 'get'>;
  storeUuid: string;
  allowLoopback: boolean;
  bus: EventBus;
  clock: Clock;
  log: Logger;
}

/** What became of messages in this run. */
export interface WebhookFigures {
  queued: number;
  queuedBytes: number;
  sent: number;
  /** Given up after the last try. */
  failed: number;
  /** The oldest, for want of room. */
  dropped: number;
}

export interface WebhookTestResult {
  ok: boolean;
  /** Of the answer, when there was one. */
  status?: number;
  message?: string;
  tookMs: number;
}

interface Message {
  webhook: string;
  body: Buffer;
  delivery: string;
  tries: number;
  /** Monotonic. */
  dueMs: number;
  isUnderWay: boolean;
}

const RETRY_MS = [1000, 5000, 25_000, 120_000];
const MAX_QUEUE_BYTES = 256 * 1024;
/** What is under way when the service stops gets so long. */
const STOP_MS = 1000;

export class Webhooks {
  readonly #options: WebhooksOptions;
  /** Oldest first; those under way are in it. */
  #queue: Message[] = [];
  #queuedBytes = 0;
  /** Events that go on, and who was told that they began: who waits for a label may be told later. */
  readonly #begun = new Map<string, Set<string>>();
  /** Webhooks with a message under way. */
  readonly #busy = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  #cancelTimer: (() => void) | undefined;
  #unsubscribe: (() => void)[] = [];
  #isStopping = false;
  #isTesting = false;
  #sent = 0;
  #failed = 0;
  #dropped = 0;

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus } = this.#options;
    this.#unsubscribe = [
      bus.on('event.opened', event => {
        const told = new Set<string>();
        this.#begun.set(event.id, told);
        this.#tell('opened', event, told);
      }),
      bus.on('event.updated', event => {
        const told = this.#begun.get(event.id);
        if (told) this.#tell('opened', event, told, true);
      }),
      bus.on('event.closed', event => {
        this.#begun.delete(event.id);
        this.#tell('closed', event);
      }),
      bus.on('event.removed', ({ id }) => this.#begun.delete(id)),
    ];
  }

  /** Gives what is due a second. What waits for another try is lost. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#cancelTimer?.();
    const deadline = new AbortController();
    const expired = this.#options.clock.sleep(STOP_MS, deadline.signal).catch(() => undefined);
    await Promise.race([this.#drained(), expired]);
    deadline.abort();
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#abort.abort();
    await Promise.all(this.#busy.values());
  }

  list(): Webhook[] {
    return this.#options.settings.list();
  }

  /** As `WebhookSettings.check`. */
  check(patch: WebhooksPatch): void {
    this.#options.settings.check(patch);
  }

  /** As `WebhookSettings.update`. */
  async update(patch: WebhooksPatch): Promise<Webhook[]> {
    const webhooks = await this.#options.settings.update(patch);
    this.#pump();
    return webhooks;
  }

  /** Sends a message of the type `test`, once. Rejects with `invalid-argument` for the URL, `resource-exhausted` while another test runs. */
  async test(url: string, secret: string | undefined): Promise<WebhookTestResult> {
    const { sender, clock, storeUuid, allowLoopback } = this.#options;
    const target = checkWebhookUrl(url, 'url', allowLoopback);
    if (this.#isTesting) {
      throw new NvrError('resource-exhausted', 'another test is under way', { retryAfterS: 10, cure: 'Wait for it.' });
    }
    this.#isTesting = true;
    const fromMs = clock.monotonicMs();
    const tookMs = () => Math.round(clock.monotonicMs() - fromMs);
    try {
      const body = Buffer.from(JSON.stringify({ type: 'test', store: storeUuid }));
      const status = await sender.send({ url: target, body, secret, delivery: randomUUID() }, this.#abort.signal);
      const ok = isSuccess(status);
      return { ok, status, ...(ok ? {} : { message: wordsOf(status) }), tookMs: tookMs() };
    } catch (error) {
      if (!(error instanceof NvrError))
        throw isAbort(error) ? new NvrError('unavailable', 'the service is stopping') : error;
      return { ok: false, message: error.message, tookMs: tookMs() };
    } finally {
      this.#isTesting = false;
    }
  }

  figures(): WebhookFigures {
    const counts = { sent: this.#sent, failed: this.#failed, dropped: this.#dropped };
    return { queued: this.#queue.length, queuedBytes: this.#queuedBytes, ...counts };
  }

  /** `told`: whom not to tell again; `byLabel`: only those that wait for a label. */
  #tell(
    occasion: WebhookOccasion,
    { id, camera, labels }: CameraEventSummary,
    told?: Set<string>,
    byLabel = false,
  ): void {
    const wanting = this.list().filter(
      webhook =>
        wants(webhook, occasion, camera, labels) &&
        !told?.has(webhook.id) &&
        !(byLabel && webhook.labels === undefined),
    );
    const event = wanting.length > 0 ? this.#options.events.get(id) : undefined;
    if (!event) return;
    const { cameras, storeUuid, clock } = this.#options;
    const cameraName = cameras.get(camera)?.name ?? '';
    const body = Buffer.from(JSON.stringify({ type: occasion, store: storeUuid, cameraName, ...eventFacts(event) }));
    for (const { id: webhook } of wanting) {
      told?.add(webhook);
      this.#queue.push({
        webhook,
        body,
        delivery: randomUUID(),
        tries: 0,
        dueMs: clock.monotonicMs(),
        isUnderWay: false,
      });
      this.#queuedBytes += body.length;
    }
    this.#bound();
    this.#pump();
  }

  /** The oldest that is not under way goes first. */
  #bound(): void {
    while (this.#queuedBytes > MAX_QUEUE_BYTES) {
      const oldest = this.#queue.find(({ isUnderWay }) => !isUnderWay);
      if (!oldest) return;
      this.#remove(oldest);
      if (this.#dropped++ % 100 === 0) {
        this.#options.log.warn('messages of webhooks are dropped, as they are not taken fast enough', {
          webhook: oldest.webhook,
          dropped: this.#dropped,
        });
      }
    }
  }

  /** Sends what is due, the oldest of each webhook, and waits for the next that will be. */
  #pump(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { settings, clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    const seen = new Set<string>();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const message of [...this.#queue]) {
      const { webhook, dueMs } = message;
      if (seen.has(webhook) || this.#busy.has(webhook)) continue;
      const target = settings.get(webhook);
      if (!target) {
        this.#remove(message);
        continue;
      }
      seen.add(webhook);
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      else {
        message.isUnderWay = true;
        const sending = this.#send(message, target).finally(() => {
          message.isUnderWay = false;
          this.#busy.delete(webhook);
          if (!this.#abort.signal.aborted) this.#pump();
        });
        this.#busy.set(webhook, sending);
        background(sending, 'webhook', log);
      }
    }
    if (nextMs === Number.POSITIVE_INFINITY || this.#isStopping) return;
    this.#cancelTimer = clock.after(nextMs - nowMs, () => this.#pump());
  }

  async #send(message: Message, { id, url }: Webhook): Promise<void> {
    const { settings, sender, allowLoopback, clock, log } = this.#options;
    const { body, delivery } = message;
    let problem: string;
    try {
      const target = checkWebhookUrl(url, 'url', allowLoopback);
      const status = await sender.send(
        { url: target, body, delivery, secret: settings.secretOf(id) },
        this.#abort.signal,
      );
      if (isSuccess(status)) {
        this.#sent++;
        this.#remove(message);
        return;
      }
      problem = wordsOf(status);
    } catch (error) {
      if (isAbort(error)) return;
      problem = error instanceof Error ? error.message : String(error);
    }
    const retryMs = RETRY_MS[message.tries++];
    if (retryMs === undefined) {
      this.#failed++;
      this.#remove(message);
      log.warn('a webhook is given up', { webhook: id, tries: message.tries, problem });
      return;
    }
    message.dueMs = clock.monotonicMs() + retryMs;
    log.info('a webhook did not get through', { webhook: id, tries: message.tries, problem, retryMs });
  }

  #remove(message: Message): void {
    const at = this.#queue.indexOf(message);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    this.#queuedBytes -= message.body.length;
  }

  /** Resolves when nothing is under way any more. */
  async #drained(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy.values());
  }
}

function wants(webhook: Webhook, occasion: WebhookOccasion, camera: CameraId, labels: readonly string[]): boolean {
  if (!webhook.on.includes(occasion)) return false;
  if (webhook.cameras && !webhook.cameras.includes(camera)) return false;
  return !webhook.labels || webhook.labels.some(label => labels.includes(label));
}

/** Redirects are not followed: they would lead where nobody was asked. */
function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function wordsOf(status: number): string {
  return status >= 300 && status < 400 ? `it answers with a redirect (${status})` : `it answers with ${status}`;
}
