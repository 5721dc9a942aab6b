// Webhooks: whom they are told, retries, the bound of the queue, the end of the service; and the addresses that nobody is sent to.
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { addressKind, type CameraEventSummary, NvrError, parseInput } from '../../src/core/index.ts';
import { WebhookSettings, Webhooks, type WebhooksPatch, webhooksPatchSchema } from '../../src/events/index.ts';
import type { WebhookMessage } from '../../src/events/webhook-sender.ts';
import { EventWorld } from '../support/event-world.ts';
import { FakeStore } from '../support/fake-store.ts';
import { suite } from '../support/suite.ts';

const test = suite('webhooks');

let world: EventWorld;
let webhooks: Webhooks;
let settings: WebhookSettings;
let store: FakeStore;
let stored: Map<string, unknown>;
/** What was sent, and when. */
let sent: { url: string; type: string; delivery: string; secret: string | undefined; atMs: number }[];
/** Answers of the other side; a promise that never resolves is one that hangs. */
let answer: (message: WebhookMessage, signal: AbortSignal) => Promise<number>;

test.before.each(() => {
  world = new EventWorld();
  for (const camera of [1, 2]) world.camera(camera);
  stored = new Map();
  sent = [];
  answer = async () => 204;
  store = new FakeStore();
  settings = makeSettings();
  const { bus, clock, log, table, cameras } = world;
  webhooks = new Webhooks({
    ...{ settings, bus, clock, log: log.logger, events: table, storeUuid: 'b'.repeat(32), allowLoopback: false },
    cameras: { get: id => cameras.get(id) as never },
    sender: {
      send(message, signal) {
        const { type } = JSON.parse(message.body.toString());
        const { url, delivery, secret } = message;
        sent.push({ url: url.href, type, delivery, secret, atMs: clock.monotonicMs() - 1000 });
        const aborted = new Promise<number>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        });
        return Promise.race([answer(message, signal), aborted]);
      },
    },
  });
  webhooks.start();
});
test.after.each(async () => {
  await world.events.stop();
  const stopping = webhooks.stop();
  await world.clock.advance(1000);
  await stopping;
});

function makeSettings(): WebhookSettings {
  return new WebhookSettings({
    store: {
      settings: {
        get: (section: string) => stored.get(section),
        put: async (section: string, value: unknown) => void stored.set(section, structuredClone(value)),
      } as never,
      seal: text => store.seal(text),
      unseal: sealed => store.unseal(sealed),
    },
    allowLoopback: false,
    log: world.log.logger,
  });
}

async function use(...list: Partial<WebhooksPatch[number]>[]): Promise<void> {
  await webhooks.update(list.map((one, n) => ({ url: `http://10.0.0.${n + 1}/hook`, on: ['opened'], ...one })));
}

function pulse(camera = 1, label?: string): string {
  return world.events.trigger({ camera, source: 'http', action: 'pulse', label }) as string;
}

test('told is who asked for it: by occasion, camera and label', async () => {
  await use(
    { id: 'all', on: ['opened', 'closed'] },
    { id: 'two', cameras: [2] },
    { id: 'cats', labels: ['cat', 'tiger'], on: ['closed'] },
  );
  pulse(1, 'dog');
  await world.clock.advance(10_000);
  pulse(2, 'cat');
  await world.clock.advance(10_000);
  assert.equal(
    sent.map(({ url, type }) => `${url.slice(14, 15)} ${type}`),
    ['1 opened', '1 closed', '1 opened', '2 opened', '1 closed', '3 closed'],
  );
  assert.equal(webhooks.figures(), { queued: 0, queuedBytes: 0, sent: 6, failed: 0, dropped: 0 });
});

test('labels are read as those of triggers are', () => {
  const [one] = v.parse(webhooksPatchSchema, [{ url: 'http://10.0.0.1/', labels: [' cat '] }]);
  assert.equal(one?.labels, ['cat']);
});

test('an empty list, which would choose nothing, is refused by its name; null and none choose all', () => {
  const parse = (fields: object) =>
    parseInput(webhooksPatchSchema, [{ url: 'http://10.0.0.1/', ...fields }], 'webhooks');
  for (const field of ['cameras', 'labels']) {
    assert.throws(
      () => parse({ [field]: [] }),
      (error: NvrError) => error.field === `0.${field}` && /Name at least one .* leave it out/.test(error.cure ?? ''),
    );
    assert.not.throws(() => parse({ [field]: null }));
  }
  assert.not.throws(() => parse({}));
});

