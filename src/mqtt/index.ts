// What the rest of the service sees of `mqtt`.
export type { MqttTestResult } from './connection-test.ts';
export { BROKER_FAULTS, type BrokerProblem } from './faults.ts';
export type { HomeDevice } from './home.ts';
export { Mqtt, type MqttOptions, type MqttState } from './mqtt.ts';
export {
  checkMqtt,
  MQTT_PROTOCOLS,
  MQTT_SECTION,
  type MqttInput,
  type MqttPatch,
  type MqttProtocol,
  type MqttSettings,
  mqttPatchSchema,
  mqttSettingsSchema,
  storedMqtt,
} from './mqtt-settings.ts';
