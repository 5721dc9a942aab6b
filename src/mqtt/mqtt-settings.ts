// What the owner has chosen about MQTT: schema, what is shown of it, and its secrets, which are stored sealed and never shown.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import * as v from 'valibot';
import { addressKind, type Logger, NvrError, parseInput } from '../core/index.ts';
import type { Store } from '../storage/index.ts';

export const MQTT_PROTOCOLS = ['auto', '5', '3.1.1'] as const;
/** `auto`: 5 when the broker knows it, else 3.1.1. */
export type MqttProtocol = (typeof MQTT_PROTOCOLS)[number];

/** The public shape. */
export interface MqttSettings {
  enabled: boolean;
  /** mqtt://host:1883 or mqtts://host:8883, without user and password; empty = not chosen. */
  url: string;
  protocol: MqttProtocol;
  username?: string;
  hasPassword: boolean;
  /** First part of our topics. */
  prefix: string;
  /** Where Home Assistant looks for devices; null = it is told of none. */
  discoveryPrefix: string | null;
  /** Certificates of those who may sign the broker's, PEM; absent = the system's. */
  ca?: string;
  /** The client certificate, PEM. */
  cert?: string;
  /** Whether there is a key of the client certificate. */
  hasKey: boolean;
}

/** As it is stored, and with its secrets in the clear as it is used. */
interface StoredMqtt extends Omit<MqttSettings, 'hasPassword' | 'hasKey'> {
  sealedPassword?: string;
  sealedKey?: string;
}

/** Its name in the store. */
export const MQTT_SECTION = 'mqtt';
/** As it is stored, which takes no more than 16 KiB. */
const MAX_STORED_BYTES = 16_000;
const MAX_PEM_CHARS = 12_000;

const URL_CURE = 'Write mqtt://host:1883, or mqtts://host:8883 for TLS.';
const TEXT_CURE = 'Use 1 to 256 characters.';
const PREFIX_CURE = 'Use 1 to 64 letters, digits, "_", "-" and "/", as in thimble or home/thimble.';
const PEM_CURE = 'Paste the text of a PEM file, from -----BEGIN to -----END.';

const url = v.pipe(v.string(URL_CURE), v.maxLength(512, URL_CURE));
const secret = v.pipe(v.string(TEXT_CURE), v.minLength(1, TEXT_CURE), v.maxLength(256, TEXT_CURE));
/** Neither wildcards nor empty levels, nor those of the broker itself. */
const prefix = v.pipe(
  v.string(PREFIX_CURE),
  v.maxLength(64, PREFIX_CURE),
  v.regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, PREFIX_CURE),
);
const pem = v.pipe(
  v.string(PEM_CURE),
  v.maxLength(MAX_PEM_CHARS, PEM_CURE),
  v.regex(/-----BEGIN [A-Z ]+-----/, PEM_CURE),
);
const fields = {
  enabled: v.boolean('Use true or false.'),
  url,
  protocol: v.picklist(MQTT_PROTOCOLS, `Use ${MQTT_PROTOCOLS.join(', ')}.`),
  prefix,
  discoveryPrefix: v.nullable(prefix),
};
/** Null takes them away. */
const optional = { username: v.nullable(secret), ca: v.nullable(pem), cert: v.nullable(pem) };
const secrets = { password: v.nullable(secret), key: v.nullable(pem) };
// What is shown may be sent back.
const shown = { hasPassword: v.optional(v.boolean()), hasKey: v.optional(v.boolean()) };

const DEFAULTS: StoredMqtt = {
  ...{ enabled: false, url: '', protocol: 'auto', prefix: 'thimble', discoveryPrefix: 'homeassistant' },
};

/** The part `mqtt` of the body of `PATCH /api/settings`: what is left out stays. */
export const mqttPatchSchema = v.strictObject({
  enabled: v.optional(fields.enabled),
  url: v.optional(fields.url),
  protocol: v.optional(fields.protocol),
  prefix: v.optional(fields.prefix),
  discoveryPrefix: v.optional(fields.discoveryPrefix),
  username: v.optional(optional.username),
  ca: v.optional(optional.ca),
  cert: v.optional(optional.cert),
  password: v.optional(secrets.password),
  key: v.optional(secrets.key),
  ...shown,
});
export type MqttPatch = v.InferOutput<typeof mqttPatchSchema>;

/** All of them, with defaults: the body of `PUT /api/settings/mqtt`, and what a configuration file gives. Secrets that are left out stay. */
export const mqttSettingsSchema = v.strictObject({
  enabled: v.optional(fields.enabled, true),
  url: fields.url,
  protocol: v.optional(fields.protocol, 'auto'),
  prefix: v.optional(fields.prefix, 'thimble'),
  discoveryPrefix: v.optional(fields.discoveryPrefix, 'homeassistant'),
  username: v.optional(optional.username, null),
  ca: v.optional(optional.ca, null),
  cert: v.optional(optional.cert, null),
  password: v.optional(secrets.password),
  key: v.optional(secrets.key),
  ...shown,
});
export type MqttInput = v.InferOutput<typeof mqttSettingsSchema>;

