// A user as it is stored, and what a user may have.
import * as v from 'valibot';
import type { CameraId } from '../core/index.ts';
import { type Caller, RIGHTS, type Right, ROLES, type Role } from './caller.ts';

/** What a user, or a token of one, may see and do. */
export interface Powers {
  role: Role;
  /** Those it may see; absent = all. */
  cameras?: CameraId[];
  rights: Right[];
}

export interface UserRecord extends Powers {
  /** The number as a text. */
  id: string;
  name: string;
  /** A hash of `PasswordHasher`. */
  password: string;
  createdMs: number;
  /** To the hour. */
  lastSeenMs?: number;
  /** Its key in the configuration file that it came from. */
  provisioned?: string;
  /** The sealed secret of one-time codes, of a version that has them: this one lets nobody in without. */
  totp?: string;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const MAX_CAMERAS = 1000;

export const roleSchema = v.picklist(ROLES, `Use ${ROLES.join(', ')}.`);
const CAMERAS_CURE = 'Give a list of camera numbers; [] = none.';
export const camerasSchema = v.pipe(
  v.array(v.pipe(v.number(CAMERAS_CURE), v.safeInteger(CAMERAS_CURE), v.minValue(1, CAMERAS_CURE)), CAMERAS_CURE),
  v.maxLength(MAX_CAMERAS, `Give at most ${MAX_CAMERAS} cameras, or leave the list out for all.`),
  v.transform(ids => [...new Set(ids)].sort((a, b) => a - b)),
);
const RIGHTS_CURE = `Give a list of ${RIGHTS.join(', ')}.`;
export const rightsSchema = v.pipe(
  v.array(v.picklist(RIGHTS, RIGHTS_CURE), RIGHTS_CURE),
  v.maxLength(16, RIGHTS_CURE),
  v.transform(rights => RIGHTS.filter(right => rights.includes(right))),
);

export const storedPowers = {
  role: v.picklist(ROLES),
  cameras: v.optional(camerasSchema),
  // Rights of a later version are none here.
  rights: v.pipe(
    v.array(v.string()),
    v.transform(rights => RIGHTS.filter(right => rights.includes(right))),
  ),
};

/** Loose: what a later version adds stays in the record. */
const userSchema = v.looseObject({
  ...storedPowers,
  id: v.pipe(v.string(), v.regex(/^[1-9]\d{0,8}$/)),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  password: v.string(),
  createdMs: count,
  lastSeenMs: v.optional(count),
  provisioned: v.optional(v.string()),
});

/** Undefined for what is no user. */
export function parseUser(row: unknown): UserRecord | undefined {
  const result = v.safeParse(userSchema, row);
  return result.success ? (result.output as UserRecord) : undefined;
}

export const MAX_NAME_CHARS = 64;
const NAME_CURE = `Use 1 to ${MAX_NAME_CHARS} characters that can be seen.`;

/** Names of users and tokens. */
export const nameSchema = v.pipe(
  v.string(NAME_CURE),
  v.maxLength(MAX_NAME_CHARS * 4, NAME_CURE),
  v.transform(name => name.normalize('NFC').trim()),
  v.check(
    name => name.length > 0 && [...name].length <= MAX_NAME_CHARS && !/[\p{C}\p{Zl}\p{Zp}]/u.test(name),
    NAME_CURE,
  ),
);

/** Names that look the same to somebody who types them are the same. */
export function nameKey(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase();
}

/** What both allow. */
export function narrowed(user: Powers, token: Powers): Powers {
  const role = ROLES[Math.min(ROLES.indexOf(user.role), ROLES.indexOf(token.role))] as Role;
  const own = rightsOf(user);
  const rights = rightsOf(token).filter(right => own.includes(right));
  const [mine, its] = [camerasOf(user), camerasOf(token)];
  const cameras = mine && its ? mine.filter(id => its.includes(id)) : (mine ?? its);
  return { role, rights, ...(cameras && { cameras }) };
}

/** An admin may everything. */
function rightsOf({ role, rights }: Powers): readonly Right[] {
  return role === 'admin' ? RIGHTS : rights;
}

function camerasOf({ role, cameras }: Powers): CameraId[] | undefined {
  return role === 'admin' ? undefined : cameras;
}

/** As the gate sees it. */
export function callerOf(
  by: Exclude<Caller['by'], 'nobody'>,
  user: UserRecord,
  powers: Powers,
  credential: string,
): Caller {
  const cameras = camerasOf(powers);
  return {
    by,
    user: Number(user.id),
    name: user.name,
    role: powers.role,
    cameras: cameras && new Set(cameras),
    rights: new Set(rightsOf(powers)),
    credential,
  };
}
