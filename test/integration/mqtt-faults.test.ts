// What can be wrong between us and a broker: each is told in words with a cure, and nothing secret is in any of them.
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Server } from 'node:net';
import * as assert from 'uvu/assert';
import { BrokerLink } from '../../src/mqtt/broker-link.ts';
import type { BrokerFault } from '../../src/mqtt/faults.ts';
import type { MqttTestResult } from '../../src/mqtt/index.ts';
import { Authority, certificateProblem } from '../support/certificates.ts';
import { stopChildren } from '../support/child.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { HomeWorld } from '../support/home-world.ts';
import { brokerProblem, Mosquitto } from '../support/mosquitto.ts';
import { suite } from '../support/suite.ts';

const UUID = 'c'.repeat(32);
const PASSWORD = 'canary-of-the-broker';
const problem = brokerProblem();
const noTls = problem ?? certificateProblem();
const test = suite('mqtt faults', { timeoutMs: 60_000 });
const world = new HomeWorld(UUID, [1]);

/** Tries a broker, and sees that what is said of it holds no secret. */
async function tried(patch: object): Promise<MqttTestResult> {
  const result = await world.mqtt.test(patch);
  for (const secret of [PASSWORD, 'PRIVATE KEY']) assert.not.ok(JSON.stringify(result).includes(secret));
  assert.is(result.ok, result.problem === undefined);
  if (result.problem) assert.ok(result.problem.cure.length > 10, result.problem.kind);
  return result;
}

const kindOf = async (patch: object) => (await tried(patch)).problem?.kind;

test.needs(problem === undefined, problem ?? '', 'addresses where no broker is', async () => {
  assert.is(await kindOf({ url: 'mqtt://127.0.0.1:1' }), 'refused');
  assert.is(await kindOf({ url: 'mqtt://no-such-host.invalid' }), 'unknown-host');
  const web = createServer((_, response) => response.end('no broker'));
  await listening(web);
  assert.is(await kindOf({ url: urlOf(web) }), 'not-mqtt');
  assert.is(await kindOf({ url: urlOf(web, 'mqtts') }), 'tls');
  const mute = createNetServer(socket => socket.resume().end());
  await listening(mute);
  assert.is(await kindOf({ url: urlOf(mute) }), 'closed');
  const babbler = createNetServer(socket => socket.resume().write(Buffer.from([0x20, 0xff, 0xff, 0xff, 0xff, 1])));
  await listening(babbler);
  assert.is(await kindOf({ url: urlOf(babbler) }), 'not-mqtt');
  for (const server of [web, mute, babbler]) server.close();
});

test.needs(problem === undefined, problem ?? '', 'users and topics that the broker does not let in', async () => {
  const users = { nvr: PASSWORD, guest: PASSWORD };
  const acl = ['user nvr', 'topic readwrite thimble/#', 'topic readwrite homeassistant/#', 'user guest'];
  const broker = await Mosquitto.start({
    users,
    acl: [...acl, 'topic readwrite thimble/#', 'topic read homeassistant/#'],
  });
  const login = { url: broker.url, username: 'nvr', password: PASSWORD };
  assert.is((await tried(login)).protocol, '5');
  assert.is((await tried({ ...login, protocol: '3.1.1' })).protocol, '3.1.1');
  for (const protocol of ['5', '3.1.1']) {
    assert.is(await kindOf({ ...login, protocol, password: 'wrong' }), 'unauthorized');
    assert.is(await kindOf({ url: broker.url, protocol }), 'unauthorized');
    assert.is(await kindOf({ ...login, protocol, prefix: 'elsewhere' }), 'topic-forbidden');
  }
  assert.is(await kindOf({ ...login, username: 'guest' }), 'topic-forbidden');
  assert.is(await kindOf({ ...login, username: 'guest', discoveryPrefix: null }), undefined);
  // In force, it is a problem of the service and nothing else stops.
  await world.mqtt.update({ ...login, password: 'wrong', enabled: true });
  for (let n = 0; world.mqtt.problems().length === 0 && n < 6000; n++) await new Promise(done => setTimeout(done, 20));
  assert.match(world.mqtt.problems()[0]?.message ?? '', /refuses user name or password/);
  assert.equal([world.mqtt.state().name, world.mqtt.state().problem?.kind], ['away', 'unauthorized']);
  assert.not.ok(JSON.stringify([world.log.lines, world.mqtt.settings(), world.mqtt.problems()]).includes('wrong'));
  await world.mqtt.update({ enabled: false, url: '' });
  assert.is(world.mqtt.state().name, 'off');
  await broker.kill();
});

