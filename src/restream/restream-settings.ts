// What the owner has chosen about restreaming: schema, what is shown of it, and logins, of which only sealed hashes are stored.
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import * as v from 'valibot';
import { type CameraId, type Logger, NvrError, parseInput, Turns } from '../core/index.ts';
import type { RestreamLogin } from '../native/index.ts';
import type { Store } from '../storage/index.ts';

/** Another program or recorder that fetches streams. */
export interface RestreamUser {
  name: string;
  cameras: 'all' | CameraId[];
  /** False where only the name came back with a backup: it needs a new one. */
  hasSecret: boolean;
}

/** The public shape. */
export interface RestreamSettings {
  enabled: boolean;
  /** Address and port, as in 0.0.0.0:8554 or [::]:8554. */
  listen: string;
  users: RestreamUser[];
}

interface StoredUser {
  name: string;
  cameras: 'all' | CameraId[];
  /** Both hashes, sealed. */
  sealed?: string | undefined;
}

interface StoredRestream {
  enabled: boolean;
  listen: string;
  users: StoredUser[];
}

/** What a configuration file gives. Its users have secrets. */
export interface ProvisionedRestream {
  /** The file. */
  path: string;
  enabled: boolean;
  listen: string;
  users: { name: string; secret: string; cameras: 'all' | CameraId[] }[];
}

/** Its name in the store. */
const SECTION = 'restream';
/** Part of the hashes: another one would make all logins useless. */
export const RESTREAM_REALM = 'Thimble';
const MAX_USERS = 16;
const DEFAULTS: StoredRestream = { enabled: false, listen: '0.0.0.0:8554', users: [] };

const LISTEN_CURE = 'Write an address and a port, as in 0.0.0.0:8554.';
const NAME_CURE = 'Use 1 to 32 letters, digits, ".", "_" and "-".';
const CAMERAS_CURE = 'Write "all", or a list of numbers of cameras.';
const SECRET_CURE = 'Use 16 to 128 letters, digits, "_" and "-".';

const name = v.pipe(v.string(NAME_CURE), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/, NAME_CURE));
const camera = v.pipe(v.number(CAMERAS_CURE), v.safeInteger(CAMERAS_CURE), v.minValue(1), v.maxValue(999_999_999));
const cameras = v.union(
  [v.literal('all'), v.pipe(v.array(camera, CAMERAS_CURE), v.maxLength(1000, CAMERAS_CURE))],
  CAMERAS_CURE,
);
const listen = v.pipe(
  v.string(LISTEN_CURE),
  v.check(text => listenAddress(text) !== undefined, LISTEN_CURE),
);
const enabled = v.boolean('Use true or false.');
const shownUser = v.strictObject({ name, cameras: v.optional(cameras, 'all'), hasSecret: v.optional(v.boolean()) });

/** The part `restream` of the body of `PATCH /api/settings`: what is left out stays. A list of users takes away who is not in it. */
export const restreamPatchSchema = v.strictObject({
  enabled: v.optional(enabled),
  listen: v.optional(listen),
  users: v.optional(v.pipe(v.array(shownUser), v.maxLength(MAX_USERS, `There are at most ${MAX_USERS}.`))),
});
export type RestreamPatch = v.InferOutput<typeof restreamPatchSchema>;

export const newRestreamUserSchema = v.strictObject({ name, cameras: v.optional(cameras, 'all') });
export type NewRestreamUser = v.InferInput<typeof newRestreamUserSchema>;
/** Of those that a configuration file gives; others are made here. */
export const restreamSecretSchema = v.pipe(v.string(SECRET_CURE), v.regex(/^[A-Za-z0-9_-]{16,128}$/, SECRET_CURE));

const storedSchema = v.strictObject({
  enabled,
  listen,
  users: v.array(v.strictObject({ name, cameras, sealed: v.optional(v.string()) })),
});

/** Undefined for what is no address with a port. */
export function listenAddress(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  const family = match?.[1] === undefined ? 4 : 6;
  return isIP(host) === family && port >= 1 && port <= 65535 ? { host, port } : undefined;
}

/** Throws `invalid-argument`: names are there once. */
export function checkRestream(users: readonly { name: string }[]): void {
  const twice = users.findIndex(({ name: own }, i) => users.findIndex(other => other.name === own) !== i);
  if (twice < 0) return;
  throw new NvrError('invalid-argument', 'there is another user of this name', {
    field: `restream.users.${twice}.name`,
    cure: 'Choose another name.',
  });
}

/** The login that a secret makes. */
export function loginOf(user: string, secret: string): Pick<RestreamLogin, 'name' | 'ha1Md5' | 'ha1Sha256'> {
  const hash = (algorithm: string) => createHash(algorithm).update(`${user}:${RESTREAM_REALM}:${secret}`).digest('hex');
  return { name: user, ha1Md5: hash('md5'), ha1Sha256: hash('sha256') };
}

export interface RestreamKeeperOptions {
  store: Pick<Store, 'settings' | 'seal' | 'unseal'>;
  log: Logger;
  provisioned?: ProvisionedRestream | undefined;
}

/** Reads and changes them. */
export class RestreamSettingsKeeper {
  readonly #options: RestreamKeeperOptions;
  #known: StoredRestream | undefined;
  readonly #turns = new Turns();

