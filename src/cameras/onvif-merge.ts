// Makes the stored ONVIF settings of a camera of what owners write: the address checked, the password sealed.
import { addressKind, NvrError } from '../core/index.ts';
import { readDeviceAddress } from '../onvif/index.ts';
import type { OnvifPatch } from './onvif-schema.ts';
import type { OnvifRecord, OnvifSettings } from './onvif-settings.ts';

export interface OnvifMergeOptions {
  allowLoopback: boolean;
  seal: (password: string) => string;
}

/** `base` with the change in it; throws `invalid-argument` naming the field. */
export function mergeOnvif(base: OnvifRecord | undefined, patch: OnvifPatch, options: OnvifMergeOptions): OnvifRecord {
  const { events, kinds, videoSource, checkCertificate, allowBasic } = patch;
  const address = patch.address ?? base?.address;
  if (address === undefined) throw invalid('address', 'is missing', 'Write the address of the camera.');
  if (patch.address !== undefined) checkOnvifAddress(address, 'onvif.address', options.allowLoopback);
  const merged: OnvifRecord = {
    address,
    events: events ?? base?.events ?? true,
    ...present('kinds', kinds === undefined ? base?.kinds : kinds),
    ...present('videoSource', videoSource === undefined ? base?.videoSource : videoSource),
    checkCertificate: checkCertificate ?? base?.checkCertificate ?? false,
    allowBasic: allowBasic ?? base?.allowBasic ?? false,
    ...present('username', base?.username),
    ...present('sealedPassword', base?.sealedPassword),
  };
  setLogin(merged, patch, options);
  return merged;
}

/** Throws for `field` when it is no address of a camera; names are looked at again once they are resolved. */
export function checkOnvifAddress(text: string, field: string, allowLoopback: boolean): void {
  const device = readDeviceAddress(text);
  const refuse = (what: string, cure: string) =>
    new NvrError('invalid-argument', `"${field}" ${what}`, { field, cure });
  if (!device) {
    throw refuse(
      'is no address of a camera',
      'Write its IP address, with :port where that is not 80, or the whole address without a login.',
    );
  }
  const kind = addressKind(device.host);
  const isOwn = kind === undefined ? /(^|\.)localhost\.?$/i.test(device.host) : kind !== 'ordinary';
  const isAllowed = !isOwn || (allowLoopback && kind !== 'other');
  if (!isAllowed)
    throw refuse(
      'points at this machine or at a link-local address',
      'Write the address that the camera has in your network.',
    );
}

/** Without a user name of its own the camera's login is taken, password and all. */
function setLogin(merged: OnvifRecord, { username, password }: OnvifPatch, { seal }: OnvifMergeOptions): void {
  if (username === null || username === '') {
    delete merged.username;
    delete merged.sealedPassword;
  } else if (username !== undefined) merged.username = username;
  if (password === null || password === '') delete merged.sealedPassword;
  else if (password !== undefined) merged.sealedPassword = seal(password);
  if (merged.sealedPassword !== undefined && merged.username === undefined) {
    throw invalid('username', 'is missing beside the password', 'Write the user name, too, or leave both out.');
  }
}

function present<K extends keyof OnvifRecord>(
  key: K,
  value: OnvifRecord[K] | null | undefined,
): Pick<OnvifRecord, K> | object {
  return value === null || value === undefined ? {} : { [key]: value };
}

/** The same device seen in the same way: what was found out about it holds. */
export function isSameDevice(one: OnvifSettings | undefined, other: OnvifSettings | undefined): boolean {
  return one !== undefined && one.address === other?.address && one.videoSource === other.videoSource;
}

function invalid(name: string, what: string, cure: string): NvrError {
  const field = `onvif.${name}`;
  return new NvrError('invalid-argument', `"${field}" ${what}`, { field, cure });
}
