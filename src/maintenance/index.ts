// What the rest of the service sees of `maintenance`.

export { installByHand } from './install.ts';
export { type MaintenanceOptions, maintain } from './maintenance.ts';
export { resetUserPassword, type UserResetOptions } from './user-reset.ts';
