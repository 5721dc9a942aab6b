// Between forms, whose fields are named by paths, and cameras, whose settings lie in each other; and where makes have their streams.
import type { Camera, CameraPatch } from '../../../src/api/contract.ts';
import type { FormValue } from '../components/form.tsx';

export type Draft = Readonly<Record<string, FormValue>>;

/** `{'main.url': x}` -> `{main: {url: x}}` */
export function nested(draft: Draft): Record<string, unknown> {
  const whole: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(draft)) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let at = whole;
    for (const key of keys) at = (at[key] ??= {}) as Record<string, unknown>;
    at[last] = value;
  }
  return whole;
}

/** What stands under a path. */
export function valueAt(whole: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], whole);
}

/** What fields of a form hold for a camera. */
export function draftOf(camera: Camera, paths: readonly string[]): Record<string, FormValue> {
  const { main, events } = camera;
  const others = paths
    .filter(path => path.startsWith('also.'))
    .map(path => [path, events.alsoTrigger.includes(Number(path.slice(5)))]);
  return {
    ...Object.fromEntries(paths.map(path => [path, valueAt(camera, path) as FormValue])),
    ...Object.fromEntries(others),
    hub: camera.hub ?? '',
    'main.fallbackUrls': main.fallbackUrls?.join(' '),
  };
}

/** What to send of what was changed: emptied texts take things away. */
export function patchOf(draft: Draft, alsoTrigger: readonly number[] = []): CameraPatch {
  const rest = Object.fromEntries(Object.entries(draft).filter(([path]) => !path.startsWith('also.')));
  const also = Object.entries(draft).filter(([path]) => path.startsWith('also.'));
  const patch = nested(rest);
  if (draft['sub.url'] === '') patch.sub = null;
  if (draft.hub === '') patch.hub = null;
  if (draft.username === '') Object.assign(patch, { username: null, password: null });
  const further = draft['main.fallbackUrls'];
  if (typeof further === 'string') {
    const urls = further.split(/\s+/).filter(url => url !== '');
    Object.assign(patch.main as object, { fallbackUrls: urls.length > 0 ? urls : null });
  }
  if (also.length > 0) {
    const cameras = new Set(alsoTrigger);
    for (const [path, on] of also) cameras[on ? 'add' : 'delete'](Number(path.slice(5)));
    patch.events = { ...(patch.events as object | undefined), alsoTrigger: [...cameras] };
  }
  return patch as CameraPatch;
}

/** Paths of the first camera's main and small stream, as the makers' manuals give them. */
export const MAKES: Readonly<Record<string, readonly [string, string]>> = {
  Axis: ['/axis-media/media.amp', '/axis-media/media.amp?resolution=640x360'],
  'Dahua, Amcrest': ['/cam/realmonitor?channel=1&subtype=0', '/cam/realmonitor?channel=1&subtype=1'],
  Foscam: ['/videoMain', '/videoSub'],
  Hikvision: ['/Streaming/Channels/101', '/Streaming/Channels/102'],
  Reolink: ['/h264Preview_01_main', '/h264Preview_01_sub'],
  'Tapo, VIGI': ['/stream1', '/stream2'],
  Uniview: ['/media/video1', '/media/video2'],
};

/** The addresses to try; `sub` '' = none. What is a whole URL already is left as it is. */
export function streamUrls({ address, make, sub }: { address: string; make: string; sub: string }): {
  main: string;
  sub: string;
} {
  const host = address.trim();
  const paths = MAKES[make];
  if (/^[a-z]+:\/\//i.test(host)) return { main: host, sub: sub.trim() };
  const root = host === '' ? '' : `rtsp://${host.replace(/\/+$/, '')}`;
  if (!paths || root === '') return { main: root, sub: sub.trim() };
  return { main: root + paths[0], sub: root + paths[1] };
}

/** Bytes that the seconds before events hold, as the board reckons: from the key frame before, and triggers come late. */
export function pastBytes(preRollMs: number, bitsPerSecond = 4e6, gopMs = 4000): number {
  return ((preRollMs + 2000 + gopMs) / 1000) * (bitsPerSecond / 8);
}
