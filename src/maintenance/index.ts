// What the rest of the service sees of `maintenance`.
export { type MaintenanceOptions, maintain } from './maintenance.ts';
export { resetUserPassword, type UserResetOptions } from './user-reset.ts';
