// The form about MQTT: what it sends of what was changed, and when it asks for certificates.
import * as assert from 'uvu/assert';
import type { MqttSettings } from '../../src/api/contract.ts';
import { mqttPatch, mqttValue, needsCertificates } from '../../web/src/settings/mqtt-draft.ts';
import { suite } from '../support/suite.ts';

const test = suite('web mqtt form');
const SETTINGS: MqttSettings = {
  ...{ enabled: true, url: 'mqtts://broker:8883', protocol: 'auto', prefix: 'thimble', discoveryPrefix: 'home' },
  ...{ username: 'nvr', hasPassword: true, ca: 'CA', cert: 'CERT', hasKey: true },
};

test('what is not changed is not sent', () => {
  const value = mqttValue(SETTINGS);
  assert.equal(mqttPatch({}, value), {});
  assert.equal(mqttPatch({ prefix: 'nvr' }, value), { prefix: 'nvr' });
});

test('an emptied text takes away what it stood for, with its secret', () => {
  const value = mqttValue(SETTINGS);
  assert.equal(mqttPatch({ username: '' }, value), { username: null, password: null });
  assert.equal(mqttPatch({ ca: '', cert: '' }, value), { ca: null, cert: null, key: null });
  assert.equal(mqttPatch({ password: 'x' }, value), { password: 'x' });
});

test('an emptied password field leaves the password as it is', () => {
  assert.equal(mqttPatch({ password: '' }, mqttValue(SETTINGS)), {});
  assert.equal(mqttPatch({ key: '' }, mqttValue(SETTINGS)), {});
});

test('Home Assistant is told nothing without the wish, and looks where it looked before', () => {
  const value = mqttValue(SETTINGS);
  assert.equal(mqttPatch({ found: false }, value), { discoveryPrefix: null });
  assert.equal(mqttPatch({ found: false, discoveryPrefix: 'x' }, value), { discoveryPrefix: null });
  const none = mqttValue({ ...SETTINGS, discoveryPrefix: null });
  assert.equal([none.found, mqttPatch({ found: true }, none)], [false, { discoveryPrefix: 'homeassistant' }]);
  assert.equal(mqttPatch({ found: true, discoveryPrefix: 'y' }, none), { discoveryPrefix: 'y' });
});

test('certificates are asked for with TLS, and where there are some to take away', () => {
  assert.is(needsCertificates({ url: ' MQTTS://x' }), true);
  assert.is(needsCertificates({ url: 'mqtt://x' }), false);
  assert.is(needsCertificates({ url: 'mqtt://x', ca: 'CA' }), true);
});

test.run();
