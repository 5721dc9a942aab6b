// What the form about ONVIF holds of a camera, and what of it is sent.
import type { Camera, CameraPatch, OnvifKind } from '../../../src/api/contract.ts';
import type { Draft } from './paths.ts';

/** Which of a closed list, so that none is forgotten. */
const KINDS: Readonly<Record<OnvifKind, true>> = {
  ...{ motion: true, 'cell-motion': true, person: true, vehicle: true, animal: true, face: true, package: true },
  ...{ doorbell: true, line: true, field: true, tamper: true, sound: true, input: true },
};
export const ONVIF_KINDS = Object.keys(KINDS) as OnvifKind[];

type Settings = NonNullable<Camera['onvif']>;

export function onvifValue(settings: Settings | undefined): Draft {
  const {
    address = '',
    events = true,
    kinds,
    videoSource,
    checkCertificate = false,
    allowBasic = false,
  } = settings ?? {};
  const { username } = settings ?? {};
  return {
    ...{ 'onvif.address': address, 'onvif.events': events, 'onvif.videoSource': videoSource },
    ...{ 'onvif.checkCertificate': checkCertificate, 'onvif.allowBasic': allowBasic, 'onvif.username': username },
    which: kinds ? 'some' : 'all',
    ...Object.fromEntries(ONVIF_KINDS.map(kind => [`kind.${kind}`, kinds?.includes(kind) ?? true])),
  };
}

/** `draft`: what was changed. An emptied address ends ONVIF for the camera, emptied texts take away what they stood for. */
export function onvifPatch(draft: Draft, value: Draft): CameraPatch {
  const held = { ...value, ...draft };
  if (String(held['onvif.address'] ?? '').trim() === '') return { onvif: null };
  const patch: Record<string, unknown> = {};
  for (const [path, wanted] of Object.entries(draft)) {
    const [place, key = ''] = path.split('.');
    if (place === 'onvif') patch[key] = wanted === '' ? null : wanted;
  }
  // An empty field stands for the password that there is.
  if (patch.password === null) delete patch.password;
  if (patch.username === null) patch.password = null;
  const isAbout = (path: string) => path === 'which' || path.startsWith('kind.');
  if (Object.keys(draft).some(isAbout))
    patch.kinds = held.which === 'all' ? null : ONVIF_KINDS.filter(kind => held[`kind.${kind}`]);
  return { onvif: patch } as CameraPatch;
}
