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
import { startOnvifServer } from '../support/onvif-server.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';
import { WebSocketClient } from '../support/web-socket-client.ts';

const test = suite('secrets', { timeoutMs: 60_000 });
test.after(() => stopChildren());

const OWNER = 'canary owner words';
const GUEST = 'canary guest words';
const CAMERA = 'canary-camera-7f3a';
const IN_ADDRESS = 'canary-in-an-address';
const WRONG = 'canary-typed-wrong';
const HOOK = 'canary-hook-secret';
const BROKER = 'canary-broker-password';
const ONVIF = 'canary-onvif-password';

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

/** Notes what the kernel shows of a process and of those that it starts, also those that live for a moment; call it to have all of it. */
function watchProcesses(pid: number): () => Map<string, Buffer> {
  const shown = new Map<string, Buffer>();
  const look = (id: string, depth: number) => {
    try {
      const content = ['cmdline', 'environ', 'comm', 'status'].map(file => readFileSync(`/proc/${id}/${file}`));
      for (const task of readdirSync(`/proc/${id}/task`)) content.push(readFileSync(`/proc/${id}/task/${task}/comm`));
      shown.set(`${depth === 0 ? 'process' : 'child'} ${id}`, Buffer.concat(content));
      for (const child of readFileSync(`/proc/${id}/task/${id}/children`, 'latin1').split(' ')) {
        if (child !== '') look(child, depth + 1);
      }
    } catch {
      // It has just ended.
    }
  };
  const timer = setInterval(() => look(String(pid), 0), 3);
  return () => {
    clearInterval(timer);
    look(String(pid), 0);
    return shown;
  };
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

/** A run that is killed, and the next one with the child that looks at the index first. */
async function afterKill(dataDir: string, planted: readonly Planted[]): Promise<string[]> {
  const killed = await Service.start({ dataDir, account: false });
  killed.kill('SIGKILL');
  await killed.child.exited;
  const { child, started } = Service.begin({ dataDir, account: false, args: ['--log', 'debug'] }, 30_000);
  const processes = watchProcesses(child.pid);
  const next = await started;
  const shown = processes();
  assert.ok(
    [...shown.keys()].some(name => name.startsWith('child')),
    'the index is looked at by a child',
  );
  assert.is((await next.stop()).code, 0);
  const output = Buffer.from([...child.stdout, ...child.stderr].join('\n'));
  return [...shown, ['output', output] as const].flatMap(([name, content]) =>
    hits(planted, `${name} after a kill`, content),
  );
}

test('no secret is in logs, answers, exports, links, process lists, backups, or on the volume', async () => {
  const clips = [await clipFile(CLIPS.small)];
  const camera = await Camera.start({ clips, login: { username: 'viewer', password: CAMERA, scheme: 'digest' } });
  const hooks = await HookServer.start();
  const device = await startOnvifServer({ auth: 'digest', saysStale: true, username: 'viewer', password: ONVIF });
  const dataDir = tempDir('data');
  const service = await Service.start({ dataDir, account: false, args: ['--log', 'debug', '--https', '127.0.0.1:0'] });
  const processes = watchProcesses(service.pid);
  const code = service.ready.setupCode ?? '';
  const begun = await service.exchange('POST', '/api/setup', { code, name: 'anna', password: OWNER });
  assert.is(begun.status, 201);
  const cookie = begun.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
  const page = { cookie, origin: service.ready.url };
  const answers: [string, Buffer][] = [];
  const send = async <T>(method: string, path: string, body: unknown, wanted: number): Promise<T> => {
    const { status, data, headers } = await service.exchange(method, path, body, page);
    assert.is(status, wanted, `${method} ${path}: ${data}`);
    answers.push([`${method} ${path} for admin`, Buffer.concat([Buffer.from(JSON.stringify(headers)), data])]);
    return (data.length > 0 ? JSON.parse(data.toString('utf8')) : undefined) as T;
  };

  const withLogin = camera.url.replace('rtsp://', `rtsp://viewer:${encodeURIComponent(CAMERA)}@`);
  const onvif = { address: `127.0.0.1:${device.port}`, username: 'viewer', password: ONVIF };
  await send('POST', '/api/cameras', { name: 'Door', main: { url: withLogin }, onvif }, 201);
  await send('PUT', '/api/cameras/1/onvif/log', { on: true }, 200);
  const tried = { onvif: { address: onvif.address }, username: 'viewer', password: ONVIF };
  await send('POST', '/api/cameras/probe', tried, 200);
  await send('PATCH', '/api/cameras/1', { onvif: { password: { deep: WRONG } } }, 400);
  const open = { username: 'viewer', password: CAMERA };
  await send('POST', '/api/cameras', { name: 'Yard', main: { url: camera.url }, ...open }, 201);
  await send('PATCH', '/api/cameras/2', { password: CAMERA, name: 'Court' }, 200);
  const updates = `${service.ready.url}/api/updates`;
  const watchers = new Map([['admin', await WebSocketClient.open(updates, page)]]);
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
  const backup = await send<object>('GET', '/api/backup', undefined, 200);
  await send('POST', '/api/restore', { backup, dryRun: true }, 200);
  await send('POST', '/api/restore', { backup: { ...backup, cameras: WRONG } }, 400);
  const guest = await login(service, 'bob', GUEST);
  watchers.set('viewer', await WebSocketClient.open(updates, { ...page, cookie: guest }));
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
  for (const deadline = Date.now() + 30_000; device.camera.subscriptions === 0; ) {
    if (Date.now() > deadline) throw new Error(JSON.stringify(await ask('/api/cameras/1/onvif')));
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  assert.match(await ask<object>('/api/cameras/1/onvif/log').then(JSON.stringify), 'CreatePullPointSubscription');
  const { events } = await ask<EventList>('/api/events');
  const link = await send<{ url: string }>(
    'POST',
    '/api/links',
    { path: `/api/segments/${segment?.id}/file`, ttlMs: 60_000 },
    201,
  );
  assert.is((await service.exchange('GET', link.url)).status, 200);
  const signature = /link=.*\.([\w-]+)$/.exec(link.url)?.[1] ?? '';

  const sealingKey = readFileSync(join(dataDir, 'secret.key'), 'latin1').trim();
  const tlsKey = readFileSync(join(dataDir, 'tls/key.pem'), 'latin1').split('\n')[1] ?? '';
  const session = (of: string) => of.slice(of.indexOf('=') + 1);
  const planted: Planted[] = [
    { name: 'password of the owner', text: OWNER },
    { name: 'password of a guest', text: GUEST },
    { name: 'password of a camera', text: CAMERA },
    // A name that nobody has is told in the audit log: it is what the owner looks for there.
    { name: 'what was typed wrong', text: WRONG, except: /audit|index|volume/ },
    { name: 'secret of a webhook', text: HOOK },
    { name: 'password of a broker', text: BROKER },
    { name: 'password for ONVIF', text: ONVIF },
    // Part of what an admin has typed as the address, and shown to admins again.
    { name: 'password in an address', text: IN_ADDRESS, except: /for admin|index|volume/ },
    { name: 'session of the owner', text: session(cookie) },
    { name: 'session of a guest', text: session(guest) },
    // Told once, to whoever asked for them.
    { name: 'token', text: token, except: /^POST \/api\/tokens for admin$/ },
    { name: 'signature of a link', text: signature, except: /^POST \/api\/links for admin$/ },
    { name: 'key that seals', text: sealingKey, except: /^volume \/secret\.key$/ },
    { name: 'key of the certificate', text: tlsKey, except: /^volume \/tls\/key\.pem$/ },
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
  for (const [who, watcher] of watchers) {
    await watcher.until(() => watcher.texts.some(text => text.includes('"event"')));
    for (const text of watcher.texts) found.push(...hits(planted, `an update for ${who}`, Buffer.from(text)));
    watcher.destroy();
  }
  for (const [name, content] of answers) found.push(...hits(planted, name, content));
  for (const [name, content] of processes()) found.push(...hits(planted, name, content));
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
  found.push(...(await afterKill(dataDir, planted)));
  assert.equal([...new Set(found)], []);
  await hooks.stop();
  await device.close();
  await camera.stop();
});

test.run();
