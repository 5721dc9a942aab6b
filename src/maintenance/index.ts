// What the rest of the service sees of `maintenance`.
export { type MaintenanceOptions, maintain } from './maintenance.ts';
