// Relay outputs of a camera: a gate, a light, a siren.
import type { Target } from './address.ts';
import { OnvifError } from './problem.ts';
import type { Services } from './services.ts';
import type { SoapClient } from './soap-client.ts';
import { escapeXml, type XmlElement } from './xml.ts';
import { children, find, label, textAt, tokenOf } from './xml-find.ts';

export interface Relay {
  token: string;
  /** `Monostable` falls back by itself. */
  mode?: string;
}

const MAX_RELAYS = 64;

export interface Relays {
  relays: Relay[];
  /** The service that has them. */
  target: Target;
}

/** None where the camera knows nothing of them. The device service has them, on some only the one for inputs and outputs. */
export async function askRelays(client: SoapClient, services: Services, signal: AbortSignal): Promise<Relays> {
  const device = client.addresses.deviceTarget;
  for (const target of [device, services.get('io')]) {
    if (!target) continue;
    try {
      const answer = await client.call({ target, prefix: 'tds', operation: 'GetRelayOutputs' }, signal);
      const relays = readRelays(answer);
      if (relays.length > 0) return { relays, target };
    } catch (error) {
      if (!(error instanceof OnvifError && isAbsent(error))) throw error;
    }
  }
  return { relays: [], target: device };
}

function readRelays(answer: XmlElement): Relay[] {
  return children(answer, 'RelayOutputs')
    .slice(0, MAX_RELAYS)
    .flatMap(relay => {
      const token = tokenOf(relay);
      const mode = label(textAt(find(relay, 'Properties'), 'Mode'), 32);
      return token === undefined ? [] : [{ token, ...(mode === undefined ? {} : { mode }) }];
    });
}

/** Cameras say in many ways that they have no such thing. */
export function isAbsent({ problem }: OnvifError): boolean {
  return ['unsupported', 'fault', 'bad-answer', 'not-onvif', 'server-error'].includes(problem);
}

export async function switchRelay(
  client: SoapClient,
  target: Target,
  token: string,
  isOn: boolean,
  signal: AbortSignal,
): Promise<void> {
  const inside = `<tds:RelayOutputToken>${escapeXml(token)}</tds:RelayOutputToken><tds:LogicalState>${isOn ? 'active' : 'inactive'}</tds:LogicalState>`;
  await client.call({ target, prefix: 'tds', operation: 'SetRelayOutputState', inside }, signal);
}
