// Who asks: what a request may see and do, whatever proved it (a session, a token, a signed link).
import type { CameraId } from '../core/index.ts';

export const ROLES = ['viewer', 'operator', 'admin'] as const;
/** Each may do what those before it may. */
export type Role = (typeof ROLES)[number];

export const RIGHTS = ['export', 'delete', 'talk', 'ptz'] as const;
/** What a viewer or operator may do beside its role; an admin may everything. */
export type Right = (typeof RIGHTS)[number];

export interface Caller {
  /** `link`: a signed address, good for one path only. `nobody`: on public routes. */
  by: 'nobody' | 'session' | 'token' | 'link';
  /** 0 = no user. */
  user: number;
  name: string;
  role: Role;
  /** Cameras it may see; undefined = all. */
  cameras: ReadonlySet<CameraId> | undefined;
  rights: ReadonlySet<Right>;
  /** Of the session or token. */
  credential?: string;
}

/** Sees nothing. */
export const NOBODY: Caller = {
  by: 'nobody',
  user: 0,
  name: '',
  role: 'viewer',
  cameras: new Set(),
  rights: new Set(),
};

export function seesCamera(caller: Caller, camera: CameraId): boolean {
  return caller.cameras === undefined || caller.cameras.has(camera);
}
