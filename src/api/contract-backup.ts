// The shapes of backups: types only, a part of the contract.
import type { CameraId } from '../core/index.ts';
import type { Group } from './contract-playback.ts';
import type { Camera, Right, Role, Settings } from './contract-shapes.ts';

/** As `ApiRoutes`. */
export interface BackupRoutes {
  'GET /api/backup': { answer: Backup };
  'POST /api/restore': { body: { backup: Backup; dryRun?: boolean }; answer: RestoreReply };
}

/** As it was, without its password. */
export type BackupCamera = Omit<Camera, 'state' | 'can' | 'cannot' | 'demo' | 'provisioned'>;

export interface BackupUser {
  name: string;
  role: Role;
  /** Absent = all. */
  cameras?: CameraId[];
  rights: Right[];
}

/** One file of everything that the owner has set up, without footage and without any secret. */
export interface Backup {
  format: 'thimble-backup';
  version: 1;
  madeMs: number;
  /** Version of the service. */
  service: string;
  cameras: BackupCamera[];
  users: BackupUser[];
  groups: Omit<Group, 'id'>[];
  /** `mqtt`, `go2rtc` and `restream` are missing in older ones. */
  settings: Pick<Settings, 'storage' | 'webhooks' | 'hosts'> & Partial<Pick<Settings, 'mqtt' | 'go2rtc' | 'restream'>>;
}

/** What is, or would be, done with one thing of a backup. Nothing is ever removed. */
export interface RestoreStep {
  what: 'camera' | 'user' | 'group' | 'setting';
  name: string;
  action: 'add' | 'change' | 'same' | 'skip' | 'failed';
  /** What differs. */
  fields?: string[];
  /** Why it is skipped or failed, or what is left to do. */
  note?: string;
  /** What has to be entered again. */
  needs?: 'password' | 'secret';
}

/** `POST /api/restore`: with `dryRun` (the default) nothing is changed. */
export interface RestoreReply {
  applied: boolean;
  steps: RestoreStep[];
}
