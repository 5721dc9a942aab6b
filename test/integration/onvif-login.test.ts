// Logins over HTTP against a simulated camera: each way of signing, clocks that are wrong, and never more wrong tries than a camera bears.
import * as assert from 'uvu/assert';
import { makeSelfSigned } from '../../src/api/tls-self-signed.ts';
import { type Clock, systemClock } from '../../src/core/index.ts';
import { DEVICE_PATH, OnvifError } from '../../src/onvif/index.ts';
import { switchRelay } from '../../src/onvif/relay.ts';
import { askInformation, askServices } from '../../src/onvif/services.ts';
import { SoapClient, type SoapClientOptions } from '../../src/onvif/soap-client.ts';
import { type OnvifServer, startOnvifServer } from '../support/onvif-server.ts';
import { type OnvifQuirks, soapFault } from '../support/onvif-simulator.ts';
import { suite } from '../support/suite.ts';

const test = suite('onvif login');
const signal = new AbortController().signal;
const RIGHT = { username: 'admin', password: 'secret & more' };
const WRONG = { username: 'admin', password: 'guess' };

async function withCamera(
  quirks: Partial<OnvifQuirks>,
  options: Partial<SoapClientOptions>,
  body: (client: SoapClient, server: OnvifServer) => Promise<void>,
): Promise<void> {
  const server = await startOnvifServer(quirks);
  const client = new SoapClient({
    device: { host: '127.0.0.1', port: server.port, tls: false, path: DEVICE_PATH },
    ...{ login: RIGHT, clock: systemClock, checkCertificate: false, allowBasic: false },
    rules: { allowLoopback: true, ownPorts: () => [] },
    ...options,
  });
  try {
    await body(client, server);
  } finally {
    client.close();
    await server.close();
  }
}

async function problemFrom(task: Promise<unknown>): Promise<OnvifError> {
  const error = await task.then(
    () => undefined,
    one => one,
  );
  assert.instance(error, OnvifError);
  return error as OnvifError;
}

/** A clock whose monotonic time a test can move while real requests are under way. */
function movableClock(): Clock & { move(ms: number): void } {
  let aheadMs = 0;
  return {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    move: ms => {
      aheadMs += ms;
    },
  };
}

const WAYS: [string, Partial<OnvifQuirks>][] = [
  ['a token', { auth: 'token' }],
  ['a token on a clock in 1970', { auth: 'token', clockOffsetMs: -systemClock.nowMs() + 86_400_000 }],
  ['a token on a clock two hours ahead', { auth: 'token', clockOffsetMs: 7_200_000 }],
  ['HTTP digest, MD5', { auth: 'digest', algorithm: 'MD5' }],
  ['HTTP digest, SHA-256', { auth: 'digest', algorithm: 'SHA-256' }],
  ['no login', { auth: 'none' }],
];
for (const [name, quirks] of WAYS) {
  test(`signs with ${name}, without a wrong try`, () =>
    withCamera(quirks, {}, async (client, { camera }) => {
      for (let round = 0; round < 3; round++) {
        assert.equal((await askInformation(client, signal)).manufacturer, 'Maker');
      }
      assert.is(camera.refusals, 0);
      const isProven = camera.seen.every(one => !one.authorization?.includes('secret') && !one.body.includes('secret'));
      assert.ok(isProven, 'the password was sent');
      assert.ok(camera.seen.length <= 6, `${camera.seen.length} requests`);
    }));
}

test('nonces run out, with and without the word for it', async () => {
  for (const saysStale of [true, false]) {
    await withCamera({ auth: 'digest', nonceUses: 2, saysStale }, {}, async (client, { camera }) => {
      for (let round = 0; round < 8; round++) await askInformation(client, signal);
      assert.is(camera.refusals, 0);
    });
  }
});

test('a wrong password is tried once, then not for 5, then not for 30 minutes', async () => {
  for (const auth of ['token', 'digest'] as const) {
    const clock = movableClock();
    await withCamera({ auth }, { login: WRONG, clock }, async (client, { camera }) => {
      const first = await problemFrom(askInformation(client, signal));
      assert.is(first.problem, 'unauthorized');
      assert.is(first.kind, 'unauthenticated');
      assert.is(first.retryAfterS, 300);
      for (let round = 0; round < 20; round++) {
        const again = await problemFrom(askInformation(client, signal));
        assert.is(again.problem, 'unauthorized');
      }
      assert.is(camera.refusals, 1, auth);
      clock.move(301_000);
      const second = await problemFrom(askInformation(client, signal));
      assert.is(second.retryAfterS, 1800);
      assert.is(camera.refusals, 2, auth);
      clock.move(1_000_000);
      await problemFrom(askInformation(client, signal));
      assert.is(camera.refusals, 2, auth);
      // What needs no login goes on.
      await client.syncClock(signal);
      // Its owner mends the camera.
      camera.quirks.password = WRONG.password;
      clock.move(900_000);
      await askInformation(client, signal);
      camera.quirks.password = 'again';
      assert.is((await problemFrom(askInformation(client, signal))).problem, 'unauthorized');
    });
  }
});

test('a camera that restarts in 1970 is signed to again, on its new clock', async () => {
  const clock = movableClock();
  await withCamera({ auth: 'token' }, { clock }, async (client, { camera }) => {
    await askInformation(client, signal);
    camera.quirks.clockOffsetMs = -systemClock.nowMs();
    // The clock was asked less than a minute ago: it waits for that minute, not for five.
    const early = await problemFrom(askInformation(client, signal));
    assert.ok((early.retryAfterS ?? 0) <= 60);
    clock.move(61_000);
    await askInformation(client, signal);
    assert.ok((client.offsetMs ?? 0) < -1e12);
    assert.ok(camera.refusals <= 2);
  });
});

