// The part of the contract about MQTT: settings, how it goes, and what a test of them says.
import type { HomeDevice, MqttPatch, MqttSettings, MqttState, MqttTestResult } from '../mqtt/index.ts';

export type { HomeDevice, MqttPatch, MqttProtocol, MqttSettings, MqttState, MqttTestResult } from '../mqtt/index.ts';

/** `GET`, `PUT /api/settings/mqtt`. Settings as in `GET /api/settings`. */
export interface MqttInfo {
  settings: MqttSettings;
  state: MqttState;
  /** What Home Assistant is told of; empty while MQTT is off, or without a discovery prefix. */
  devices: HomeDevice[];
}

/** The body of `PUT /api/settings/mqtt`: all of them; only secrets that are left out stay, null takes them away. */
export type MqttInput = MqttPatch & { url: string };

export interface MqttRoutes {
  'GET /api/settings/mqtt': { answer: MqttInfo };
  'PUT /api/settings/mqtt': { body: MqttInput; answer: MqttInfo };
  /** What would be in force with this change; `{}` = what is. A broker that cannot be used is an answer with `ok: false`. */
  'POST /api/settings/mqtt/test': { body: MqttPatch; answer: MqttTestResult };
}