test.needs(noTls === undefined, noTls ?? '', 'certificates of the broker and of ours', async () => {
  const [ours, other] = [new Authority('ours'), new Authority('other')];
  const server = ours.sign('broker', 'IP:127.0.0.1');
  const tls = { ca: ours.certFile, cert: server.certFile, key: server.keyFile };
  const open = await Mosquitto.start({ tls });
  const url = open.url.replace('mqtt:', 'mqtts:');
  assert.is(await kindOf({ url, ca: ours.cert }), undefined);
  assert.is(await kindOf({ url }), 'certificate', 'the system does not know it');
  assert.is(await kindOf({ url, ca: other.cert }), 'certificate');
  assert.is(await kindOf({ url: url.replace('127.0.0.1', 'localhost'), ca: ours.cert }), 'certificate', 'another name');
  assert.ok(['closed', 'not-mqtt'].includes((await kindOf({ url: open.url })) ?? ''), 'without TLS');
  await open.kill();
  const strict = await Mosquitto.start({ tls: { ...tls, asksForCertificate: true } });
  const strictUrl = strict.url.replace('mqtt:', 'mqtts:');
  const [known, unknown] = [ours.sign('nvr', 'DNS:nvr'), other.sign('nvr', 'DNS:nvr')];
  assert.is(await kindOf({ url: strictUrl, ca: ours.cert, cert: known.cert, key: known.key }), undefined);
  for (const own of [{}, { cert: unknown.cert, key: unknown.key }]) {
    assert.is(await kindOf({ url: strictUrl, ca: ours.cert, ...own }), 'client-certificate');
  }
  await strict.kill();
});

test('a broker that falls silent is left, and one of old is spoken to as it likes', async () => {
  const levels: (number | undefined)[] = [];
  // Lets everybody in who speaks MQTT 3.1.1, and says nothing more.
  const silent = createNetServer(socket =>
    socket.once('data', connect => {
      const level = connect[8];
      levels.push(level);
      socket.write(Buffer.from([0x20, 2, 0, level === 4 ? 0 : 1]));
      socket.resume();
    }),
  );
  await listening(silent);
  const clock = new FakeClock();
  const old = new HomeWorld(UUID, [], clock);
  await old.mqtt.update({ enabled: true, url: urlOf(silent), discoveryPrefix: null });
  for (let n = 0; levels.length < 2 && n < 6000; n++) await new Promise(done => setTimeout(done, 5));
  assert.equal(levels, [5, 4]);
  assert.is(old.mqtt.state().name, 'connecting');
  // It does not answer what we ask of it; how long that may take is the clock's affair.
  for (let n = 0; old.mqtt.state().name !== 'away' && n < 6000; n++) {
    await new Promise(done => setTimeout(done, 5));
    if (clock.pending > 1) await clock.advance(1000);
  }
  assert.is(old.mqtt.state().problem?.kind, 'timeout');
  await old.mqtt.stop();
  const handlers = { onMessage: () => undefined, onOversized: () => undefined, onRoom: () => undefined };
  const faults: string[] = [];
  const onClosed = (fault: BrokerFault) => void faults.push(fault.problem.kind);
  const { signal } = new AbortController();
  await BrokerLink.open({ url: urlOf(silent), clientId: 'x' }, 4, { clock, ...handlers, onClosed }, signal);
  await clock.advance(28_000);
  assert.equal(faults, [], 'it has half a minute');
  await clock.advance(28_000);
  assert.equal(faults, ['timeout']);
  silent.close();
});

test('a broker that is away is asked for less and less often, and found soon when it is back', async () => {
  const clock = new FakeClock();
  const one = new HomeWorld(UUID, [], clock);
  await one.mqtt.update({ enabled: true, url: 'mqtt://127.0.0.1:1' });
  const pauses: number[] = [];
  for (let seenMs = 0; pauses.length < 10; ) {
    const { retryAtMs = 0 } = one.mqtt.state();
    if (retryAtMs === seenMs) {
      await new Promise(done => setTimeout(done, 5));
      continue;
    }
    seenMs = retryAtMs;
    pauses.push(retryAtMs - clock.nowMs());
    await clock.advance(retryAtMs - clock.nowMs());
  }
  await one.mqtt.stop();
  assert.equal(
    pauses,
    [...pauses].sort((a, b) => a - b),
    'never sooner than before',
  );
  // Home Assistant itself asks each ten seconds: who restarts a broker finds both there in the same quarter of a minute.
  assert.ok((pauses[0] ?? 0) <= 1200 && (pauses.at(-1) ?? 0) <= 18_000, String(pauses));
});

test.after(async () => {
  await world.mqtt.stop();
  await stopChildren();
});

test.run();

async function listening(server: Server): Promise<void> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
}

function urlOf(server: Server, scheme = 'mqtt'): string {
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
