// The settings of MQTT over HTTP, with how it goes and a test.
import { mqttPatchSchema, mqttSettingsSchema } from '../mqtt/index.ts';
import type { MqttInfo } from './contract.ts';
import { jsonReply } from './json-reply.ts';
import { route } from './router.ts';
import type { ApiServices } from './services.ts';

export function mqttRoutes({ mqtt }: ApiServices) {
  const info = (): MqttInfo => ({ settings: mqtt.settings(), state: mqtt.state(), devices: mqtt.devices() });
  return [
    route('GET', '/api/settings/mqtt', {
      identity: 'admin',
      summary: 'The settings of MQTT, and how it goes.',
      handle: () => jsonReply(200, info()),
    }),
    route('PUT', '/api/settings/mqtt', {
      identity: 'admin',
      summary: 'Sets all of MQTT; secrets that are left out stay.',
      audit: 'change',
      body: mqttSettingsSchema,
      handle: async ({ body }) => {
        await mqtt.update(body);
        return jsonReply(200, info());
      },
    }),
    route('POST', '/api/settings/mqtt/test', {
      identity: 'admin',
      summary: 'Tries a broker out, and says what is wrong with it.',
      rate: 'heavy',
      body: mqttPatchSchema,
      handle: async ({ body }) => jsonReply(200, await mqtt.test(body)),
    }),
  ];
}
