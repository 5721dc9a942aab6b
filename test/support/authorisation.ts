// What each route is expected to say to each kind of caller. A route without a line here does not compile.
import type { RouteName } from '../../src/api/contract.ts';

export interface Expectation {
  /** The least role. */
  needs: 'public' | 'viewer' | 'operator' | 'admin';
  /** It is about camera 1: for whoever may not see that, there is no such thing. */
  ofCamera?: true;
  /** Beside the role. */
  right?: 'export' | 'delete' | 'ptz' | 'talk';
  /** A signed link is enough. */
  link?: true;
  /** A WebSocket. */
  socket?: true;
  /** The path with its parameters filled in, and a query. Default: the path of the route. `{…}` are filled in by the walk. */
  path?: string;
  body?: unknown;
  /** Status for whoever gets through. */
  passes: number;
  /** The same for an API token, where that is different. */
  byToken?: number;
}

const segment = '/api/segments/1-main-1000-0';
const event = '/api/events/1-1-0';

/** Most of what is asked for does not exist: what counts is who gets as far as being told so. */
export const EXPECTATIONS: Record<RouteName, Expectation> = {
  'GET /api/health': { needs: 'public', passes: 200 },
  'GET /api/setup': { needs: 'public', passes: 200 },
  'POST /api/setup': { needs: 'public', body: { code: 'x', name: 'eve', password: 'some long words' }, passes: 404 },
  'POST /api/login': { needs: 'public', body: { name: 'viewer', password: '{password}' }, passes: 200 },
  'GET /api/openapi.json': { needs: 'viewer', passes: 200 },
  'GET /api/status': { needs: 'viewer', passes: 200 },
  'GET /api/metrics': { needs: 'admin', passes: 200 },
  'GET /api/logs': { needs: 'admin', passes: 200 },
  'GET /api/updates': { needs: 'viewer', socket: true, passes: 101 },

  'GET /api/cameras': { needs: 'viewer', passes: 200 },
  'POST /api/cameras': { needs: 'admin', body: { name: 'New', main: { url: 'rtsp://10.0.0.9/a' } }, passes: 201 },
  'POST /api/cameras/probe': { needs: 'admin', body: { url: 'nonsense' }, passes: 400 },
  'POST /api/cameras/discover': { needs: 'admin', body: { waitMs: 1 }, passes: 400 },
  'GET /api/cameras/{id}/onvif': { needs: 'viewer', ofCamera: true, path: '/api/cameras/1/onvif', passes: 200 },
  'GET /api/cameras/{id}/onvif/log': { needs: 'admin', path: '/api/cameras/1/onvif/log', passes: 200 },
  'PUT /api/cameras/{id}/onvif/log': {
    ...{ needs: 'admin', path: '/api/cameras/1/onvif/log', body: { on: true }, passes: 409 },
  },
  'POST /api/cameras/{id}/webrtc': {
    ...{ needs: 'viewer', ofCamera: true, path: '/api/cameras/1/webrtc', body: { sdp: 'v=0' }, passes: 400 },
  },
  'DELETE /api/cameras/{id}/webrtc/{session}': {
    ...{ needs: 'viewer', ofCamera: true, path: '/api/cameras/1/webrtc/abc', passes: 404 },
  },
  'POST /api/cameras/{id}/talk': {
    ...{ needs: 'viewer', ofCamera: true, right: 'talk' },
    ...{ path: '/api/cameras/1/talk', body: { sdp: 'v=0' }, passes: 400 },
  },
  'PUT /api/cameras/{id}/talk/{session}': {
    ...{ needs: 'viewer', ofCamera: true, right: 'talk', path: '/api/cameras/1/talk/abc', passes: 404 },
  },
  'DELETE /api/cameras/{id}/talk/{session}': {
    ...{ needs: 'viewer', ofCamera: true, right: 'talk', path: '/api/cameras/1/talk/abc', passes: 404 },
  },
  'POST /api/cameras/{id}/ptz': {
    ...{ needs: 'viewer', ofCamera: true, right: 'ptz' },
    ...{ path: '/api/cameras/1/ptz', body: { action: 'stop' }, passes: 409 },
  },
  'GET /api/cameras/{id}/ptz/presets': {
    ...{ needs: 'viewer', ofCamera: true, right: 'ptz' },
    ...{ path: '/api/cameras/1/ptz/presets', passes: 409 },
  },
  'POST /api/cameras/{id}/ptz/presets': {
    ...{ needs: 'operator', ofCamera: true, right: 'ptz' },
    ...{ path: '/api/cameras/1/ptz/presets', body: { name: 'Gate' }, passes: 409 },
  },
  'DELETE /api/cameras/{id}/ptz/presets': {
    ...{ needs: 'operator', ofCamera: true, right: 'ptz' },
    ...{ path: '/api/cameras/1/ptz/presets?token=1', passes: 409 },
  },
  'POST /api/cameras/{id}/relay': {
    ...{ needs: 'operator', ofCamera: true, right: 'ptz' },
    ...{ path: '/api/cameras/1/relay', body: { relay: 'R1', on: true }, passes: 409 },
  },
  'GET /api/cameras/{id}/day-night': {
    ...{ needs: 'viewer', ofCamera: true, right: 'ptz' },
    ...{ path: '/api/cameras/1/day-night', passes: 409 },
  },
  'POST /api/cameras/{id}/day-night': {
    ...{ needs: 'operator', ofCamera: true, right: 'ptz' },
    ...{ path: '/api/cameras/1/day-night', body: { mode: 'auto' }, passes: 409 },
  },
  'GET /api/cameras/{id}': { needs: 'viewer', ofCamera: true, path: '/api/cameras/1', passes: 200 },
  'PATCH /api/cameras/{id}': { needs: 'admin', path: '/api/cameras/1', body: { priority: 60 }, passes: 200 },
  // Gone after the first.
  'DELETE /api/cameras/{id}': { needs: 'admin', path: '/api/cameras/1', passes: 204, byToken: 404 },
  'POST /api/cameras/{id}/trigger': {
    ...{ needs: 'operator', ofCamera: true },
    ...{ path: '/api/cameras/1/trigger', body: { action: 'stop' }, passes: 202 },
  },
  'POST /api/cameras/{id}/record': {
    ...{ needs: 'operator', ofCamera: true },
    ...{ path: '/api/cameras/1/record', body: { action: 'stop' }, passes: 202 },
  },
  'GET /api/cameras/{id}/live': {
    ...{ needs: 'viewer', ofCamera: true, socket: true },
    ...{ path: '/api/cameras/1/live', passes: 101 },
  },
  'GET /api/cameras/{id}/snapshot.jpg': {
    ...{ needs: 'viewer', ofCamera: true, link: true },
    ...{ path: '/api/cameras/1/snapshot.jpg', passes: 503 },
  },
  'GET /api/cameras/{id}/mjpeg': { needs: 'viewer', ofCamera: true, path: '/api/cameras/1/mjpeg', passes: 503 },
  'GET /api/cameras/{id}/keyframe': {
    ...{ needs: 'viewer', ofCamera: true },
    ...{ path: '/api/cameras/1/keyframe?atMs=5', passes: 404 },
  },
  'GET /api/cameras/{id}/playback.m3u8': {
    ...{ needs: 'viewer', ofCamera: true, link: true },
    ...{ path: '/api/cameras/1/playback.m3u8?startMs=0&endMs=9', passes: 404 },
  },

  'GET /api/segments': { needs: 'viewer', ofCamera: true, path: '/api/segments?camera=1', passes: 200 },
  'PATCH /api/segments/{id}': { needs: 'operator', ofCamera: true, path: segment, body: { locked: true }, passes: 404 },
  'DELETE /api/segments/{id}': { needs: 'viewer', ofCamera: true, right: 'delete', path: segment, passes: 404 },
  'GET /api/segments/{id}/file': { needs: 'viewer', ofCamera: true, link: true, path: `${segment}/file`, passes: 404 },
  'GET /api/segments/{id}/file.mp4': {
    ...{ needs: 'viewer', ofCamera: true, link: true },
    ...{ path: `${segment}/file.mp4`, passes: 404 },
  },
  'GET /api/segments/{id}/video': {
    ...{ needs: 'viewer', ofCamera: true },
    ...{ path: `${segment}/video?offset=0&sizeBytes=9`, passes: 404 },
  },
  'GET /api/segments/{id}/picture.jpg': {
    ...{ needs: 'viewer', ofCamera: true, link: true },
    ...{ path: `${segment}/picture.jpg`, passes: 404 },
  },
  'GET /api/timeline': {
    ...{ needs: 'viewer', ofCamera: true },
    ...{ path: '/api/timeline?camera=2&camera=1&startMs=0&endMs=9', passes: 200 },
  },
  'GET /api/days': {
    ...{ needs: 'viewer', ofCamera: true },
    ...{ path: '/api/days?camera=2&camera=1&bounds=0,9', passes: 200 },
  },
  'GET /api/playback': {
    ...{ needs: 'viewer', ofCamera: true },
    ...{ path: '/api/playback?camera=1&startMs=0&endMs=9', passes: 200 },
  },
  'GET /api/export.mp4': {
    ...{ needs: 'viewer', ofCamera: true, right: 'export', link: true },
    ...{ path: '/api/export.mp4?camera=1&startMs=0&endMs=9', passes: 404 },
  },

  'GET /api/events': { needs: 'viewer', ofCamera: true, path: '/api/events?camera=1', passes: 200 },
  'GET /api/events/{id}': { needs: 'viewer', ofCamera: true, path: event, passes: 404 },
  'PATCH /api/events/{id}': { needs: 'viewer', ofCamera: true, path: event, body: { reviewed: true }, passes: 404 },
  'DELETE /api/events/{id}': { needs: 'viewer', ofCamera: true, right: 'delete', path: event, passes: 404 },
  'GET /api/events/{id}/picture.jpg': {
    ...{ needs: 'viewer', ofCamera: true, link: true },
    ...{ path: `${event}/picture.jpg`, passes: 404 },
  },
  'GET /api/events/{id}/clip.mp4': {
    ...{ needs: 'viewer', ofCamera: true, right: 'export', link: true },
    ...{ path: `${event}/clip.mp4`, passes: 404 },
  },

  'GET /api/storage': { needs: 'viewer', passes: 200 },
  'GET /api/storage/forecast': { needs: 'viewer', ofCamera: true, path: '/api/storage/forecast?camera=1', passes: 200 },
  'GET /api/settings': { needs: 'admin', passes: 200 },
  'PATCH /api/settings': { needs: 'admin', body: { hosts: [] }, passes: 200 },
  'GET /api/go2rtc': { needs: 'admin', passes: 200 },
  'POST /api/go2rtc/install': { needs: 'admin', passes: 202 },
  'GET /api/settings/mqtt': { needs: 'admin', passes: 200 },
  'PUT /api/settings/mqtt': { needs: 'admin', body: { enabled: false, url: '' }, passes: 200 },
  'POST /api/settings/mqtt/test': { needs: 'admin', body: {}, passes: 400 },
  'GET /api/settings/restream': { needs: 'admin', passes: 200 },
  'POST /api/settings/restream/users': { needs: 'admin', body: { name: '-' }, passes: 400 },
  'POST /api/settings/restream/users/{name}/secret': {
    ...{ needs: 'admin', path: '/api/settings/restream/users/nobody/secret', passes: 404 },
  },
  'DELETE /api/settings/restream/users/{name}': {
    needs: 'admin',
    path: '/api/settings/restream/users/nobody',
    passes: 404,
  },
  'POST /api/settings/webhooks/test': { needs: 'admin', body: { url: 'http://10.0.0.9/' }, passes: 200 },
  'GET /api/backup': { needs: 'admin', passes: 200 },
  'POST /api/restore': { needs: 'admin', body: { backup: {} }, passes: 400 },
  'GET /api/groups': { needs: 'viewer', passes: 200 },
  'POST /api/groups': { needs: 'operator', body: { name: 'Front', cameras: [], layout: 'auto' }, passes: 201 },
  'PATCH /api/groups': { needs: 'operator', body: { order: [] }, passes: 200 },
  'PATCH /api/groups/{id}': { needs: 'operator', path: '/api/groups/99', body: { name: 'x' }, passes: 404 },
  'DELETE /api/groups/{id}': { needs: 'operator', path: '/api/groups/99', passes: 404 },
  'POST /api/links': {
    ...{ needs: 'viewer', ofCamera: true },
    ...{ body: { path: `${segment}/file`, ttlMs: 5000 }, passes: 201 },
  },

  'GET /api/me': { needs: 'viewer', passes: 200 },
  'GET /api/sessions': { needs: 'viewer', passes: 200 },
  'DELETE /api/sessions/{id}': { needs: 'viewer', path: '/api/sessions/abc', passes: 404 },
  'GET /api/users': { needs: 'admin', passes: 200 },
  'POST /api/users': { needs: 'admin', body: { name: 'new', password: 'x', role: 'viewer' }, passes: 400 },
  'PATCH /api/users/{id}': { needs: 'admin', path: '/api/users/99', body: { rights: [] }, passes: 404 },
  'DELETE /api/users/{id}': { needs: 'admin', path: '/api/users/99', passes: 404 },
  'GET /api/tokens': { needs: 'viewer', passes: 200 },
  'POST /api/tokens': { needs: 'viewer', body: { name: 'robot' }, passes: 201, byToken: 403 },
  'DELETE /api/tokens/{id}': { needs: 'viewer', path: '/api/tokens/abc', passes: 404 },
  'GET /api/audit': { needs: 'admin', passes: 200 },
  'PATCH /api/me': {
    needs: 'viewer',
    body: { currentPassword: '{password}', password: 'x' },
    passes: 400,
    byToken: 403,
  },
  'DELETE /api/sessions': { needs: 'viewer', passes: 204 },
  // The last: it ends the session that asks.
  'POST /api/logout': { needs: 'viewer', passes: 204 },
};
