// What the rest of the service sees of `accounts`.
export { AUDIT_ACTIONS, type AuditAction, type AuditEntry } from './audit-entry.ts';
export { type Caller, NOBODY, RIGHTS, type Right, ROLES, type Role, seesCamera } from './caller.ts';
