// The webhooks that the owner has set up: schema, what is shown of them, and their secrets, which are stored sealed and never shown.
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { addressKind, type CameraId, type Logger, NvrError, parseInput } from '../core/index.ts';
import type { Store } from '../storage/index.ts';
import { MAX_WORD_CHARS } from './trigger.ts';

export const WEBHOOK_OCCASIONS = ['opened', 'closed'] as const;
/** What of an event is told. */
export type WebhookOccasion = (typeof WEBHOOK_OCCASIONS)[number];

/** The public shape. */
export interface Webhook {
  id: string;
  /** http:// or https://, without user and password. */
  url: string;
  /** Whether what is sent is signed. */
  hasSecret: boolean;
  /** Absent = of all cameras. */
  cameras?: CameraId[];
  /** Of events with one of these labels; absent = of all. */
  labels?: string[];
  on: WebhookOccasion[];
}

interface StoredWebhook extends Omit<Webhook, 'hasSecret'> {
  sealedSecret?: string;
}

const SECTION = 'webhooks';
const MOST = 8;
const MAX_URL_CHARS = 1024;
const MAX_SECRET_CHARS = 256;
/** All together as they are stored, which takes no more than 16 KiB. */
const MAX_STORED_BYTES = 16_000;

const URL_CURE = 'Write http://host/path or https://host/path.';
const ID_CURE = 'Use 1 to 32 small letters, digits and "-".';
const CAMERA_CURE = 'Use the ids of cameras.';
const NO_CAMERA_CURE = 'Name at least one camera, or leave it out for all of them.';
const NO_LABEL_CURE = 'Name at least one label, or leave it out for all events.';
const LABEL_CURE = `Use labels of 1 to ${MAX_WORD_CHARS} characters.`;
const ON_CURE = `Name one or both of ${WEBHOOK_OCCASIONS.join(', ')}.`;
const SECRET_CURE = `Use 8 to ${MAX_SECRET_CHARS} characters, or null for none.`;

const url = v.pipe(v.string(URL_CURE), v.maxLength(MAX_URL_CHARS, `Use at most ${MAX_URL_CHARS} characters.`));
const secret = v.pipe(v.string(SECRET_CURE), v.minLength(8, SECRET_CURE), v.maxLength(MAX_SECRET_CHARS, SECRET_CURE));
const id = v.pipe(v.string(ID_CURE), v.regex(/^[a-z0-9-]{1,32}$/, ID_CURE));
const cameras = v.pipe(
  v.array(
    v.pipe(
      v.number(CAMERA_CURE),
      v.integer(CAMERA_CURE),
      v.minValue(1, CAMERA_CURE),
      v.maxValue(999_999_999, CAMERA_CURE),
    ),
    CAMERA_CURE,
  ),
  v.maxLength(64, CAMERA_CURE),
);
const labels = v.pipe(
  v.array(
    // As those of triggers are kept, else one would never be found.
    v.pipe(v.string(LABEL_CURE), v.trim(), v.minLength(1, LABEL_CURE), v.maxLength(MAX_WORD_CHARS, LABEL_CURE)),
    LABEL_CURE,
  ),
  v.maxLength(16, 'Use at most 16 labels.'),
);
const on = v.pipe(
  v.array(v.picklist(WEBHOOK_OCCASIONS, ON_CURE), ON_CURE),
  v.minLength(1, ON_CURE),
  v.maxLength(2, ON_CURE),
);

/** The part `webhooks` of the body of `PATCH /api/settings`: the whole list. A secret that is left out stays, null takes it away. */
export const webhooksPatchSchema = v.pipe(
  v.array(
    v.strictObject({
      id: v.optional(id),
      url,
      secret: v.optional(v.nullable(secret)),
      // An empty list would choose no event at all.
      cameras: v.optional(v.nullable(v.pipe(cameras, v.minLength(1, NO_CAMERA_CURE)))),
      labels: v.optional(v.nullable(v.pipe(labels, v.minLength(1, NO_LABEL_CURE)))),
      on: v.optional(on, ['opened']),
      // What is shown may be sent back.
      hasSecret: v.optional(v.boolean()),
    }),
    'Send a list of webhooks.',
  ),
  v.maxLength(MOST, `Use at most ${MOST} webhooks.`),
);
export type WebhooksPatch = v.InferOutput<typeof webhooksPatchSchema>;

/** The body of `POST /api/settings/webhooks/test`. */
export const webhookTestSchema = v.strictObject({ url, secret: v.optional(v.nullable(secret)) });

const storedSchema = v.pipe(
  v.array(
    v.strictObject({
      id,
      url,
      sealedSecret: v.optional(v.pipe(v.string(), v.maxLength(2048))),
      cameras: v.optional(cameras),
      labels: v.optional(labels),
      on,
    }),
  ),
  v.maxLength(MOST),
);

