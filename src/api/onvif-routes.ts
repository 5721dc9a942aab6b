// Cameras over ONVIF: finding them, what they tell, moving them, and what else they can do.
import * as v from 'valibot';
import { type Caller, ROLES } from '../accounts/index.ts';
import type { Camera } from '../cameras/index.ts';
import { NvrError } from '../core/index.ts';
import { type DiscoveryResult, readDeviceAddress, writeDeviceAddress } from '../onvif/index.ts';
import { cameraInPath, parseCameraId } from './camera-routes.ts';
import type { DiscoverReply, FoundDevice, OnvifInfo, OnvifLog, PtzCommand } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { ApiServices } from './services.ts';

const WAIT_CURE = 'Use 500 to 5000 milliseconds.';
const SPEED_CURE = 'Use a number from -1 to 1.';
const TOKEN_CURE = 'Use a token of a list that the camera has given.';
const NAME_CURE = 'Write a name of at most 64 characters.';

const discoverBody = v.strictObject({
  waitMs: v.optional(
    v.pipe(v.number(WAIT_CURE), v.integer(WAIT_CURE), v.minValue(500, WAIT_CURE), v.maxValue(5000, WAIT_CURE)),
    3000,
  ),
});
const part = v.optional(v.pipe(v.number(SPEED_CURE), v.minValue(-1, SPEED_CURE), v.maxValue(1, SPEED_CURE)));
const token = v.pipe(v.string(TOKEN_CURE), v.minLength(1, TOKEN_CURE), v.maxLength(256, TOKEN_CURE));
const ACTIONS = ['move', 'stop', 'preset', 'home', 'keep-home', 'go-to', 'go-by'] as const;
const ptzBody = v.strictObject({
  action: v.picklist(ACTIONS, `Use ${ACTIONS.join(', ')}.`),
  pan: part,
  tilt: part,
  zoom: part,
  preset: v.optional(token),
});
const presetBody = v.strictObject({
  name: v.pipe(
    v.string(NAME_CURE),
    v.trim(),
    v.minLength(1, NAME_CURE),
    v.maxLength(64, NAME_CURE),
    v.regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u, 'Leave control characters out.'),
  ),
  token: v.optional(token),
});
const presetQuery = v.strictObject({ token });
const onBody = v.boolean('Use true or false.');

export function onvifRoutes({ cameras, prober }: ApiServices) {
  const linkOf = ({ id }: Record<string, string>) => cameras.onvif(parseCameraId(id));
  const logOf = (params: Record<string, string>): OnvifLog => {
    const { entries, ...rest } = linkOf(params).log();
    return { ...rest, entries: [...entries] };
  };
  return [
    route('POST', '/api/cameras/discover', {
      identity: 'admin',
      summary: 'Looks for cameras that speak ONVIF in the networks of this machine.',
      rate: 'heavy',
      body: discoverBody,
      handle: async ({ body }) => jsonReply(200, foundBy(await prober.discover(body.waitMs), cameras.list())),
    }),
    route('GET', '/api/cameras/{id}/onvif', {
      identity: 'viewer',
      summary: 'What a camera can do over ONVIF, and what it has told in the last minutes.',
      cameras: cameraInPath,
      handle: ({ params, caller }) => jsonReply(200, seenInfo(cameras.onvifView(parseCameraId(params.id)), caller)),
    }),
    route('GET', '/api/cameras/{id}/onvif/log', {
      identity: 'admin',
      summary: 'What was said with a camera over ONVIF while that was kept, without secrets.',
      cameras: cameraInPath,
      handle: ({ params }) => jsonReply(200, logOf(params)),
    }),
    route('PUT', '/api/cameras/{id}/onvif/log', {
      identity: 'admin',
      summary: 'Keeps what is said with a camera over ONVIF for a quarter of an hour, or forgets it.',
      audit: 'change',
      cameras: cameraInPath,
      body: v.strictObject({ on: onBody }),
      handle: ({ params, body }) => {
        linkOf(params).setLog(body.on);
        return jsonReply(200, logOf(params));
      },
    }),
    ...ptzRoutes({ cameras }),
    route('POST', '/api/cameras/{id}/relay', {
      identity: 'operator',
      right: 'ptz',
      summary: 'Switches an output of a camera.',
      audit: 'change',
      cameras: cameraInPath,
      body: v.strictObject({ relay: token, on: onBody }),
      handle: async ({ params, body: { relay, on } }) => {
        await linkOf(params).ask(camera => camera.switchRelay(relay, on));
        return { status: 204 };
      },
    }),
    route('GET', '/api/cameras/{id}/day-night', {
      identity: 'viewer',
      right: 'ptz',
      summary: 'Whether a camera is set to day, night, or to choose by itself.',
      cameras: cameraInPath,
      handle: async ({ params }) => {
        const mode = await linkOf(params).ask(camera => camera.dayNight());
        return jsonReply(200, mode === undefined ? {} : { mode });
      },
    }),
    route('POST', '/api/cameras/{id}/day-night', {
      identity: 'operator',
      right: 'ptz',
      summary: 'Sets a camera to day, night, or to choose by itself.',
      audit: 'change',
      cameras: cameraInPath,
      body: v.strictObject({ mode: v.picklist(['day', 'night', 'auto'], 'Use day, night or auto.') }),
      handle: async ({ params, body }) => {
        await linkOf(params).ask(camera => camera.setDayNight(body.mode));
        return { status: 204 };
      },
    }),
  ];
}

