// What the owner has chosen about go2rtc: schema, defaults, checks, and the section of the store that keeps it.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import { type Logger, NvrError, parseInput, Turns } from '../core/index.ts';
import type { Go2rtcSettings } from './state.ts';

export const KEEP_CHOICES = ['onDemand', 'always'] as const;
/** `onDemand`: go2rtc runs while something needs it; `always`: as long as the service does. */
export type Keep = (typeof KEEP_CHOICES)[number];

/** The public shape. */
export interface Go2rtcPreferences {
  /** Absolute path of the program; null = looked for on the PATH and among what the service has installed. */
  binary: string | null;
  keep: Keep;
  /** The one port of WebRTC, UDP and TCP, 1 to 65535; 0 = no WebRTC. */
  webrtcPort: number;
}

/** Its name in the store. */
export const GO2RTC_SECTION = 'go2rtc';

const BINARY_CURE = 'Write the absolute path of the program, or null to have it looked for.';
const PORT_CURE = 'Use a port from 1 to 65535, or 0 for no WebRTC.';

const fields = {
  binary: v.nullable(
    v.pipe(
      v.string(BINARY_CURE),
      v.maxLength(1024, BINARY_CURE),
      v.check(path => isAbsolute(path) && !path.includes('\0'), BINARY_CURE),
    ),
  ),
  keep: v.picklist(KEEP_CHOICES, `Use ${KEEP_CHOICES.join(' or ')}.`),
  webrtcPort: v.pipe(
    v.number(PORT_CURE),
    v.integer(PORT_CURE),
    v.minValue(0, PORT_CURE),
    v.maxValue(65_535, PORT_CURE),
  ),
};

/** The part `go2rtc` of the body of `PATCH /api/settings`: what is left out stays. */
export const go2rtcPatchSchema = v.strictObject({
  binary: v.optional(fields.binary),
  keep: v.optional(fields.keep),
  webrtcPort: v.optional(fields.webrtcPort),
});
export type Go2rtcPatch = v.InferOutput<typeof go2rtcPatchSchema>;

/** All of it with defaults: what a configuration file gives, and what is stored. */
export const go2rtcPreferencesSchema = v.strictObject({
  binary: v.optional(fields.binary, null),
  keep: v.optional(fields.keep, 'onDemand'),
  webrtcPort: v.optional(fields.webrtcPort, 8555),
});

/** As `Go2rtc` takes them: browsers are served on all networks. */
export function settingsOf({ binary, keep, webrtcPort }: Go2rtcPreferences): Go2rtcSettings {
  return { keep, webrtc: { port: webrtcPort, addresses: [] }, ...(binary === null ? {} : { binary }) };
}

/** The part of the store that it needs. */
export interface SectionStore {
  get(section: string): unknown;
  /** Durable when it resolves. */
  put(section: string, value: unknown): Promise<void>;
}

export interface PreferencesKeeperOptions {
  settings: SectionStore;
  log: Logger;
  /** The configuration file that they come from; then nobody else may change them. */
  provisionedBy?: string;
}

export class Go2rtcPreferencesKeeper {
  readonly #options: PreferencesKeeperOptions;
  readonly #listeners = new Set<() => void>();
  readonly #turns = new Turns();
  #known: Go2rtcPreferences | undefined;

  constructor(options: PreferencesKeeperOptions) {
    this.#options = options;
  }

  get isProvisioned(): boolean {
    return this.#options.provisionedBy !== undefined;
  }

  /** What cannot be read counts as not chosen. */
  get(): Go2rtcPreferences {
    const { settings, log } = this.#options;
    if (this.#known) return this.#known;
    try {
      this.#known = parseInput(go2rtcPreferencesSchema, settings.get(GO2RTC_SECTION) ?? {}, 'the stored settings');
    } catch (error) {
      log.error('the settings of go2rtc cannot be read', { error });
      this.#known = v.parse(go2rtcPreferencesSchema, {});
    }
    return this.#known;
  }

  /** Calls `listener` when they have changed. The returned function ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Rejects with `invalid-argument` for settings that cannot be in force, `failed-precondition` for those of a file. */
  async check(patch: Go2rtcPatch): Promise<void> {
    const { provisionedBy } = this.#options;
    if (provisionedBy !== undefined) {
      throw new NvrError('failed-precondition', `the settings of go2rtc come from ${provisionedBy}`, {
        field: GO2RTC_SECTION,
        cure: 'Change "settings.go2rtc" there and restart the service.',
      });
    }
    if (typeof patch.binary === 'string') await checkBinary(patch.binary);
  }

  /** Durable when it resolves. Rejects as `check`. */
  async update(patch: Go2rtcPatch): Promise<Go2rtcPreferences> {
    const { settings, log } = this.#options;
    await this.check(patch);
    return this.#turns.run(async () => {
      const before = this.get();
      const next: Go2rtcPreferences = {
        binary: patch.binary === undefined ? before.binary : patch.binary,
        keep: patch.keep ?? before.keep,
        webrtcPort: patch.webrtcPort ?? before.webrtcPort,
      };
      await settings.put(GO2RTC_SECTION, next);
      this.#known = next;
      log.info('settings changed', { section: GO2RTC_SECTION, fields: Object.keys(patch) });
      for (const listener of this.#listeners) listener();
      return next;
    });
  }
}

/** Rejects with `invalid-argument` unless this process may run the file. Whether it is go2rtc is seen when it is started. */
export async function checkBinary(path: string): Promise<void> {
  const refuse = (what: string, cure: string) =>
    new NvrError('invalid-argument', `"go2rtc.binary" ${what}`, { field: 'go2rtc.binary', cure });
  const found = await stat(path).catch(() => undefined);
  if (!found) throw refuse('names no file that is there', BINARY_CURE);
  if (!found.isFile()) throw refuse('names no ordinary file', BINARY_CURE);
  const mayRun = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!mayRun) throw refuse('names a file that may not be run', 'Make it executable: chmod +x.');
}
