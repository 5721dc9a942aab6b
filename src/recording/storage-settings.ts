// What the owner has chosen for the storage volume as a whole: schema, defaults, and the floor that follows from them.
import * as v from 'valibot';
import { type Logger, NvrError, parseInput, Turns } from '../core/index.ts';
import type { Store } from '../storage/index.ts';

export interface StorageSettings {
  /** Free space that is always kept; null = by percent, or by itself. */
  floorBytes: number | null;
  /** The same as a part of the volume. */
  floorPercent: number | null;
  /** Most bytes of footage of all cameras together; null = as much as there is room for. */
  totalQuotaBytes: number | null;
  /** When other programs fill the volume, the floor takes footage only down to this part of the most there was; 0 = all of it. */
  leastKeptPercent: number;
  /** The owner says that the clock of this machine is right although no time server sets it. */
  clockConfirmed: boolean;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const MAX_BYTES = 2 ** 50;

const bytes = (cure: string) =>
  v.pipe(v.number(cure), v.integer(cure), v.minValue(16 * MIB, cure), v.maxValue(MAX_BYTES, cure));
const FLOOR_CURE = 'Use a whole number of bytes, at least 16777216, or null.';
const QUOTA_CURE = 'Use a whole number of bytes, at least 16777216, or null for no limit.';
const PERCENT_CURE = 'Use a number from 1 to 50, or null.';
const KEPT_CURE = 'Use a number from 0 to 90.';
const DEFAULT_KEPT_PERCENT = 25;
const floorBytes = v.nullable(bytes(FLOOR_CURE));
const floorPercent = v.nullable(
  v.pipe(v.number(PERCENT_CURE), v.minValue(1, PERCENT_CURE), v.maxValue(50, PERCENT_CURE)),
);
const totalQuotaBytes = v.nullable(bytes(QUOTA_CURE));
const leastKeptPercent = v.pipe(v.number(KEPT_CURE), v.minValue(0, KEPT_CURE), v.maxValue(90, KEPT_CURE));
const clockConfirmed = v.boolean('Use true or false.');

/** All of them, with defaults: as they are stored, and as a configuration file gives them. */
export const storageSettingsSchema = v.strictObject({
  floorBytes: v.optional(floorBytes, null),
  floorPercent: v.optional(floorPercent, null),
  totalQuotaBytes: v.optional(totalQuotaBytes, null),
  leastKeptPercent: v.optional(leastKeptPercent, DEFAULT_KEPT_PERCENT),
  clockConfirmed: v.optional(clockConfirmed, false),
});

/** The part `storage` of the body of `PATCH /api/settings`: what is left out stays. */
export const storagePatchSchema = v.strictObject({
  floorBytes: v.optional(floorBytes),
  floorPercent: v.optional(floorPercent),
  totalQuotaBytes: v.optional(totalQuotaBytes),
  leastKeptPercent: v.optional(leastKeptPercent),
  clockConfirmed: v.optional(clockConfirmed),
});
export type StoragePatch = v.InferOutput<typeof storagePatchSchema>;

/** Their name in the store. */
export const STORAGE_SECTION = 'storage';

/**
 * Throws `invalid-argument` for floors that cannot be: both at once, or more than half of the volume, when its size is given.
 * The field is below `storage`.
 */
export function checkFloors(settings: StoragePatch, totalBytes = Number.POSITIVE_INFINITY): void {
  const { floorBytes, floorPercent } = settings;
  if (typeof floorBytes === 'number' && typeof floorPercent === 'number') {
    throw new NvrError('invalid-argument', '"storage.floorPercent" stands beside "storage.floorBytes"', {
      field: 'storage.floorPercent',
      cure: 'Give one of them.',
    });
  }
  if (typeof floorBytes === 'number' && floorBytes > totalBytes / 2) {
    throw new NvrError('invalid-argument', '"storage.floorBytes" is more than half of the volume', {
      field: 'storage.floorBytes',
      cure: `Use at most ${Math.floor(totalBytes / 2)}.`,
    });
  }
}

/** Reads and changes them. */
export class StorageSettingsKeeper {
  readonly #store: Pick<Store, 'settings' | 'volume'>;
  readonly #log: Logger;
  readonly #provisionedBy: string | undefined;
  readonly #turns = new Turns();
  #known: StorageSettings | undefined;

  /** `provisionedBy`: the configuration file that they come from; then nobody else may change them. */
  constructor(store: Pick<Store, 'settings' | 'volume'>, log: Logger, provisionedBy?: string) {
    this.#store = store;
    this.#log = log;
    this.#provisionedBy = provisionedBy;
  }

  /** What cannot be read counts as not chosen. */
  get(): StorageSettings {
    if (this.#known) return this.#known;
    try {
      this.#known = parseInput(
        storageSettingsSchema,
        this.#store.settings.get(STORAGE_SECTION) ?? {},
        'the stored settings',
      );
    } catch (error) {
      this.#log.error('the settings of the storage cannot be read', { error });
      this.#known = parseInput(storageSettingsSchema, {});
    }
    return this.#known;
  }

  /** Resolves when durable. The floor is either in bytes or in percent: setting one takes the other back. */
  async update(patch: StoragePatch): Promise<StorageSettings> {
    if (this.#provisionedBy !== undefined) {
      throw new NvrError('failed-precondition', `the settings of the storage come from ${this.#provisionedBy}`, {
        field: STORAGE_SECTION,
        cure: 'Change "settings.storage" there and restart the service.',
      });
    }
    checkFloors(patch, typeof patch.floorBytes === 'number' ? (await this.#store.volume()).totalBytes : undefined);
    return this.#turns.run(async () => {
      const before = this.get();
      const next: StorageSettings = {
        floorBytes: typeof patch.floorPercent === 'number' ? null : kept(patch.floorBytes, before.floorBytes),
        floorPercent: typeof patch.floorBytes === 'number' ? null : kept(patch.floorPercent, before.floorPercent),
        totalQuotaBytes: kept(patch.totalQuotaBytes, before.totalQuotaBytes),
        leastKeptPercent: kept(patch.leastKeptPercent, before.leastKeptPercent),
        clockConfirmed: kept(patch.clockConfirmed, before.clockConfirmed),
      };
      await this.#store.settings.put(STORAGE_SECTION, next);
      this.#known = next;
      this.#log.info('settings changed', { section: STORAGE_SECTION, fields: Object.keys(patch) });
      return next;
    });
  }
}

/** Null is a value: not chosen. */
function kept<T>(changed: T | undefined, before: T): T {
  return changed === undefined ? before : changed;
}

/**
 * The free space that is kept. By itself: 5 %, since ext4 and flash cards become slow when they are fuller, at least 256 MiB for the rest
 * of the system on a shared volume, at most 10 GiB; and never more than a quarter of a small volume.
 */
export function floorOf(settings: StorageSettings, totalBytes: number): number {
  const half = Math.floor(totalBytes / 2);
  if (settings.floorBytes !== null) return Math.min(settings.floorBytes, half);
  if (settings.floorPercent !== null) return Math.floor((totalBytes * settings.floorPercent) / 100);
  const wanted = Math.min(Math.max(totalBytes * 0.05, 256 * MIB), 10 * GIB);
  return Math.floor(Math.min(wanted, totalBytes / 4));
}