test('who waits for a label is told when it comes, once', async () => {
  await use({ id: 'cats', labels: ['cat'], on: ['opened', 'closed'] }, { id: 'all' });
  const id = pulse(1);
  await world.clock.advance(1500);
  pulse(1, 'cat');
  await world.clock.advance(1500);
  pulse(1, 'dog');
  await world.clock.advance(20_000);
  assert.equal(
    sent.map(({ url, type }) => `${url.slice(14, 15)} ${type}`),
    ['2 opened', '1 opened', '1 closed'],
  );
  await world.events.change(id, { note: 'changed when it was over' });
  assert.is(sent.length, 3);
});

test('all together are bounded before any of them is in force', async () => {
  const long = (n: number) => ({ url: `http://10.0.0.1/${'x'.repeat(1000)}`, secret: `${n}`.repeat(256), cameras: [] });
  const cameras = Array.from({ length: 64 }, (_, n) => 100_000_000 + n);
  const labels = Array.from({ length: 16 }, (_, n) => `${n}`.padEnd(32, '\u20ac'));
  const list = Array.from({ length: 8 }, (_, n) => ({ ...long(n), cameras, labels, on: ['opened' as const] }));
  try {
    settings.check(list);
    assert.unreachable();
  } catch (error) {
    assert.equal([(error as NvrError).kind, (error as NvrError).field], ['invalid-argument', 'webhooks']);
  }
  await use(...list.slice(0, 2));
});

test('a failure is tried again after 1, 5, 25 and 120 s and then given up, always as the same delivery', async () => {
  await use({ id: 'dead', secret: 'a secret of mine' });
  answer = async () => 500;
  pulse();
  await world.clock.advance(300_000);
  assert.equal(
    sent.map(({ atMs }) => atMs),
    [0, 1000, 6000, 31_000, 151_000],
  );
  assert.is(new Set(sent.map(({ delivery }) => delivery)).size, 1);
  assert.equal(new Set(sent.map(({ secret }) => secret)), new Set(['a secret of mine']));
  assert.equal(webhooks.figures(), { queued: 0, queuedBytes: 0, sent: 0, failed: 1, dropped: 0 });
  assert.equal(
    world.log.messages('warn').filter(message => message.includes('webhook')),
    ['a webhook is given up'],
  );
  assert.is(world.clock.pending, 0, 'nothing waits any more');
});

test('redirects and refused addresses count as failures; what gets through in the end is sent once', async () => {
  await use({});
  const answers = [302, 403, 404];
  answer = async () => {
    const status = answers.shift();
    if (status === 403) throw new NvrError('permission-denied', 'forbidden');
    return status ?? 200;
  };
  pulse();
  await world.clock.advance(60_000);
  assert.is(sent.length, 4);
  assert.is(webhooks.figures().sent, 1);
});

test('one at a time and webhook, in order; one that hangs holds up no other', async () => {
  await use({ on: ['opened', 'closed'] }, {});
  let release = (_status: number) => {};
  answer = ({ url }) =>
    url.hostname === '10.0.0.1' ? new Promise(resolve => void (release = resolve)) : Promise.resolve(200);
  pulse();
  await world.clock.advance(10_000);
  pulse();
  await world.clock.advance(10_000);
  assert.equal(
    sent.map(({ url, type }) => `${url.slice(14, 15)} ${type}`),
    ['1 opened', '2 opened', '2 opened'],
  );
  release(200);
  await world.clock.advance(0);
  assert.is(sent.at(-1)?.type, 'closed');
  release(200);
});

test('the queue is bounded in bytes: the oldest that is not under way goes first', async () => {
  await use({});
  const releases: ((status: number) => void)[] = [];
  answer = () => new Promise(resolve => releases.push(resolve));
  const first = pulse();
  const event: CameraEventSummary = { camera: 1, id: first, startMs: 0, labels: [], sources: [] };
  for (let n = 0; n < 2000; n++) world.bus.emit('event.opened', event);
  const { queued, queuedBytes, dropped } = webhooks.figures();
  assert.ok(queuedBytes <= 256 * 1024 && queuedBytes > 255 * 1024, String(queuedBytes));
  assert.is(queued + dropped, 2001);
  assert.is(sent.length, 1);
  releases[0]?.(200);
  await world.clock.advance(0);
  assert.is(webhooks.figures().sent, 1, 'what was under way was not dropped');
  releases[1]?.(200);
  await use();
  await world.clock.advance(10);
  assert.equal([webhooks.figures().queued, webhooks.figures().queuedBytes], [0, 0], 'without a webhook nothing waits');
});

