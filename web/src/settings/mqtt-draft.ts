// What the form about MQTT holds, and what of it is sent: an emptied text takes away what it stood for.
import type { MqttPatch, MqttSettings } from '../../../src/api/contract.ts';
import type { FormValue } from '../components/form.tsx';

export type MqttDraft = Readonly<Record<string, FormValue>>;

const OPTIONAL = ['username', 'ca', 'cert'] as const;
const SECRETS = ['password', 'key'] as const;
const DISCOVERY = 'homeassistant';

export function mqttValue({ discoveryPrefix, ...settings }: MqttSettings): MqttDraft {
  const { enabled, url, protocol, prefix, username, ca, cert } = settings;
  return {
    ...{ enabled, url, protocol, prefix, username, ca, cert },
    ...{ found: discoveryPrefix !== null, discoveryPrefix: discoveryPrefix ?? DISCOVERY },
  };
}

/** `draft`: what was changed. */
export function mqttPatch(draft: MqttDraft, value: MqttDraft): MqttPatch {
  const { found = value.found, discoveryPrefix = value.discoveryPrefix, ...patch } = draft;
  const body: Record<string, unknown> = { ...patch };
  for (const key of OPTIONAL) if (body[key] === '') body[key] = null;
  for (const key of SECRETS) if (body[key] === '') delete body[key];
  // Their secrets have no use without them.
  if (body.username === null) body.password = null;
  if (body.cert === null) body.key = null;
  if ('found' in draft || 'discoveryPrefix' in draft) body.discoveryPrefix = found ? discoveryPrefix : null;
  return body as MqttPatch;
}

/** Whether certificates are asked for: with TLS, and where there still are some, so that they can be taken away. */
export function needsCertificates(held: MqttDraft): boolean {
  return /^mqtts:/i.test(String(held.url ?? '').trim()) || Boolean(held.ca || held.cert || held.key);
}
