// The settings of MQTT: what may be in force, what is shown, and secrets that nobody sees.
import * as assert from 'uvu/assert';
import { NvrError, parseInput } from '../../src/core/index.ts';
import { mqttPatchSchema, mqttSettingsSchema, storedMqtt } from '../../src/mqtt/index.ts';
import { type MqttPatch, MqttSettingsKeeper } from '../../src/mqtt/mqtt-settings.ts';
import { Authority, certificateProblem } from '../support/certificates.ts';
import { fakeLog } from '../support/fake-log.ts';
import { FakeStore } from '../support/fake-store.ts';
import { suite } from '../support/suite.ts';

const PASSWORD = 'canary-password';
const test = suite('mqtt settings');

function keeper(sections = new Map<string, unknown>(), provisionedBy?: string) {
  const store = new FakeStore();
  const log = fakeLog();
  const settings = {
    get: (section: string) => sections.get(section),
    put: async (section: string, value: unknown) => void sections.set(section, structuredClone(value)),
  } as never;
  const made = new MqttSettingsKeeper({
    store: { settings, seal: text => store.seal(text), unseal: text => store.unseal(text) },
    log: log.logger,
    ...(provisionedBy && { provisionedBy }),
  });
  return { made, sections, log };
}

/** Of a refusal. */
async function refusal(patch: object): Promise<[string | undefined, string | undefined]> {
  try {
    await keeper().made.update(parseInput(mqttPatchSchema, patch));
  } catch (error) {
    assert.ok(error instanceof NvrError && error.kind === 'invalid-argument', String(error));
    assert.not.ok(`${error.message}${error.cure}`.includes(PASSWORD));
    return [error.field, error.cure];
  }
  return [undefined, undefined];
}

test('each field that cannot be is named, with a cure', async () => {
  const cases: [object, string][] = [
    [{ enabled: true }, 'mqtt.url'],
    [{ url: 'http://10.0.0.1' }, 'mqtt.url'],
    [{ url: 'broker.lan:1883' }, 'mqtt.url'],
    [{ url: `mqtt://u:${PASSWORD}@10.0.0.1` }, 'mqtt.url'],
    [{ url: 'mqtt://10.0.0.1/path' }, 'mqtt.url'],
    [{ url: 'mqtt://10.0.0.1:0' }, 'mqtt.url'],
    [{ url: 'mqtt://169.254.1.1' }, 'mqtt.url'],
    [{ url: 'mqtt://[ff02::1]' }, 'mqtt.url'],
    [{ url: 'mqtt://a b' }, 'mqtt.url'],
    [{ prefix: 'a/#' }, 'prefix'],
    [{ prefix: '/a' }, 'prefix'],
    [{ prefix: '$SYS' }, 'prefix'],
    [{ prefix: 'homeassistant' }, 'mqtt.discoveryPrefix'],
    [{ password: PASSWORD }, 'mqtt.username'],
    [{ username: '' }, 'username'],
    [{ url: 'mqtts://10.0.0.1', ca: 'a certificate' }, 'ca'],
    [{ url: 'mqtts://10.0.0.1', ca: '-----BEGIN CERTIFICATE-----\nAAAA' }, 'mqtt.ca'],
    [{ url: 'mqtts://10.0.0.1', cert: '-----BEGIN CERTIFICATE-----' }, 'mqtt.key'],
    [{ url: 'mqtts://10.0.0.1', key: '-----BEGIN PRIVATE KEY-----' }, 'mqtt.cert'],
    [{ url: 'mqtt://10.0.0.1', ca: '-----BEGIN CERTIFICATE-----' }, 'mqtt.ca'],
    [{ protocol: '4' }, 'protocol'],
    [{ topic: 'x' }, 'topic'],
  ];
  for (const [patch, field] of cases) {
    const [named, cure] = await refusal(patch);
    assert.is(named, field, JSON.stringify(patch));
    assert.ok(cure, JSON.stringify(patch));
  }
});

test('secrets are sealed, kept when left out, and taken away with null', async () => {
  const { made, sections, log } = keeper();
  const shown = await made.update({ url: 'mqtts://broker.lan', username: 'nvr', password: PASSWORD, enabled: true });
  assert.equal(shown, {
    ...{ enabled: true, url: 'mqtts://broker.lan', protocol: 'auto', username: 'nvr' },
    ...{ prefix: 'thimble', discoveryPrefix: 'homeassistant', hasPassword: true, hasKey: false },
  });
  await made.update({ ...shown, prefix: 'home/nvr', enabled: false });
  assert.equal([made.get().enabled, made.access().password], [false, PASSWORD]);
  // All of them anew: what a secret is stays.
  await made.update(parseInput(mqttSettingsSchema, { url: 'mqtt://10.0.0.2', username: 'other' }) as MqttPatch);
  assert.equal([made.get().enabled, made.get().username, made.access().password], [true, 'other', PASSWORD]);
  assert.not.ok(JSON.stringify([...sections, log.lines, made.get()]).includes(PASSWORD));
  await made.update({ password: null, username: null });
  assert.equal([made.get().hasPassword, made.access().password], [false, undefined]);
  assert.equal(keeper(sections).made.get(), made.get(), 'as the next start reads it');
});

test('what is damaged counts as not chosen, and a file has the last word', async () => {
  const damaged = keeper(new Map([['mqtt', { enabled: 'yes' }]]));
  assert.is(damaged.made.get().enabled, false);
  assert.equal(damaged.log.messages('error'), ['the settings of MQTT cannot be read']);
  const given = keeper(new Map(), '/etc/thimble.yaml');
  const error = await given.made.update({ enabled: false }).catch(reason => reason);
  assert.equal([error.kind, error.field], ['failed-precondition', 'mqtt']);
  assert.match(error.message, '/etc/thimble.yaml');
});

test('a file that says the same again changes nothing', () => {
  const store = new FakeStore();
  let seals = 0;
  const sealing = {
    seal: (text: string) => `${store.seal(text)}#${seals++}`,
    unseal: (text: string) => store.unseal(text),
  };
  const input = parseInput(mqttSettingsSchema, { url: 'mqtt://10.0.0.1', username: 'u', password: PASSWORD });
  const first = storedMqtt(input, undefined, sealing);
  assert.equal(storedMqtt(input, first, sealing), first);
  const other = storedMqtt({ ...input, password: 'another' }, first, sealing);
  assert.not.equal(other, first);
  const without = storedMqtt({ ...input, password: undefined }, first, sealing) as { sealedPassword?: string };
  assert.is(without.sealedPassword, undefined, 'what the file leaves out is not there');
});

const problem = certificateProblem();
test.needs(problem === undefined, problem ?? '', 'a client certificate goes with its own key', async () => {
  const authority = new Authority('ours');
  const [one, two] = [authority.sign('one', 'DNS:one'), authority.sign('two', 'DNS:two')];
  const tls = { url: 'mqtts://10.0.0.1', ca: authority.cert };
  assert.equal(await refusal({ ...tls, cert: one.cert, key: two.key }), [
    'mqtt.key',
    'Give the key that the certificate was made for.',
  ]);
  const { made, sections } = keeper();
  await made.update({ ...tls, cert: one.cert, key: one.key });
  assert.is(made.get().hasKey, true);
  assert.not.ok(JSON.stringify([made.get(), ...sections]).includes('PRIVATE KEY'));
});

test.run();