const storedSchema = v.strictObject({
  ...fields,
  username: v.optional(v.string()),
  ca: v.optional(v.string()),
  cert: v.optional(v.string()),
  sealedPassword: v.optional(v.string()),
  sealedKey: v.optional(v.string()),
});

/** With its secrets. Not to be shown or logged. */
export interface MqttAccess extends Omit<MqttSettings, 'hasPassword' | 'hasKey'> {
  password?: string;
  key?: string;
}

export interface MqttSettingsOptions {
  store: Pick<Store, 'settings' | 'seal' | 'unseal'>;
  log: Logger;
  /** The configuration file that they come from; then nobody else may change them. */
  provisionedBy?: string;
}

/** Reads and changes them. */
export class MqttSettingsKeeper {
  readonly #options: MqttSettingsOptions;
  #known: StoredMqtt | undefined;

  constructor(options: MqttSettingsOptions) {
    this.#options = options;
  }

  get isProvisioned(): boolean {
    return this.#options.provisionedBy !== undefined;
  }

  get(): MqttSettings {
    const { sealedPassword, sealedKey, ...rest } = this.#stored();
    return { ...rest, hasPassword: sealedPassword !== undefined, hasKey: sealedKey !== undefined };
  }

  /** Throws `data-loss` when a secret cannot be read any more. */
  access(patch: MqttPatch = {}): MqttAccess {
    const { sealedPassword, sealedKey, ...rest } = this.#merged(patch);
    const { unseal } = bound(this.#options.store);
    return {
      ...rest,
      ...(sealedPassword === undefined ? {} : { password: unseal(sealedPassword) }),
      ...(sealedKey === undefined ? {} : { key: unseal(sealedKey) }),
    };
  }

  /** Throws `invalid-argument` for settings that cannot be in force, `failed-precondition` for those of a file. */
  check(patch: MqttPatch): void {
    const { provisionedBy } = this.#options;
    if (provisionedBy !== undefined) {
      throw new NvrError('failed-precondition', `the settings of MQTT come from ${provisionedBy}`, {
        field: MQTT_SECTION,
        cure: 'Change "settings.mqtt" there and restart the service.',
      });
    }
    checkMqtt(this.access(patch));
    if (Buffer.byteLength(JSON.stringify(this.#merged(patch))) > MAX_STORED_BYTES) throw tooLong();
  }

  /** Durable when it resolves. Rejects as `check`. */
  async update(patch: MqttPatch): Promise<MqttSettings> {
    const { store, log } = this.#options;
    this.check(patch);
    const next = this.#merged(patch);
    await store.settings.put(MQTT_SECTION, next);
    this.#known = next;
    log.info('settings changed', { section: MQTT_SECTION, fields: Object.keys(patch) });
    return this.get();
  }

  #merged(patch: MqttPatch): StoredMqtt {
    return mergeMqtt(this.#stored(), patch, this.#options.store);
  }

  /** What cannot be read counts as not chosen. */
  #stored(): StoredMqtt {
    this.#known ??= readStored(this.#options);
    return this.#known;
  }
}

function readStored({ store, log }: MqttSettingsOptions): StoredMqtt {
  try {
    return parseInput(storedSchema, store.settings.get(MQTT_SECTION) ?? DEFAULTS, 'the stored settings') as StoredMqtt;
  } catch (error) {
    log.error('the settings of MQTT cannot be read', { error });
    return DEFAULTS;
  }
}

/** What a configuration file wants, as it is to be stored; the same object when that stands there already, whatever seals it has. */
export function storedMqtt(input: MqttInput, before: unknown, store: Pick<Store, 'seal' | 'unseal'>): unknown {
  const wanted = { ...input, password: input.password ?? null, key: input.key ?? null };
  const known = v.safeParse(storedSchema, before);
  if (!known.success) return mergeMqtt(DEFAULTS, wanted, store);
  const there = known.output as StoredMqtt;
  const { sealedPassword, sealedKey, ...rest } = mergeMqtt(there, wanted, store);
  const keep = (sealed: string | undefined, text: string | null, next: string | undefined) => {
    try {
      return sealed !== undefined && text !== null && store.unseal(sealed) === text ? sealed : next;
    } catch {
      return next;
    }
  };
  const password = keep(there.sealedPassword, wanted.password, sealedPassword);
  const key = keep(there.sealedKey, wanted.key, sealedKey);
  return { ...rest, ...(password && { sealedPassword: password }), ...(key && { sealedKey: key }) };
}

function mergeMqtt(before: StoredMqtt, patch: MqttPatch, store: Pick<Store, 'seal'>): StoredMqtt {
  const kept = <T>(changed: T | undefined, old: T): T => (changed === undefined ? old : changed);
  const text = (changed: string | null | undefined, old: string | undefined) =>
    changed === undefined ? old : (changed ?? undefined);
  const sealed = (changed: string | null | undefined, old: string | undefined) =>
    typeof changed === 'string' ? store.seal(changed) : changed === null ? undefined : old;
  const username = text(patch.username, before.username);
  const ca = text(patch.ca, before.ca);
  const cert = text(patch.cert, before.cert);
  const sealedPassword = sealed(patch.password, before.sealedPassword);
  const sealedKey = sealed(patch.key, before.sealedKey);
  return {
    enabled: kept(patch.enabled, before.enabled),
    url: kept(patch.url, before.url),
    protocol: kept(patch.protocol, before.protocol),
    prefix: kept(patch.prefix, before.prefix),
    discoveryPrefix: kept(patch.discoveryPrefix, before.discoveryPrefix),
    ...(username !== undefined && { username }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(sealedPassword !== undefined && { sealedPassword }),
    ...(sealedKey !== undefined && { sealedKey }),
  };
}

/** Throws `invalid-argument` for what cannot be in force. The field is below `mqtt`. */
export function checkMqtt(settings: MqttAccess): void {
  const { enabled, url: address, username, password, ca, cert, key, prefix: own, discoveryPrefix } = settings;
  const isTls = checkUrl(address, enabled);
  if (password !== undefined && username === undefined) {
    throw refuse('username', 'is missing beside a password', 'Give the user name, or take the password away.');
  }
  if (own === discoveryPrefix) {
    throw refuse('discoveryPrefix', 'is the prefix of our own topics', 'Use homeassistant, or null for none.');
  }
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'cert' : 'key';
    throw refuse(missing, `is missing beside "mqtt.${missing === 'key' ? 'cert' : 'key'}"`, 'Give both or none.');
  }
  if (!isTls && address !== '' && (ca !== undefined || cert !== undefined)) {
    throw refuse(ca === undefined ? 'cert' : 'ca', 'has no use without TLS', 'Use mqtts://, or take it away.');
  }
  if (ca !== undefined) readable('ca', () => new X509Certificate(ca));
  if (cert === undefined || key === undefined) return;
  const certificate = readable('cert', () => new X509Certificate(cert));
  const privateKey = readable('key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw refuse('key', 'does not belong to the certificate', 'Give the key that the certificate was made for.');
  }
}

/** Whether it is one with TLS. */
function checkUrl(address: string, isNeeded: boolean): boolean {
  if (address === '') {
    if (isNeeded) throw refuse('url', 'is missing', URL_CURE);
    return false;
  }
  let parsed: URL;
  try {
    parsed = new URL(address);
  } catch {
    throw refuse('url', 'is no address', URL_CURE);
  }
  const { protocol, hostname, username, password, pathname, search, hash } = parsed;
  if (username !== '' || password !== '') {
    throw refuse('url', 'holds a user or a password', 'Give them as "username" and "password".');
  }
  if (!['mqtt:', 'mqtts:'].includes(protocol) || !/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)$/.test(hostname)) {
    throw refuse('url', 'is no address of a broker', URL_CURE);
  }
  if (parsed.port === '0' || !['', '/'].includes(pathname) || search !== '' || hash !== '') {
    throw refuse('url', 'is more than an address and a port', URL_CURE);
  }
  if (addressKind(hostname.replace(/^\[|\]$/g, '')) === 'other') {
    throw refuse('url', 'is a link-local address or no single machine', 'Write the ordinary address of the broker.');
  }
  return protocol === 'mqtts:';
}

function readable<T>(field: string, action: () => T): T {
  try {
    return action();
  } catch {
    // What OpenSSL says about it helps nobody, and may repeat what was sent.
    throw refuse(field, 'cannot be read', PEM_CURE);
  }
}

function refuse(field: string, what: string, cure: string): NvrError {
  return new NvrError('invalid-argument', `"mqtt.${field}" ${what}`, { field: `mqtt.${field}`, cure });
}

function tooLong(): NvrError {
  return new NvrError('invalid-argument', '"mqtt" is too long', {
    field: 'mqtt',
    cure: 'Leave certificates out of "ca" that the broker does not need.',
  });
}

function bound(store: Pick<Store, 'unseal'>): { unseal: (sealed: string) => string } {
  return { unseal: sealed => store.unseal(sealed) };
}
