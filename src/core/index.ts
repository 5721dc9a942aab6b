// What the rest of the service sees of `core`.
export * from './errors.ts';
export * from './events.ts';
export * from './ids.ts';