test('what needs no login proves none: open answers do not shorten the wait', async () => {
  const clock = movableClock();
  await withCamera({ auth: 'token' }, { login: WRONG, clock }, async client => {
    assert.is((await problemFrom(askInformation(client, signal))).retryAfterS, 300);
    clock.move(301_000);
    assert.ok((await askServices(client, signal)).has('media'));
    assert.is((await problemFrom(askInformation(client, signal))).retryAfterS, 1800);
  });
});

test('a right that its user lacks is no wrong login', async () => {
  for (const auth of ['token', 'digest'] as const) {
    const challenges = { 'WWW-Authenticate': 'Digest realm="camera", qop="auth", nonce="x"' };
    const instead = (operation: string) => {
      if (operation !== 'SetRelayOutputState') return undefined;
      return auth === 'token' ? soapFault('NotAuthorized', 400) : { status: 401, headers: challenges, body: '' };
    };
    await withCamera({ auth, instead }, {}, async (client, { camera }) => {
      await askInformation(client, signal);
      for (let round = 0; round < 3; round++) {
        const error = await problemFrom(switchRelay(client, client.addresses.deviceTarget, 'R1', true, signal));
        assert.is(error.problem, 'fault', auth);
        await askInformation(client, signal);
      }
      assert.is(camera.refusals, 0, auth);
      // Somebody changes the password: now it is the login.
      camera.quirks.password = 'other';
      const error = await problemFrom(switchRelay(client, client.addresses.deviceTarget, 'R1', true, signal));
      assert.is(error.problem, 'unauthorized', auth);
    });
  }
});

test('HTTPS: certificates that cameras make themselves, taken or checked', async () => {
  const identity = makeSelfSigned(['camera'], systemClock.nowMs());
  const server = await startOnvifServer({ auth: 'digest' }, 0, identity);
  const device = { host: '127.0.0.1', port: server.port, tls: true, path: DEVICE_PATH };
  await withCamera({}, { device }, async client => {
    assert.is((await askInformation(client, signal)).manufacturer, 'Maker');
  });
  await withCamera({}, { device, checkCertificate: true }, async client => {
    assert.is((await problemFrom(askInformation(client, signal))).problem, 'certificate');
  });
  await withCamera({}, { device: { ...device, tls: false } }, async client => {
    assert.is((await problemFrom(askInformation(client, signal))).kind, 'unavailable');
  });
  await server.close();
  const plain = await startOnvifServer();
  await withCamera({}, { device: { ...device, port: plain.port } }, async client => {
    assert.is((await problemFrom(askInformation(client, signal))).problem, 'not-onvif');
  });
  await plain.close();
});

test('Basic only when its owner asked for it', async () => {
  await withCamera({ auth: 'basic' }, {}, async (client, { camera }) => {
    assert.is((await problemFrom(askInformation(client, signal))).problem, 'unauthorized');
    assert.ok(camera.seen.every(one => one.authorization === undefined && !one.body.includes('secret')));
  });
  await withCamera({ auth: 'basic' }, { allowBasic: true }, async client => {
    assert.equal((await askInformation(client, signal)).model, 'Model <b>');
  });
});

test('a password is never sent to a stranger on the way: addresses of this machine are refused', async () => {
  const rules = { allowLoopback: false, ownPorts: () => [] };
  await withCamera({}, { rules }, async (client, { camera }) => {
    assert.is((await problemFrom(client.syncClock(signal))).problem, 'address-forbidden');
    assert.equal(camera.seen, []);
  });
  await withCamera({}, {}, async (_, server) => {
    const device = { host: 'localhost', port: server.port, tls: false, path: DEVICE_PATH };
    await withCamera({}, { rules, device }, async client => {
      assert.is((await problemFrom(client.syncClock(signal))).problem, 'address-forbidden');
    });
    const own = { allowLoopback: true, ownPorts: () => [server.port] };
    await withCamera({}, { rules: own, device: { ...device, host: '127.0.0.1' } }, async client => {
      assert.is((await problemFrom(client.syncClock(signal))).problem, 'address-forbidden');
    });
    assert.equal(server.camera.seen, []);
  });
});

test('what is said is logged on demand, without secrets, and bounded', () =>
  withCamera(
    { auth: 'digest' },
    { login: { username: 'admin', password: 'secret & more' } },
    async (client, { camera }) => {
      await askInformation(client, signal);
      assert.equal(client.log.entries, []);
      client.log.isOn = true;
      camera.quirks.auth = 'none';
      camera.quirks.instead = operation =>
        operation === 'GetDeviceInformation'
          ? {
              status: 200,
              body: '<a><Password>hunter2</Password><u>rtsp://admin:pw2@10.0.0.1/x?password=pw3</u>secret &amp; more</a>',
            }
          : undefined;
      for (let round = 0; round < 5; round++) await problemFrom(askInformation(client, signal));
      const text = JSON.stringify(client.log.entries);
      assert.not.match(text, /hunter2|pw2|pw3|secret/);
      assert.match(text, 'GetDeviceInformation');
      camera.quirks.instead = () => ({ status: 200, body: `<a>${'<b>long text</b>'.repeat(10_000)}</a>` });
      for (let round = 0; round < 30; round++) await problemFrom(askInformation(client, signal));
      assert.ok(JSON.stringify(client.log.entries).length < 200_000);
      client.log.isOn = false;
      assert.equal(client.log.entries, []);
    },
  ));

test.run();