export interface WebhookSettingsOptions {
  store: Pick<Store, 'settings' | 'seal' | 'unseal'>;
  /** Whether webhooks may go to this machine. */
  allowLoopback: boolean;
  log: Logger;
}

/** Reads and changes them. */
export class WebhookSettings {
  readonly #options: WebhookSettingsOptions;
  #known: StoredWebhook[] | undefined;

  constructor(options: WebhookSettingsOptions) {
    this.#options = options;
  }

  list(): Webhook[] {
    return this.#stored().map(({ sealedSecret, ...shown }) => ({ ...shown, hasSecret: sealedSecret !== undefined }));
  }

  get(wanted: string): Webhook | undefined {
    return this.list().find(webhook => webhook.id === wanted);
  }

  /** Undefined when there is none. Throws `data-loss` when it cannot be read any more. */
  secretOf(wanted: string): string | undefined {
    const sealed = this.#stored().find(webhook => webhook.id === wanted)?.sealedSecret;
    return sealed === undefined ? undefined : this.#options.store.unseal(sealed);
  }

  /** Throws `invalid-argument` for lists that cannot be in force. */
  check(patch: WebhooksPatch): void {
    const ids = new Set<string>();
    for (const [index, { id: own, url: address }] of patch.entries()) {
      checkWebhookUrl(address, `webhooks.${index}.url`, this.#options.allowLoopback);
      if (own !== undefined && ids.has(own)) {
        throw new NvrError('invalid-argument', `"webhooks.${index}.id" is there twice`, {
          field: `webhooks.${index}.id`,
          cure: 'Leave it out for a new webhook.',
        });
      }
      if (own !== undefined) ids.add(own);
    }
    if (Buffer.byteLength(JSON.stringify(this.#merged(patch))) > MAX_STORED_BYTES) {
      throw new NvrError('invalid-argument', '"webhooks" is too long', {
        field: 'webhooks',
        cure: 'Use fewer of them, shorter addresses, or fewer cameras and labels.',
      });
    }
  }

  /** Durable and in force when it resolves. Rejects as `check`. */
  async update(patch: WebhooksPatch): Promise<Webhook[]> {
    const { store, log } = this.#options;
    this.check(patch);
    const next = this.#merged(patch);
    await store.settings.put(SECTION, next);
    this.#known = next;
    log.info('settings changed', { section: SECTION, webhooks: next.length });
    return this.list();
  }

  #merged(patch: WebhooksPatch): StoredWebhook[] {
    const { store } = this.#options;
    const before = new Map(this.#stored().map(webhook => [webhook.id, webhook]));
    return patch.map(({ id: own, secret: given, hasSecret: _shown, cameras: of, labels: about, ...rest }) => {
      const name = own ?? randomBytes(6).toString('hex');
      const sealedSecret =
        given === undefined ? before.get(name)?.sealedSecret : given === null ? undefined : store.seal(given);
      return {
        ...{ id: name, ...rest, on: WEBHOOK_OCCASIONS.filter(occasion => rest.on.includes(occasion)) },
        ...(sealedSecret === undefined ? {} : { sealedSecret }),
        ...(of ? { cameras: of } : {}),
        ...(about ? { labels: about } : {}),
      };
    });
  }

  /** What cannot be read counts as not chosen. */
  #stored(): StoredWebhook[] {
    if (this.#known) return this.#known;
    try {
      this.#known = parseInput(
        storedSchema,
        this.#options.store.settings.get(SECTION) ?? [],
        'the stored webhooks',
      ) as StoredWebhook[];
    } catch (error) {
      this.#options.log.error('the webhooks cannot be read', { error });
      this.#known = [];
    }
    return this.#known;
  }
}

/** The URL of a webhook. Throws `invalid-argument` for `field`; names are judged again when they are looked up. */
export function checkWebhookUrl(text: string, field: string, allowLoopback: boolean): URL {
  let parsed: URL;
  try {
    parsed = new URL(text);
  } catch {
    throw refuse(field, 'is no address', URL_CURE);
  }
  if (!['http:', 'https:'].includes(parsed.protocol) || parsed.hostname === '') {
    throw refuse(field, 'is no HTTP address', URL_CURE);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw refuse(field, 'holds a user or a password', 'Leave them out; use "secret" to sign what is sent.');
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const kind = addressKind(host) ?? (/(^|\.)localhost\.?$/i.test(host) ? 'loopback' : 'ordinary');
  if (kind === 'other' || (kind === 'loopback' && !allowLoopback)) {
    throw refuse(field, 'points at this machine or at a link-local address', 'Write the address of another machine.');
  }
  return parsed;
}

function refuse(field: string, what: string, cure: string): NvrError {
  return new NvrError('invalid-argument', `"${field}" ${what}`, { field, cure });
}
