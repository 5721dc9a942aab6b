// The shapes that the API sends, for its clients: types only, stable, added to but never changed.
export type { Backup, BackupCamera, RestoreReply, RestoreStep } from './contract-backup.ts';
export type * from './contract-go2rtc.ts';
export type * from './contract-mqtt.ts';
export type * from './contract-onvif.ts';
export type * from './contract-playback.ts';
export type * from './contract-restream.ts';
export type { ApiRoutes, RouteAnswer, RouteBody, RouteName, RouteParams, RouteQuery } from './contract-routes.ts';
export type * from './contract-shapes.ts';
export type * from './contract-webrtc.ts';
