// What the audit log tells: who did what to what, from where.

export const AUDIT_ACTIONS = [
  'setup',
  'login',
  'login-failed',
  'logout',
  // Somebody asked for what they may not have.
  'denied',
  'add',
  'change',
  'remove',
  'export',
  // Somebody spoke through a camera.
  'talk',
  'backup',
  'restore',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditEntry {
  action: AuditAction;
  /** Name of who did it; for failed logins of who it was to be, when there is such a user. */
  user?: string;
  /** How it was proved who it was. */
  by?: 'session' | 'token' | 'link';
  address?: string;
  /** What it was done to, as in `camera 3`. */
  target?: string;
  /** Never a secret. */
  detail?: string;
}
