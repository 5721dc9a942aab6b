// Secrets are planted wherever one can be entered, everything is used, and then they are looked for wherever they must not be.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { CameraList, Event, EventList, NewToken, Segment, SegmentList } from '../../src/api/contract.ts';
import { EXPECTATIONS } from '../support/authorisation.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { contractFaults } from '../support/contract-faults.ts';
import { HookServer } from '../support/hook-server.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('secrets', { timeoutMs: 60_000 });
test.after(() => stopChildren());

const OWNER = 'canary owner words';
const GUEST = 'canary guest words';
const CAMERA = 'canary-camera-7f3a';
const IN_ADDRESS = 'canary-in-an-address';
const WRONG = 'canary-typed-wrong';
const HOOK = 'canary-hook-secret';
const BROKER = 'canary-broker-password';

interface Planted {
  name: string;
  text: string;
  /** Where it may be all the same. */
  except?: RegExp;
}

/** As it stands, and as headers, URLs and JSON would have it. */
function forms(text: string): string[] {
  const base64 = Buffer.from(text).toString('base64');
  return [text, base64.replace(/=+$/, ''), encodeURIComponent(text), Buffer.from(text).toString('hex')];
}

function hits(planted: readonly Planted[], where: string, content: Buffer): string[] {
  return planted
    .filter(({ except }) => !except?.test(where))
    .filter(({ text }) => forms(text).some(form => content.includes(form)))
    .map(({ name }) => `${name} in ${where}`);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

/** Answers with a session's cookie, from a page of the service. */
async function login(service: Service, name: string, password: string): Promise<string> {
  const { status, headers } = await service.exchange('POST', '/api/login', { name, password });
  assert.is(status, 200);
  return headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
}

/** All routes that only read, filled in with what there is; as this caller. */
async function readEverything(
  service: Service,
  headers: Record<string, string>,
  segment: Segment,
  event: Event,
): Promise<Map<string, Buffer>> {
  const answers = new Map<string, Buffer>();
  const faults: string[] = [];
  const range = `startMs=${segment.startMs}&endMs=${segment.startMs + 2000}`;
  for (const [name, { path, socket }] of Object.entries(EXPECTATIONS)) {
    if (!name.startsWith('GET ') || socket || name.endsWith('/mjpeg')) continue;
    const url = (path ?? name.slice('GET '.length))
      .replace('1-main-1000-0', segment.id)
      .replace('1-1-0', event.id)
      .replace(/camera=2&/, '')
      .replace(/startMs=0&endMs=9/, range);
    const { status, data, headers: sent } = await service.exchange('GET', url, undefined, headers);
    faults.push(...contractFaults(name, status, data.toString('utf8')));
    answers.set(name, Buffer.concat([Buffer.from(JSON.stringify(sent)), data]));
  }
  assert.equal(faults, []);
  return answers;
}

test('no secret is in logs, answers, exports, links, process lists, backups, or on the volume', async () => {
  const clips = [await clipFile(CLIPS.small)];
  const camera = await Camera.start({ clips, login: { username: 'viewer', password: CAMERA, scheme: 'digest' } });
  const hooks = await HookServer.start();
  const dataDir = tempDir('data');
  const service = await Service.start({ dataDir, account: false, args: ['--log', 'debug'] });
  const code = service.ready.setupCode ?? '';
  const begun = await service.exchange('POST', '/api/setup', { code, name: 'anna', password: OWNER });
  assert.is(begun.status, 201);
  const cookie = begun.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
  const page = { cookie, origin: service.ready.url };
  const send = async <T>(method: string, path: string, body: unknown, wanted: number): Promise<T> => {
    const { status, data } = await service.exchange(method, path, body, page);
    assert.is(status, wanted, `${method} ${path}: ${data}`);
    return (data.length > 0 ? JSON.parse(data.toString('utf8')) : undefined) as T;
  };

  const withLogin = camera.url.replace('rtsp://', `rtsp://viewer:${encodeURIComponent(CAMERA)}@`);
  await send('POST', '/api/cameras', { name: 'Door', main: { url: withLogin } }, 201);
  const open = { username: 'viewer', password: CAMERA };
  await send('POST', '/api/cameras', { name: 'Yard', main: { url: camera.url }, ...open }, 201);
  await send('PATCH', '/api/cameras/2', { password: CAMERA, name: 'Court' }, 200);
  const inAddress = `${camera.url}?user=viewer&password=${IN_ADDRESS}`;
  await send('POST', '/api/cameras', { name: 'Gate', main: { url: inAddress } }, 201);
  await send('POST', '/api/cameras/probe', { url: withLogin }, 200);
  await send('POST', '/api/cameras/probe', { url: camera.url, username: 'viewer', password: WRONG }, 200);
  await send('POST', '/api/users', { name: 'bob', password: GUEST, role: 'viewer', cameras: [1] }, 201);
  const { token } = await send<NewToken>('POST', '/api/tokens', { name: 'robot' }, 201);
  const webhooks = [{ id: 'hook', url: hooks.url, secret: HOOK, on: ['opened', 'closed'] }];
  await send('PATCH', '/api/settings', { webhooks }, 200);
  await send('POST', '/api/settings/webhooks/test', { url: hooks.url, secret: HOOK }, 200);
  // What listens there is no broker.
  const broker = { url: hooks.url.replace(/^http(:\/\/[^/]*).*$/, 'mqtt$1'), username: 'nvr', password: BROKER };
  await send('PUT', '/api/settings/mqtt', broker, 200);
  await send('POST', '/api/settings/mqtt/test', broker, 200);
  // What is typed into the wrong field, and what is refused.
  await send('PATCH', '/api/cameras/1', { password: { deep: WRONG } }, 400);
  await send('POST', '/api/login', { name: 'anna', password: WRONG }, 401);
  await send('POST', '/api/login', { name: WRONG, password: 'x' }, 401);
  await send('PATCH', '/api/me', { currentPassword: WRONG, password: GUEST }, 403);
  const guest = await login(service, 'bob', GUEST);
  const bearer = { authorization: `Bearer ${token}` };
  const basic = { authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` };
  assert.is((await service.exchange('GET', `/api/cameras?token=${token}`, undefined, bearer)).status, 400);
  assert.is((await service.exchange('GET', '/api/cameras', undefined, basic)).status, 200);
  assert.is(
    (await service.exchange('GET', '/api/cameras', undefined, { authorization: `Bearer ${WRONG}` })).status,
    401,
  );

  const ask = async <T>(path: string): Promise<T> =>
    JSON.parse((await service.exchange('GET', path, undefined, bearer)).data.toString('utf8')) as T;
  let segment: Segment | undefined;
  for (let n = 0; n < 200 && !segment; n++) {
    const { segments } = await ask<SegmentList>('/api/segments?camera=1');
    segment = segments.find(one => one.endMs - one.startMs >= 2500);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  assert.ok(segment, 'it records with the password');
  await send('POST', '/api/cameras/1/trigger', { label: 'car' }, 202);
  const { events } = await ask<EventList>('/api/events');
  const link = await send<{ url: string }>(
    'POST',
    '/api/links',
    { path: `/api/segments/${segment?.id}/file`, ttlMs: 60_000 },
    201,
  );
  assert.is((await service.exchange('GET', link.url)).status, 200);
  const signature = /link=\d+\.\d+\.(.*)$/.exec(link.url)?.[1] ?? '';

  const session = (of: string) => of.slice(of.indexOf('=') + 1);
  const planted: Planted[] = [
    { name: 'password of the owner', text: OWNER },
    { name: 'password of a guest', text: GUEST },
    { name: 'password of a camera', text: CAMERA },
    // A name that nobody has is told in the audit log: it is what the owner looks for there.
    { name: 'what was typed wrong', text: WRONG, except: /audit|index|volume/ },
    { name: 'secret of a webhook', text: HOOK },
    { name: 'password of a broker', text: BROKER },
    // Part of what an admin has typed as the address, and shown to admins again.
    { name: 'password in an address', text: IN_ADDRESS, except: /for admin|index|volume/ },
    { name: 'session of the owner', text: session(cookie) },
    { name: 'session of a guest', text: session(guest) },
    { name: 'token', text: token },
    { name: 'signature of a link', text: signature },
    // It is said at the start, to whoever started it.
    { name: 'set-up code', text: code, except: /^(output|GET \/api\/logs for admin)$/ },
  ];
  for (const { name, text } of planted) assert.ok(text.length >= 8, name);

  const found: string[] = [];
  for (const [who, headers] of [
    ['admin', bearer],
    ['viewer', { cookie: guest }],
  ] as const) {
    const answers = await readEverything(service, headers, segment as Segment, events[0] as Event);
    for (const [name, content] of answers) found.push(...hits(planted, `${name} for ${who}`, content));
    if (who === 'admin') {
      const list = JSON.parse(
        (answers.get('GET /api/cameras') ?? Buffer.alloc(0)).toString('utf8').replace(/^.*?\}(?=\{"cameras)/, ''),
      ) as CameraList;
      assert.equal(
        list.cameras.map(({ hasPassword }) => hasPassword),
        [true, true, false],
      );
    }
  }
  for (const [number, { body, headers }] of hooks.heard.entries()) {
    found.push(...hits(planted, `webhook ${number}`, Buffer.from(JSON.stringify([body, headers]))));
  }
  assert.ok(hooks.heard.length > 0);
  const { pid } = service;
  for (const file of ['cmdline', 'environ', 'comm', 'status']) {
    found.push(...hits(planted, `/proc/${file}`, readFileSync(`/proc/${pid}/${file}`)));
  }
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    found.push(...hits(planted, 'names of threads', readFileSync(`/proc/${pid}/task/${task}/comm`)));
  }
  assert.is((await service.stop()).code, 0);
  const { stdout, stderr } = service.child;
  found.push(...hits(planted, 'output', Buffer.from([...stdout, ...stderr].join('\n'))));
  assert.ok(
    stdout.some(line => line.includes('"level":"debug"')),
    'all is logged',
  );
  for (const path of filesBelow(dataDir)) {
    if (statSync(path).size > 64 * 1024 * 1024) continue;
    const where = path.includes('/index') ? 'index' : `volume ${path.slice(dataDir.length)}`;
    found.push(...hits(planted, where, readFileSync(path)));
  }
  assert.equal([...new Set(found)], []);
  await hooks.stop();
  await camera.stop();
});

test.run();
