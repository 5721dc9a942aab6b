// The table of all routes: what is not in it does not exist, and what is in the contract is in it.
import { credentialRoutes, userRoutes } from './account-admin-routes.ts';
import { accountRoutes } from './account-routes.ts';
import { backupRoutes } from './backup-routes.ts';
import { cameraRoutes } from './camera-routes.ts';
import type { RouteName } from './contract.ts';
import { daysRoutes } from './days-routes.ts';
import { eventRoutes } from './event-routes.ts';
import type { ExportPlans } from './export-plans.ts';
import { exportRoutes } from './export-routes.ts';
import { go2rtcRoutes } from './go2rtc-routes.ts';
import { groupRoutes } from './group-routes.ts';
import { keyframeRoutes } from './keyframe-routes.ts';
import { type LinkTable, linkRoutes } from './link-routes.ts';
import type { SignedLinks } from './links.ts';
import type { LiveFeeds } from './live-feeds.ts';
import { liveRoutes } from './live-routes.ts';
import { logRoutes } from './log-routes.ts';
import { m3u8Routes } from './m3u8-routes.ts';
import { type AnswerCounts, metricsRoutes } from './metrics-routes.ts';
import { mqttRoutes } from './mqtt-routes.ts';
import { onvifRoutes } from './onvif-routes.ts';
import { openapiRoutes } from './openapi-routes.ts';
import { pictureRoutes } from './picture-routes.ts';
import type { PlaybackIndex } from './playback-index.ts';
import { playbackRoutes } from './playback-routes.ts';
import { restreamRoutes } from './restream-routes.ts';
import type { Route } from './router.ts';
import { segmentRoutes } from './segment-routes.ts';
import type { ApiServices } from './services.ts';
import { settingsRoutes } from './settings-routes.ts';
import { statusRoutes } from './status-routes.ts';
import { storageRoutes } from './storage-routes.ts';
import { timelineRoutes } from './timeline-routes.ts';
import { updatesRoutes } from './updates-routes.ts';
import { webrtcRoutes } from './webrtc-routes.ts';

/** What routes share beside the services. */
export interface TableParts {
  answers: AnswerCounts;
  exports: ExportPlans;
  playback: PlaybackIndex;
  links: SignedLinks;
  live: LiveFeeds;
  linkTable: LinkTable;
  /** The whole table, with `health`. */
  routes(): readonly Route[];
}

/** All but `health`, which is answered before there are services. */
export function table(
  services: ApiServices,
  { answers, exports, playback, links, live, linkTable, routes }: TableParts,
) {
  const { accounts } = services;
  return complete([
    ...statusRoutes(services),
    ...metricsRoutes(services, answers, live),
    ...logRoutes(services),
    ...cameraRoutes(services),
    ...onvifRoutes(services),
    ...segmentRoutes(services),
    ...pictureRoutes(services),
    ...liveRoutes(services, live),
    ...webrtcRoutes(services),
    ...timelineRoutes(services, playback),
    ...playbackRoutes(services, playback),
    ...keyframeRoutes(services, playback),
    ...m3u8Routes(services, playback, links),
    ...daysRoutes(services),
    ...groupRoutes(services),
    ...updatesRoutes(services),
    ...exportRoutes(services, exports),
    ...eventRoutes(services, exports),
    ...storageRoutes(services),
    ...settingsRoutes(services),
    ...mqttRoutes(services),
    ...go2rtcRoutes(services),
    ...restreamRoutes(services),
    ...backupRoutes(services),
    ...openapiRoutes(services, routes),
    ...linkRoutes(services, links, linkTable),
    ...accountRoutes(services, accounts),
    ...userRoutes(services, accounts),
    ...credentialRoutes(accounts),
  ]);
}

/** Before there are services `health` is the whole table. */
type Missing<R extends Route> = string extends R['name']
  ? ['a file with routes hides their names: leave the type of what it returns to the compiler']
  : Exclude<RouteName, R['name'] | 'GET /api/health'> extends never
    ? []
    : [`no route for ${Exclude<RouteName, R['name'] | 'GET /api/health'>}`];

/** The second argument is never given: it is what the compiler says when the contract has more than the table. */
function complete<R extends Route>(routes: R[], ..._missing: Missing<R>): Route[] {
  return routes;
}