function ptzRoutes({ cameras }: Pick<ApiServices, 'cameras'>) {
  const linkOf = ({ id }: Record<string, string>) => cameras.onvif(parseCameraId(id));
  return [
    route('POST', '/api/cameras/{id}/ptz', {
      identity: 'viewer',
      right: 'ptz',
      summary: 'Moves a camera; a move ends by itself within a second unless it is sent again.',
      cameras: cameraInPath,
      body: ptzBody,
      handle: async ({ params, body, caller }) => {
        checkCommand(body, caller);
        await perform(linkOf(params), body);
        return { status: 204 };
      },
    }),
    route('GET', '/api/cameras/{id}/ptz/presets', {
      identity: 'viewer',
      right: 'ptz',
      summary: 'The places that a camera knows by name.',
      cameras: cameraInPath,
      handle: async ({ params }) => jsonReply(200, { presets: [...(await linkOf(params).askPresets())] }),
    }),
    route('POST', '/api/cameras/{id}/ptz/presets', {
      identity: 'operator',
      right: 'ptz',
      summary: 'Keeps the place where a camera looks now under a name.',
      audit: 'change',
      cameras: cameraInPath,
      body: presetBody,
      handle: async ({ params, body: { name, token: known } }) => {
        const kept = await linkOf(params).keepPreset(name, known);
        return jsonReply(201, { token: kept, name });
      },
    }),
    route('DELETE', '/api/cameras/{id}/ptz/presets', {
      identity: 'operator',
      right: 'ptz',
      summary: 'Has a camera forget a place.',
      audit: 'change',
      cameras: cameraInPath,
      query: presetQuery,
      handle: async ({ params, query }) => {
        await linkOf(params).removePreset(query.token);
        return { status: 204 };
      },
    }),
  ];
}

type Command = v.InferOutput<typeof ptzBody>;

function checkCommand({ action, preset }: Command, { role }: Caller): void {
  if (action === 'preset' && preset === undefined) {
    throw new NvrError('invalid-argument', '"preset" is missing', { field: 'preset', cure: TOKEN_CURE });
  }
  if (action === 'keep-home' && ROLES.indexOf(role) < ROLES.indexOf('operator')) {
    throw new NvrError('permission-denied', 'this needs the role operator');
  }
}

async function perform(
  link: ReturnType<ApiServices['cameras']['onvif']>,
  { action, pan, tilt, zoom, preset = '' }: Command,
): Promise<void> {
  const place = {
    ...(pan === undefined ? {} : { pan }),
    ...(tilt === undefined ? {} : { tilt }),
    ...(zoom === undefined ? {} : { zoom }),
  };
  await link.askPtz(ptz => {
    const does: Record<PtzCommand['action'], () => Promise<void>> = {
      move: () => ptz.move({ pan: 0, tilt: 0, zoom: 0, ...place }),
      stop: () => ptz.stop(),
      preset: () => ptz.goToPreset(preset),
      home: () => ptz.goHome(),
      'keep-home': () => ptz.keepHome(),
      'go-to': () => ptz.goTo(place),
      'go-by': () => ptz.goBy(place),
    };
    return does[action]();
  });
}

/** A serial number is often the camera's first password. */
function seenInfo(view: OnvifInfo, { role }: Caller): OnvifInfo {
  const { capabilities } = view;
  if (role === 'admin' || !capabilities) return view;
  const { serial: _, ...information } = capabilities.information;
  return { ...view, capabilities: { ...capabilities, information } };
}

function foundBy({ cameras: found, failed }: DiscoveryResult, known: readonly Camera[]): DiscoverReply {
  const devices = found.map(
    ({ device, name, hardware, location }): FoundDevice => ({
      address: writeDeviceAddress(device),
      host: device.host,
      ...(name === undefined ? {} : { name }),
      ...(hardware === undefined ? {} : { hardware }),
      ...(location === undefined ? {} : { location }),
      cameras: known.filter(camera => hostsOf(camera).has(device.host)).map(({ id }) => id),
    }),
  );
  return { devices, failed };
}

function hostsOf({ main, onvif }: Camera): Set<string> {
  const [, host = ''] = /^rtsp:\/\/(?:\[([^\]]+)\]|[^/:?#]+)/i.exec(main.url) ?? [];
  const plain = host === '' ? (/^rtsp:\/\/([^/:?#]+)/i.exec(main.url)?.[1] ?? '') : host;
  const device = onvif && readDeviceAddress(onvif.address);
  return new Set([plain.toLowerCase(), ...(device ? [device.host] : [])]);
}
