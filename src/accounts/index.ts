// What the rest of the service sees of `accounts`.
export { Accounts, type LoggedIn } from './accounts.ts';
export { AUDIT_ACTIONS, type AuditAction, type AuditEntry } from './audit-entry.ts';
export { type Caller, NOBODY, RIGHTS, type Right, ROLES, type Role, seesCamera } from './caller.ts';
export { networkOf } from './network.ts';
export type { Actor } from './parts.ts';
export { checkPassword } from './password.ts';
export type { ProvisionedUser, ProvisionedUsers } from './provisioned.ts';
export { type ResetUser, resetUser } from './reset.ts';
export type { SessionView } from './session-admin.ts';
export { LIFE_MS as SESSION_LIFE_MS } from './sessions.ts';
export type { NewTokenInput, TokenView } from './token-admin.ts';
export { camerasSchema, nameKey, nameSchema, rightsSchema, roleSchema } from './user.ts';
export type { NewUser, UserPatch, UserView } from './user-admin.ts';
