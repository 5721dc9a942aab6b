// Where a camera's services are: always on the host that its owner named, whatever the camera writes into its answers.
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { addressKind } from '../core/index.ts';

/** The device service, as its owner or a discovery gave it. */
export interface DeviceAddress {
  /** Name or address, IPv6 without brackets. */
  host: string;
  port: number;
  /** HTTPS. */
  tls: boolean;
  /** Begins with a slash. */
  path: string;
}

export const DEVICE_PATH = '/onvif/device_service';

/** What people write: a host, with port, or the whole address. Undefined for anything else, and for one with a login in it. */
export function readDeviceAddress(text: string): DeviceAddress | undefined {
  const [, scheme = 'http', authority = '', path = ''] =
    /^(?:(https?):\/\/)?([^/?#@\s]+)([/?][\x21-\x7e]*)?$/i.exec(text.trim()) ?? [];
  if (authority === '' || authority.endsWith(':') || text.length > 512) return undefined;
  const isBareSix = isIPv6(authority);
  const sent = readAddress(`${scheme}://${isBareSix ? `[${authority}]` : authority}${path}`);
  if (!sent) return undefined;
  const { host, port, tls } = sent;
  return { host, port, tls, path: path.length > 1 ? sent.path : DEVICE_PATH };
}

/** An address that `readDeviceAddress` reads as this device. */
export function writeDeviceAddress({ host, port, tls, path }: DeviceAddress): string {
  const usual = tls ? 443 : 80;
  return `${tls ? 'https' : 'http'}://${bracketed(host)}${port === usual ? '' : `:${port}`}${path}`;
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** Where one request goes; host and tls are the camera's. */
export interface Target {
  port: number;
  /** With query. */
  path: string;
}

interface SentAddress {
  host: string;
  port: number;
  path: string;
}

/** What a camera wrote as an address of its own; undefined when it is no HTTP address. */
export function readAddress(text: string | undefined): (SentAddress & { tls: boolean }) | undefined {
  const match = /^(https?):\/\/[^\s]*$/i.exec(text ?? '');
  if (!match || text === undefined) return undefined;
  try {
    const url = new URL(text);
    const tls = url.protocol === 'https:';
    const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
    if (port === 0) return undefined;
    const path = `${url.pathname}${url.search}`;
    return { host: url.hostname.replace(/^\[|\]$/g, '').toLowerCase(), port, tls, path };
  } catch {
    return undefined;
  }
}

/**
 * Turns addresses of a camera into targets on it. Behind a port forwarding it names ports that lead nowhere from here: the one of its
 * device service stands for ours. Other ports count only on the host that it names itself by; from foreign hosts only the path is taken.
 */
export class AddressBook {
  readonly device: DeviceAddress;
  #self: SentAddress | undefined;

  constructor(device: DeviceAddress) {
    this.device = device;
  }

  get deviceTarget(): Target {
    return { port: this.device.port, path: this.device.path };
  }

  /** What the camera believes the address of its own device service to be. */
  learnSelf(text: string | undefined): void {
    this.#self = readAddress(text);
  }

  /** Undefined when the text is no address: where nothing better is known, the caller asks the service it came from. */
  target(text: string | undefined): Target | undefined {
    const { device } = this;
    // Some leave host and port out.
    const path = /^\/(?!\/)[\x21-\x7e]*$/.exec(text ?? '')?.[0];
    if (path !== undefined) return { port: device.port, path };
    const sent = readAddress(text);
    if (!sent) return undefined;
    const isSelf = sent.host === (this.#self?.host ?? device.host.toLowerCase());
    const isDevicePort = sent.port === (this.#self?.port ?? device.port);
    const isOtherScheme = sent.tls !== device.tls;
    const port = isSelf && !isDevicePort && !isOtherScheme ? sent.port : device.port;
    return { port, path: sent.path };
  }

  /** The same for a stream: host and login are taken out, path and port stay. Undefined unless it is RTSP. */
  streamUrl(text: string | undefined): string | undefined {
    const [, scheme = '', authority = '', rest = ''] = /^(rtsps?):\/\/([^/?#\s]*)([^\s]*)$/i.exec(text ?? '') ?? [];
    if (scheme === '') return undefined;
    const port = /:(\d{1,5})$/.exec(authority)?.[1];
    return `${scheme.toLowerCase()}://${bracketed(this.device.host)}${port ? `:${port}` : ''}${rest || '/'}`;
  }

  /** And for a picture: an address on the camera. */
  pictureUrl(text: string | undefined): string | undefined {
    const target = this.target(text);
    return (
      target && `${this.device.tls ? 'https' : 'http'}://${bracketed(this.device.host)}:${target.port}${target.path}`
    );
  }
}

export interface AddressRules {
  allowLoopback: boolean;
  /** Ports that the service itself listens on. */
  ownPorts: () => readonly number[];
}

/** True unless an address in digits belongs to this machine's service, to the link, or to a group. */
export function mayGoTo(address: string, port: number, { allowLoopback, ownPorts }: AddressRules): boolean {
  const kind = addressKind(address);
  if (kind === undefined || kind === 'other' || (kind === 'loopback' && !allowLoopback)) return false;
  return !ownPorts().includes(port) || (kind !== 'loopback' && !isOwn(address));
}

function isOwn(address: string): boolean {
  const own = new BlockList();
  for (const one of Object.values(networkInterfaces()).flatMap(list => list ?? []))
    own.addAddress(one.address, one.family === 'IPv4' ? 'ipv4' : 'ipv6');
  const [digits = ''] = address.split('%', 1);
  return own.check(digits, isIPv6(digits) ? 'ipv6' : 'ipv4');
}
