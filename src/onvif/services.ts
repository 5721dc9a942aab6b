// Which services a camera has and where, from GetServices or, on older ones, GetCapabilities.
import type { Target } from './address.ts';
import { namespaceOf, type Prefix } from './envelope.ts';
import { OnvifError } from './problem.ts';
import type { SoapClient } from './soap-client.ts';
import type { XmlElement } from './xml.ts';
import { children, find, label, textAt } from './xml-find.ts';

export type ServiceName = 'device' | 'media' | 'media2' | 'events' | 'ptz' | 'imaging' | 'io';

const PREFIX_OF: Readonly<Record<ServiceName, Prefix>> = {
  device: 'tds',
  media: 'trt',
  media2: 'tr2',
  events: 'tev',
  ptz: 'tptz',
  imaging: 'timg',
  io: 'tmd',
};
const NAMES = Object.keys(PREFIX_OF) as ServiceName[];
const MAX_SERVICES = 64;

export type Services = ReadonlyMap<ServiceName, Target>;

/** Asks without login first, as both calls are open by the specification. */
export async function askServices(client: SoapClient, signal: AbortSignal): Promise<Services> {
  const target = client.addresses.deviceTarget;
  const found = new Map<ServiceName, Target>([['device', target]]);
  const add = (name: ServiceName, address: string | undefined) => {
    const at = client.addresses.target(address);
    if (at && name !== 'device') found.set(name, at);
  };
  try {
    const inside = '<tds:IncludeCapability>false</tds:IncludeCapability>';
    const answer = await client.call({ target, prefix: 'tds', operation: 'GetServices', inside }, signal);
    const all = children(answer, 'Service').slice(0, MAX_SERVICES);
    const byName = (name: ServiceName) =>
      all.find(one => textAt(one, 'Namespace')?.replace(/\/$/, '') === namespaceOf(PREFIX_OF[name]));
    client.addresses.learnSelf(textAt(byName('device'), 'XAddr'));
    for (const name of NAMES) add(name, textAt(byName(name), 'XAddr'));
    if (found.size > 1) return found;
  } catch (error) {
    if (!isRefusedCall(error)) throw error;
  }
  addFromCapabilities(await askCapabilities(client, signal), client, add);
  return found;
}

function isRefusedCall(error: unknown): boolean {
  return error instanceof OnvifError && !['unauthorized', 'timeout', 'closed'].includes(error.problem);
}

async function askCapabilities(client: SoapClient, signal: AbortSignal): Promise<XmlElement> {
  const target = client.addresses.deviceTarget;
  const inside = '<tds:Category>All</tds:Category>';
  return await client.call({ target, prefix: 'tds', operation: 'GetCapabilities', inside }, signal);
}

function addFromCapabilities(
  answer: XmlElement,
  client: SoapClient,
  add: (name: ServiceName, address: string | undefined) => void,
): void {
  const all = find(answer, 'Capabilities');
  client.addresses.learnSelf(textAt(all, 'Device/XAddr'));
  add('media', textAt(all, 'Media/XAddr'));
  add('events', textAt(all, 'Events/XAddr'));
  add('ptz', textAt(all, 'PTZ/XAddr'));
  add('imaging', textAt(all, 'Imaging/XAddr'));
  add('io', textAt(all, 'Extension/DeviceIO/XAddr'));
}

/** What the camera calls itself. */
export interface DeviceInformation {
  manufacturer?: string;
  model?: string;
  firmware?: string;
  serial?: string;
}

export async function askInformation(client: SoapClient, signal: AbortSignal): Promise<DeviceInformation> {
  const target = client.addresses.deviceTarget;
  const answer = await client.call({ target, prefix: 'tds', operation: 'GetDeviceInformation' }, signal);
  const parts = {
    manufacturer: label(textAt(answer, 'Manufacturer')),
    model: label(textAt(answer, 'Model')),
    firmware: label(textAt(answer, 'FirmwareVersion')),
    serial: label(textAt(answer, 'SerialNumber')),
  };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}
