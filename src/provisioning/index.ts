// What the rest of the service sees of `provisioning`.
export { Provisioning, type ProvisioningOptions } from './provisioning.ts';
export { type Configuration, type ReadOptions, readConfiguration } from './read.ts';
