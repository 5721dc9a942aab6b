export { type Caller, NOBODY, RIGHTS, type Right, ROLES, type Role, seesCamera } from './caller.ts';
