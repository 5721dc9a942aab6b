// Accounts of the built service: the first run, what lasts over kills and restarts, and a lost password.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { Me, Status } from '../../src/api/contract.ts';
import { Child, stopChildren } from '../support/child.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/thimble.js', import.meta.url));
const PASSWORD = 'correct horse staple';
const problem = serviceProblem();
const test = suite('accounts of the service', { timeoutMs: 60_000 });
test.after(stopChildren);

async function userReset(name: string, dir: string) {
  const child = new Child(process.execPath, [PROGRAM, 'user', 'reset', name, '--data', dir]);
  const { code } = await child.exited;
  return { code, lines: child.stdout.map(line => JSON.parse(line)), stderr: child.stderr.join('\n') };
}

/** The cookie of the session that an answer begins. */
async function begin(service: Service, path: string, body: unknown): Promise<string> {
  const { status, headers, data } = await service.exchange('POST', path, body);
  assert.ok(status === 200 || status === 201, `${path} ${status} ${data}`);
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

async function me(service: Service, cookie: string): Promise<Me | undefined> {
  const { status, data } = await service.exchange('GET', '/api/me', undefined, { cookie });
  return status === 200 ? (JSON.parse(data.toString()) as Me) : undefined;
}

function start(dataDir: string): Promise<Service> {
  return Service.start({ dataDir, account: false });
}

test.needs(!problem, problem ?? '', 'before the first account nothing but that is answered', async () => {
  const service = await start(tempDir('data'));
  const code = service.ready.setupCode ?? '';
  const file = join(service.dataDir, 'setup-code');
  assert.is(readFileSync(file, 'utf8'), `${code}\n`);
  assert.is(statSync(file).mode & 0o777, 0o600);
  assert.is((await service.ask('GET', '/api/health')).status, 200);
  assert.equal((await service.ask('GET', '/api/setup')).body, { open: true });
  const closed = [
    'GET /api/cameras',
    'GET /api/me',
    'POST /api/login',
    'GET /api/settings',
    'GET /api/backup',
    'GET /api/x',
  ];
  for (const name of closed) {
    const [method = '', path = ''] = name.split(' ');
    assert.is(
      (await service.ask(method, path, method === 'POST' ? { name: 'a', password: 'b' } : undefined)).status,
      401,
      name,
    );
  }
  const account = { name: 'anna', password: PASSWORD };
  const wrong = await service.ask<{ error: { field: string } }>('POST', '/api/setup', {
    code: 'AAAA-AAAA',
    ...account,
  });
  assert.equal([wrong.status, wrong.body.error.field], [403, 'code']);
  const cookie = await begin(service, '/api/setup', { code, ...account });
  assert.is((await me(service, cookie))?.role, 'admin');
  assert.not.ok(existsSync(file));
  assert.is((await service.ask('POST', '/api/setup', { code, ...account })).status, 404);
  assert.is((await service.ask('GET', '/api/cameras')).status, 401);
  await service.stop();
});

test.needs(!problem, problem ?? '', 'five wrong codes cost a minute; a restart shows another code', async () => {
  const service = await start(tempDir('data'));
  const account = { name: 'anna', password: PASSWORD };
  for (let n = 0; n < 5; n++) {
    assert.is((await service.ask('POST', '/api/setup', { code: 'AAAA-AAAA', ...account })).status, 403);
  }
  const right = await service.ask('POST', '/api/setup', { code: service.ready.setupCode, ...account });
  assert.is(right.status, 429);
  const waitS = Number(right.headers['retry-after']);
  assert.ok(waitS > 0 && waitS <= 60, `${waitS} s`);
  await service.stop();
  const again = await start(service.dataDir);
  assert.is.not(again.ready.setupCode, service.ready.setupCode);
  const old = await again.ask('POST', '/api/setup', { code: service.ready.setupCode, ...account });
  assert.is(old.status, 403);
  await begin(again, '/api/setup', { code: again.ready.setupCode, ...account });
  await again.stop();
});

test.needs(!problem, problem ?? '', 'default passwords open nothing', async () => {
  const service = await start(tempDir('data'));
  for (const [name, password] of [
    ['admin', 'admin'],
    ['root', 'root'],
    ['admin', '12345'],
    ['root', 'xc3511'],
  ]) {
    assert.is((await service.ask('POST', '/api/login', { name, password })).status, 401);
    const authorization = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
    assert.is((await service.exchange('GET', '/api/cameras', undefined, { authorization })).status, 401);
  }
  await service.stop();
});

test.needs(
  !problem,
  problem ?? '',
  'an account is there after a kill, sessions after a restart, and with the index lost',
  async () => {
    const dataDir = tempDir('data');
    const first = await start(dataDir);
    await begin(first, '/api/setup', { code: first.ready.setupCode, name: 'anna', password: PASSWORD });
    first.kill('SIGKILL');
    await first.child.exited;
    const second = await start(dataDir);
    assert.is(second.ready.setupCode, undefined);
    const kept = await begin(second, '/api/login', { name: 'anna', password: PASSWORD });
    const ended = await begin(second, '/api/login', { name: 'anna', password: PASSWORD });
    const out = await second.exchange('POST', '/api/logout', undefined, { cookie: ended, origin: second.ready.url });
    assert.is(out.status, 204);
    await second.stop();
    const third = await start(dataDir);
    assert.is((await me(third, kept))?.name, 'anna');
    assert.is(await me(third, ended), undefined);
    await third.stop();
    for (const name of readdirSync(dataDir)) {
      if (name.startsWith('index')) rmSync(join(dataDir, name), { recursive: true });
    }
    const fourth = await start(dataDir);
    assert.is(fourth.ready.setupCode, undefined);
    assert.is(await me(fourth, kept), undefined);
    await begin(fourth, '/api/login', { name: 'anna', password: PASSWORD });
    await fourth.stop();
    for (const { child } of [first, second, third, fourth]) {
      const said = [...child.stdout, ...child.stderr].join('\n');
      for (const secret of [PASSWORD, kept.slice(16), ended.slice(16), '$scrypt$'])
        assert.not.ok(said.includes(secret));
    }
  },
);

test.needs(!problem, problem ?? '', 'a lost password is replaced on the board, while no service runs', async () => {
  const dataDir = tempDir('data');
  const first = await start(dataDir);
  const cookie = await begin(first, '/api/setup', { code: first.ready.setupCode, name: 'Anna B', password: PASSWORD });
  const busy = await userReset('Anna B', dataDir);
  assert.is(busy.code, 3);
  assert.match(busy.stderr, 'in use by another Thimble');
  assert.is((await me(first, cookie))?.name, 'Anna B');
  await first.stop();
  const unknown = await userReset('bob', dataDir);
  assert.equal([unknown.code, unknown.lines], [1, []]);
  assert.match(unknown.stderr, 'There are: "Anna B".');
  assert.is((await userReset('anna b', tempDir('nothing'))).code, 3);
  const { code, lines } = await userReset('anna b', dataDir);
  assert.is(code, 0);
  assert.equal([lines.length, lines[0].name, lines[0].becameAdmin], [1, 'Anna B', false]);
  const second = await start(dataDir);
  assert.is(await me(second, cookie), undefined);
  assert.is((await second.ask('POST', '/api/login', { name: 'Anna B', password: PASSWORD })).status, 401);
  const fresh = await begin(second, '/api/login', { name: 'Anna B', password: lines[0].password });
  assert.is((await me(second, fresh))?.role, 'admin');
  await second.stop();
});

test.needs(!problem, problem ?? '', 'users of a configuration file need no set-up code', async () => {
  const dataDir = tempDir('data');
  const file = join(tempDir('config'), 'thimble.yaml');
  const write = (role: string) =>
    writeFileSync(file, `users:\n  anna:\n    role: ${role}\n    password: \${ANNA_PASSWORD}\n`);
  const options = { dataDir, account: false, args: ['--config', file], env: { ANNA_PASSWORD: PASSWORD } };
  write('admin');
  const service = await Service.start(options);
  assert.is(service.ready.setupCode, undefined);
  const cookie = await begin(service, '/api/login', { name: 'anna', password: PASSWORD });
  assert.is((await me(service, cookie))?.role, 'admin');
  const change = { currentPassword: PASSWORD, password: 'another horse staple' };
  const refusal = await service.exchange('PATCH', '/api/me', change, { cookie, origin: service.ready.url });
  assert.is(refusal.status, 409);
  await service.stop();
  write('viewer');
  const { child } = Service.spawn(options);
  assert.is((await child.exited).code, 2);
  assert.match(child.stderr.join('\n'), 'no user would be an admin');
});

test.needs(!problem, problem ?? '', 'passwords that were hashed leave no memory behind', async () => {
  const service = await start(tempDir('data'));
  const cookie = await begin(service, '/api/setup', {
    code: service.ready.setupCode,
    name: 'anna',
    password: PASSWORD,
  });
  const anonymousBytes = async () => {
    const { data } = await service.exchange('GET', '/api/status', undefined, { cookie });
    return (JSON.parse(data.toString()) as Status).memory.anonymousBytes ?? 0;
  };
  await anonymousBytes();
  const before = await anonymousBytes();
  for (let n = 0; n < 8; n++) await begin(service, '/api/login', { name: 'anna', password: PASSWORD });
  const grownBytes = (await anonymousBytes()) - before;
  // Each thread of the pool would keep 8 MiB.
  assert.ok(grownBytes < 12 * 1024 * 1024, `${grownBytes} bytes`);
  await service.stop();
});

test.run();
