// What each route takes and answers, by its name: types only. The table of routes and the client in `web/` are both bound to it.
import type { TriggerSource } from '../storage/index.ts';
import type { BackupRoutes } from './contract-backup.ts';
import type { Go2rtcRoutes } from './contract-go2rtc.ts';
import type { LiveRoutes } from './contract-live.ts';
import type { MqttRoutes } from './contract-mqtt.ts';
import type { OnvifRoutes } from './contract-onvif.ts';
import type { PlaybackRoutes } from './contract-playback.ts';
import type { RestreamRoutes } from './contract-restream.ts';
import type {
  AuditAction,
  AuditList,
  Camera,
  CameraList,
  CameraPatch,
  Event,
  EventList,
  FootageKept,
  Forecast,
  Health,
  LoggedIn,
  LogLines,
  Me,
  NewCamera,
  NewLink,
  NewToken,
  ProbeInput,
  ProbeResult,
  RecordReply,
  Right,
  Role,
  Segment,
  SegmentList,
  SessionList,
  Settings,
  SettingsPatch,
  SetupState,
  Status,
  StorageInfo,
  TokenList,
  Trigger,
  TriggerReply,
  User,
  UserList,
  WebhookTestResult,
} from './contract-shapes.ts';
import type { WebRtcRoutes } from './contract-webrtc.ts';

type StreamName = 'main' | 'sub';

/**
 * `query`, `body`: what is sent; lists in a query are repeated parameters, null is sent as `none`. `answer`: the JSON of a 2xx
 * answer; absent where there is none (bytes, empty answers, WebSockets). A field that is absent is not accepted.
 */
export interface ApiRoutes
  extends PlaybackRoutes,
    LiveRoutes,
    BackupRoutes,
    MqttRoutes,
    OnvifRoutes,
    WebRtcRoutes,
    Go2rtcRoutes,
    RestreamRoutes {
  'GET /api/health': { answer: Health };
  /** The API in OpenAPI 3.1. */
  'GET /api/openapi.json': { answer: Record<string, unknown> };
  'GET /api/status': { answer: Status };
  'GET /api/metrics': object;
  'GET /api/logs': {
    query: {
      level?: 'debug' | 'info' | 'warn' | 'error';
      tag?: string;
      camera?: number;
      limit?: number;
      afterMs?: number;
    };
    answer: LogLines;
  };

  'GET /api/cameras': { answer: CameraList };
  'POST /api/cameras': { body: NewCamera; answer: Camera };
  'POST /api/cameras/probe': { body: ProbeInput; answer: ProbeResult };
  'GET /api/cameras/{id}': { answer: Camera };
  'PATCH /api/cameras/{id}': { body: CameraPatch; answer: Camera };
  /** Answers only where locked segments stay. */
  'DELETE /api/cameras/{id}': { query: { footage?: 'keep' | 'delete' }; answer: FootageKept | undefined };
  'POST /api/cameras/{id}/trigger': { body: Trigger; answer: TriggerReply };
  'POST /api/cameras/{id}/record': {
    body: { action?: 'start' | 'stop'; durationMs?: number; mode?: 'off' | 'continuous' | 'events' };
    answer: RecordReply;
  };

  'GET /api/segments': {
    query: {
      camera: number;
      stream?: StreamName;
      startMs?: number;
      endMs?: number;
      limit?: number;
      cursor?: string;
    };
    answer: SegmentList;
  };
  'PATCH /api/segments/{id}': { body: { locked: boolean }; answer: Segment };
  'DELETE /api/segments/{id}': object;
  'GET /api/segments/{id}/file': object;
  'GET /api/segments/{id}/file.mp4': object;
  'GET /api/segments/{id}/picture.jpg': { query: { atMs?: number; width?: number } };
  'GET /api/export.mp4': {
    query: { camera: number; stream?: StreamName; startMs: number; endMs: number; timeZone?: string };
  };

  'GET /api/events': {
    query: {
      camera?: number[];
      label?: string;
      zone?: string;
      source?: TriggerSource;
      startMs?: number;
      endMs?: number;
      reviewed?: boolean;
      locked?: boolean;
      limit?: number;
      cursor?: string;
    };
    answer: EventList;
  };
  'GET /api/events/{id}': { answer: Event };
  'PATCH /api/events/{id}': { body: { locked?: boolean; reviewed?: boolean; note?: string | null }; answer: Event };
  'DELETE /api/events/{id}': object;
  'GET /api/events/{id}/picture.jpg': object;
  'GET /api/events/{id}/clip.mp4': object;

  'GET /api/storage': { answer: StorageInfo };
  'GET /api/storage/forecast': {
    query: {
      camera?: number;
      days?: number | null;
      quotaBytes?: number | null;
      bitrateBps?: number;
      floorBytes?: number;
      totalQuotaBytes?: number | null;
    };
    answer: Forecast;
  };
  'GET /api/settings': { answer: Settings };
  'PATCH /api/settings': { body: SettingsPatch; answer: Settings };
  'POST /api/links': { body: { path: string; ttlMs: number }; answer: NewLink };
  'GET /api/setup': { answer: SetupState };
  'POST /api/setup': { body: { code: string; name: string; password: string }; answer: LoggedIn };
  'POST /api/login': { body: { name: string; password: string; totp?: string }; answer: LoggedIn };
  'POST /api/logout': object;
  'GET /api/me': { answer: Me };
  'PATCH /api/me': { body: { currentPassword: string; password: string }; answer: Me };
  'GET /api/sessions': { query: { user?: number }; answer: SessionList };
  'DELETE /api/sessions': { query: { user?: number } };
  'DELETE /api/sessions/{id}': object;
  'GET /api/users': { answer: UserList };
  'POST /api/users': {
    body: { name: string; password: string; role: Role; cameras?: number[] | null; rights?: Right[] };
    answer: User;
  };
  'PATCH /api/users/{id}': {
    body: { name?: string; password?: string; role?: Role; cameras?: number[] | null; rights?: Right[] };
    answer: User;
  };
  'DELETE /api/users/{id}': object;
  'GET /api/tokens': { query: { user?: number }; answer: TokenList };
  'POST /api/tokens': {
    body: { name: string; role?: Role; cameras?: number[]; rights?: Right[]; expiresMs?: number };
    answer: NewToken;
  };
  'DELETE /api/tokens/{id}': object;
  'GET /api/audit': { query: { action?: AuditAction; limit?: number; cursor?: string }; answer: AuditList };

  'POST /api/settings/webhooks/test': { body: { url: string; secret?: string | null }; answer: WebhookTestResult };
}

/** `GET /api/cameras/{id}`: WebSockets have GET too. */
export type RouteName = keyof ApiRoutes;

type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never;
type Field<Name extends RouteName, Key extends string> = ApiRoutes[Name] extends { [K in Key]: infer T }
  ? T
  : undefined;

/** What stands in the braces of a path. */
export type RouteParams<Name extends RouteName> = Record<ParamNames<Name>, string | number>;
export type RouteQuery<Name extends RouteName> = Field<Name, 'query'>;
export type RouteBody<Name extends RouteName> = Field<Name, 'body'>;
export type RouteAnswer<Name extends RouteName> = Field<Name, 'answer'>;