test('the end of the service gives what is under way a second, then cuts it off', async () => {
  await use({});
  let reason: unknown;
  answer = (_, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
        reject(signal.reason);
      });
    });
  pulse();
  let stopped = false;
  const stopping = webhooks.stop().then(() => void (stopped = true));
  await world.clock.advance(900);
  assert.not.ok(stopped);
  await world.clock.advance(200);
  await stopping;
  assert.is((reason as Error).name, 'AbortError');
});

test('settings: secrets are kept sealed until they are taken away, across restarts; ids are made up', async () => {
  await use({ secret: 'first secret', cameras: [1], labels: ['cat'] }, { id: 'two' });
  const [one, two] = webhooks.list();
  assert.match(one?.id ?? '', /^[0-9a-f]{12}$/);
  assert.equal(two, { id: 'two', url: 'http://10.0.0.2/hook', on: ['opened'], hasSecret: false });
  assert.not.match(JSON.stringify([...stored]), 'first secret');
  const id = one?.id as string;
  assert.is(makeSettings().secretOf(id), 'first secret');
  await use({ id, url: 'http://10.0.0.9/' });
  assert.equal([settings.secretOf(id), webhooks.list()[0]?.cameras], ['first secret', undefined]);
  await use({ id, secret: null });
  assert.is(settings.secretOf(id), undefined);
  assert.throws(
    () =>
      settings.check([
        { id: 'a', url: 'http://10.0.0.1/', on: ['opened'] },
        { id: 'a', url: 'http://10.0.0.1/', on: ['opened'] },
      ]),
    /twice/,
  );
  stored.set('webhooks', [{ id: 'x', url: 5 }]);
  assert.equal(makeSettings().list(), []);
  assert.equal(world.log.messages('error'), ['the webhooks cannot be read']);
});

test('a secret that cannot be read any more is a failure of its webhook: nothing is sent unsigned', async () => {
  await use({ id: 'a', secret: 'some secret' });
  store.unseal = () => {
    throw new NvrError('data-loss', 'a stored password is damaged');
  };
  pulse();
  await world.clock.advance(300_000);
  assert.equal(sent, []);
  assert.is(webhooks.figures().failed, 1);
});

test('one test at a time', async () => {
  answer = async () => 418;
  const [first, second] = await Promise.all([
    webhooks.test('https://10.0.0.1/x', undefined),
    webhooks.test('https://10.0.0.1/x', undefined).catch((error: NvrError) => error.kind),
  ]);
  assert.equal(first, { ok: false, status: 418, message: 'it answers with 418', tookMs: 0 });
  assert.is(second, 'resource-exhausted');
});

test('kinds of addresses', () => {
  const kinds: Record<string, string[]> = {
    loopback: [
      '127.0.0.1',
      '127.255.1.2',
      '0.0.0.0',
      '::1',
      '::',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
    ],
    other: [
      '169.254.169.254',
      'fe80::1',
      'fe80::1%eth0',
      '224.0.0.1',
      '255.255.255.255',
      'ff02::1',
      '::ffff:169.254.1.1',
      '::ffff:224.0.0.1',
      '64:ff9b::a9fe:a9fe',
    ],
    ordinary: [
      '10.0.0.1',
      '192.168.1.2',
      '128.0.0.1',
      '126.255.255.255',
      '169.253.1.1',
      '::ffff:10.0.0.1',
      'fd00::1',
      '64:ff9b::a00:1',
    ],
  };
  for (const [kind, addresses] of Object.entries(kinds)) {
    for (const address of addresses) assert.is(addressKind(address), kind, address);
  }
  for (const name of ['localhost', 'host', '', '1.2.3', '0x7f.1', '[::1]'])
    assert.is(addressKind(name), undefined, name);
});

test.run();
