// What the rest of the service sees of `core`.
export * from './addresses.ts';
export * from './atomic-file.ts';
export * from './background.ts';
export * from './clock.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './ids.ts';
export * from './lifecycle.ts';
export * from './log.ts';
export * from './nearest.ts';
export { networkUrls } from './network-urls.ts';
export * from './options.ts';
export { packagePath } from './package-path.ts';
export * from './process-memory.ts';
export { redactText } from './redact.ts';
export * from './schema.ts';
export type { HttpsOptions, ServerChoice } from './server-options.ts';
export { timeZoneName } from './time-zone.ts';
