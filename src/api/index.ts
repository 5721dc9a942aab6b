// What main sees of `api`.
export { Api } from './api.ts';
export { chooseServer } from './choose-server.ts';
export type { HttpsFacts } from './contract.ts';
export { CameraGroups } from './groups.ts';
export { HostNames } from './host-names.ts';
export { type HttpServer, LIMITS } from './server.ts';
export type { ApiServices, IndexedSegment, SegmentQuery, SegmentSource } from './services.ts';
export { startHttps } from './start-https.ts';
export { staticFiles, webFolder } from './static-files.ts';
export { liveServices, storageServices } from './storage-services.ts';