  constructor(options: RestreamKeeperOptions) {
    this.#options = options;
  }

  get isProvisioned(): boolean {
    return this.#options.provisioned !== undefined;
  }

  get(): RestreamSettings {
    const { provisioned } = this.#options;
    if (provisioned) {
      const users = provisioned.users.map(user => ({ name: user.name, cameras: user.cameras, hasSecret: true }));
      return { enabled: provisioned.enabled, listen: provisioned.listen, users };
    }
    const { users, ...rest } = this.#stored();
    return {
      ...rest,
      users: users.map(({ sealed, ...user }) => ({ ...user, hasSecret: sealed !== undefined })),
    };
  }

  /** Who can log in. A login that cannot be read any more is left out, and said to be so. */
  logins(): RestreamLogin[] {
    const { provisioned, store, log } = this.#options;
    const seen = (scope: 'all' | CameraId[]) => (scope === 'all' ? {} : { cameras: scope });
    if (provisioned) {
      return provisioned.users.map(user => ({ ...loginOf(user.name, user.secret), ...seen(user.cameras) }));
    }
    return this.#stored().users.flatMap(({ name: user, cameras: scope, sealed }) => {
      if (sealed === undefined) return [];
      try {
        const [ha1Md5 = '', ha1Sha256 = ''] = store.unseal(sealed).split(':');
        return [{ name: user, ha1Md5, ha1Sha256, ...seen(scope) }];
      } catch (error) {
        log.error('a login for restreaming cannot be read', { user, error });
        return [];
      }
    });
  }

  /** Throws `failed-precondition` for settings of a file, `invalid-argument` for what cannot be. */
  check(patch: RestreamPatch): void {
    const { provisioned } = this.#options;
    if (provisioned) {
      throw new NvrError('failed-precondition', `the settings of restreaming come from ${provisioned.path}`, {
        field: SECTION,
        cure: 'Change "settings.restream" there and restart the service.',
      });
    }
    checkRestream(patch.users ?? []);
  }

  /** Durable when it resolves. Rejects as `check`. Users that were there keep their secrets. */
  async update(patch: RestreamPatch): Promise<void> {
    this.check(patch);
    await this.#change(Object.keys(patch), before => {
      const users = patch.users?.map(user => ({
        name: user.name,
        cameras: user.cameras,
        sealed: before.users.find(known => known.name === user.name)?.sealed,
      }));
      const { enabled = before.enabled, listen = before.listen } = patch;
      return { enabled, listen, users: users ?? before.users };
    });
  }

  /** With this secret. Rejects with `failed-precondition` when there is such a user, or there are too many. */
  async add(user: string, scope: 'all' | CameraId[], secret: string): Promise<void> {
    this.check({});
    const refuse = (message: string, cure: string) =>
      new NvrError('failed-precondition', message, { field: 'name', cure });
    const added = { name: user, cameras: scope, sealed: this.#seal(user, secret) };
    await this.#change(['users'], before => {
      if (before.users.some(known => known.name === user)) {
        throw refuse('there is another user of this name', 'Choose another name, or give that one a new secret.');
      }
      if (before.users.length >= MAX_USERS) {
        throw refuse(`there are ${MAX_USERS} users already`, 'Remove one that is not needed any more.');
      }
      return { ...before, users: [...before.users, added] };
    });
  }

  /** Rejects with `not-found`. */
  async renew(user: string, secret: string): Promise<void> {
    this.check({});
    const sealed = this.#seal(user, secret);
    await this.#changeUsers(user, users => users.map(known => (known.name === user ? { ...known, sealed } : known)));
  }

  /** Rejects with `not-found`. */
  async remove(user: string): Promise<void> {
    this.check({});
    await this.#changeUsers(user, users => users.filter(known => known.name !== user));
  }

  async #changeUsers(user: string, next: (users: StoredUser[]) => StoredUser[]): Promise<void> {
    await this.#change(['users'], before => {
      if (!before.users.some(known => known.name === user)) throw new NvrError('not-found', 'there is no such user');
      return { ...before, users: next(before.users) };
    });
  }

  #seal(user: string, secret: string): string {
    const { ha1Md5, ha1Sha256 } = loginOf(user, secret);
    return this.#options.store.seal(`${ha1Md5}:${ha1Sha256}`);
  }

  /** One after the other: of two at once each would undo the other, and a login that was taken away be back. */
  #change(fields: string[], next: (before: StoredRestream) => StoredRestream): Promise<void> {
    const { store, log } = this.#options;
    return this.#turns.run(async () => {
      const after = next(this.#stored());
      await store.settings.put(SECTION, after);
      this.#known = after;
      log.info('settings changed', { section: SECTION, fields });
    });
  }

  /** What cannot be read counts as not chosen. */
  #stored(): StoredRestream {
    if (this.#known) return this.#known;
    const { store, log } = this.#options;
    try {
      this.#known = parseInput(storedSchema, store.settings.get(SECTION) ?? DEFAULTS, 'the stored settings');
    } catch (error) {
      log.error('the settings of restreaming cannot be read', { error });
      this.#known = DEFAULTS;
    }
    return this.#known;
  }
}
