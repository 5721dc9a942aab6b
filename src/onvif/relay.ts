// Relay outputs of a camera: a gate, a light, a siren.
import { OnvifError } from './problem.ts';
import type { SoapClient } from './soap-client.ts';
import { escapeXml } from './xml.ts';
import { children, find, label, textAt, tokenOf } from './xml-find.ts';

export interface Relay {
  token: string;
  /** `Monostable` falls back by itself. */
  mode?: string;
}

const MAX_RELAYS = 64;

/** None where the camera knows nothing of them. */
export async function askRelays(client: SoapClient, signal: AbortSignal): Promise<Relay[]> {
  const target = client.addresses.deviceTarget;
  try {
    const answer = await client.call({ target, prefix: 'tds', operation: 'GetRelayOutputs' }, signal);
    return children(answer, 'RelayOutputs')
      .slice(0, MAX_RELAYS)
      .flatMap(relay => {
        const token = tokenOf(relay);
        const mode = label(textAt(find(relay, 'Properties'), 'Mode'), 32);
        return token === undefined ? [] : [{ token, ...(mode === undefined ? {} : { mode }) }];
      });
  } catch (error) {
    if (error instanceof OnvifError && isAbsent(error)) return [];
    throw error;
  }
}

/** Cameras say in many ways that they have no such thing. */
export function isAbsent({ problem }: OnvifError): boolean {
  return ['unsupported', 'fault', 'bad-answer', 'not-onvif', 'server-error'].includes(problem);
}

export async function switchRelay(
  client: SoapClient,
  token: string,
  isOn: boolean,
  signal: AbortSignal,
): Promise<void> {
  const inside = `<tds:RelayOutputToken>${escapeXml(token)}</tds:RelayOutputToken><tds:LogicalState>${isOn ? 'active' : 'inactive'}</tds:LogicalState>`;
  const target = client.addresses.deviceTarget;
  await client.call({ target, prefix: 'tds', operation: 'SetRelayOutputState', inside }, signal);
}
