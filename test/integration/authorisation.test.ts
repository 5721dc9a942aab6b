// Every route and WebSocket x everybody who may ask: generated from the table of routes, over real servers, with real accounts.
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Caller, RIGHTS, type Right, type Role } from '../../src/accounts/index.ts';
import { Api } from '../../src/api/index.ts';
import { SignedLinks } from '../../src/api/links.ts';
import { AccountWorld, PASSWORD } from '../support/account-world.ts';
import { EXPECTATIONS, type Expectation } from '../support/authorisation.ts';
import { contractFaults } from '../support/contract-faults.ts';
import { fakeServices } from '../support/fake-services.ts';
import { SERVERS, type ServerKind } from '../support/http-servers.ts';
import { suite } from '../support/suite.ts';

const DAY_MS = 86_400_000;
const ROLES: Role[] = ['viewer', 'operator', 'admin'];
/** A name that nobody must read who may not see camera 1. */
const CANARY = 'Canary';

interface Who {
  name: string;
  /** Undefined: what is sent proves nothing. */
  role?: Role;
  cameras?: number[];
  rights?: readonly Right[];
  by: 'nothing' | 'cookie' | 'bearer' | 'link';
  secret?: string;
}

interface Answer {
  status: number;
  text: string;
}

const WHO: Who[] = [
  { name: 'anonymous', by: 'nothing' },
  { name: 'unseeing', role: 'viewer', cameras: [2], rights: RIGHTS, by: 'cookie' },
  { name: 'viewer', role: 'viewer', cameras: [1, 2], rights: [], by: 'cookie' },
  { name: 'holder', role: 'viewer', cameras: [1, 2], rights: RIGHTS, by: 'cookie' },
  { name: 'operator', role: 'operator', rights: [], by: 'cookie' },
  { name: 'admin', role: 'admin', by: 'cookie' },
  { name: 'robot', role: 'admin', by: 'bearer' },
  { name: 'expired', by: 'cookie' },
  { name: 'revoked', by: 'bearer' },
  { name: 'link', role: 'viewer', by: 'link' },
];

class World {
  readonly who = new Map<string, Who>();
  readonly accounts: AccountWorld;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #folder = mkdtempSync(join(tmpdir(), 'thimble-authorisation-'));
  #end: (() => Promise<void>) | undefined;
  port = 0;
  routes: string[] = [];
  #links: SignedLinks | undefined;
  #signatory: Caller | undefined;

  private constructor(accounts: AccountWorld) {
    this.accounts = accounts;
  }

  static async make(): Promise<World> {
    const accounts = await AccountWorld.make();
    const world = new World(accounts);
    const first = await accounts.setUp('expired');
    world.who.set('expired', { ...(WHO.find(one => one.name === 'expired') as Who), secret: first.secret });
    await accounts.clock.advance(91 * DAY_MS);
    const admin = await accounts.login('expired');
    for (const one of WHO) {
      if (one.by === 'nothing' || one.name === 'expired') continue;
      await world.#add(one, accounts.actor(admin));
    }
    world.who.set('anonymous', WHO[0] as Who);
    return world;
  }

  async #add(one: Who, actor: ReturnType<AccountWorld['actor']>): Promise<void> {
    const { accounts } = this.accounts;
    const { name, role = 'admin', cameras, rights = [] } = one;
    const input = { name, password: PASSWORD, role, cameras, rights: name === 'link' ? [...RIGHTS] : [...rights] };
    await accounts.users.add(actor, input);
    const { secret } = await this.accounts.login(name);
    if (one.by === 'link') this.#signatory = this.accounts.callerOf({ secret });
    if (one.by !== 'bearer') {
      this.who.set(name, { ...one, secret });
      return;
    }
    const token = await accounts.tokens.create(this.accounts.actor({ secret }), { name });
    this.who.set(name, { ...one, secret: token.token });
    if (name === 'revoked') await accounts.tokens.revoke(actor, token.id, () => true);
  }

  /** A service with two cameras, and rates that nobody has used up. */
  async serve(kind: ServerKind): Promise<void> {
    await this.stop();
    const fakes = await fakeServices(this.#folder);
    const log = fakes.log.logger;
    const api = new Api({ server: kind.make({ log }), log });
    this.port = Number(new URL((await api.start()).url).port);
    api.open({ ...fakes.services, accounts: this.accounts.accounts });
    const { linkKey: key, clock } = fakes.services;
    this.#links = new SignedLinks({ key, clock, callerBy: () => undefined });
    for (const name of [CANARY, 'Yard']) {
      const added = await this.ask('admin', 'POST', '/api/cameras', { name, main: { url: 'rtsp://10.0.0.2/a' } });
      assert.is(added.status, 201, added.text);
    }
    const description = JSON.parse((await this.ask('admin', 'GET', '/api/openapi.json')).text);
    this.routes = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map(method => `${method.toUpperCase()} ${path}`),
    );
    this.#end = async () => {
      await api.stop();
      await fakes.cameras.stop();
    };
  }

  async stop(): Promise<void> {
    await this.#end?.();
    this.#end = undefined;
  }

  async close(): Promise<void> {
    await this.stop();
    this.#agent.destroy();
    rmSync(this.#folder, { recursive: true });
  }

  /** Status 101 when a WebSocket was opened; it is closed at once. Bytes that go on are not waited for. */
  async ask(
    name: string,
    method: string,
    url: string,
    body?: unknown,
    more: Record<string, string> = {},
  ): Promise<Answer> {
    const who = this.who.get(name) as Who;
    const content = body === undefined ? undefined : JSON.stringify(body).replaceAll('{password}', PASSWORD);
    const headers = {
      ...(content !== undefined && { 'content-type': 'application/json' }),
      ...(who.by === 'cookie' && { cookie: `thimble_session=${who.secret}`, origin: `http://127.0.0.1:${this.port}` }),
      ...(who.by === 'bearer' && { authorization: `Bearer ${who.secret}` }),
      ...more,
    };
    for (const [key, value] of Object.entries(headers)) if (value === '') delete headers[key as keyof typeof headers];
    const isSocket = more.upgrade !== undefined;
    const path = who.by === 'link' ? this.#signed(url) : url;
    const { port } = this;
    const call = request({ port, host: '127.0.0.1', method, path, headers, ...(!isSocket && { agent: this.#agent }) });
    call.end(content);
    return new Promise((resolve, reject) => {
      call.on('error', error => reject(new Error(`${method} ${url} by ${name}: ${error.message}`)));
      call.on('upgrade', (_response, socket) => {
        socket.destroy();
        resolve({ status: 101, text: '' });
      });
      call.on('response', (response: IncomingMessage) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', piece => {
          text += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      });
    });
  }

  #signed(url: string): string {
    const [path = '', query = ''] = url.split('?', 2);
    return this.#signatory ? (this.#links?.sign(path, query, this.#signatory, 9e14) ?? url) : url;
  }
}

/** What the law says, in one place: the table says it route by route. */
function wanted(who: Who, what: Expectation): { status: number; hidden?: true } {
  if (what.needs === 'public') return { status: what.passes };
  if (who.role === undefined) return { status: 401 };
  if (who.by === 'link') return { status: what.link ? what.passes : 401 };
  if (ROLES.indexOf(who.role) < ROLES.indexOf(what.needs)) return { status: 403 };
  if (what.ofCamera && who.cameras && !who.cameras.includes(1)) return { status: 404, hidden: true };
  if (what.right && who.role !== 'admin' && !who.rights?.includes(what.right)) return { status: 403 };
  return { status: (who.by === 'bearer' ? what.byToken : undefined) ?? what.passes };
}

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

for (const kind of SERVERS) {
  const test = suite(`authorisation: ${kind.name}`);
  let world: World;
  test.before(async () => {
    world = await World.make();
  });
  test.after(() => world.close());

  test('every route has an expectation, and every expectation a route', async () => {
    await world.serve(kind);
    assert.equal(world.routes.sort(), Object.keys(EXPECTATIONS).sort());
  });

  test('a change from elsewhere is refused on every route', async () => {
    await world.serve(kind);
    for (const [name, what] of Object.entries(EXPECTATIONS)) {
      const [method = '', route = ''] = name.split(' ');
      if (method === 'GET' && !what.socket) continue;
      const more = what.socket ? UPGRADE : {};
      const path = what.path ?? route;
      for (const headers of [
        ...(what.needs === 'public' ? [] : [{ origin: '' }]),
        { origin: 'http://evil.example' },
        { origin: 'null' },
        { origin: `http://127.0.0.1:${world.port + 1}` },
        { 'sec-fetch-site': 'cross-site' },
        { host: 'evil.example' },
        { host: `evil.example:${world.port}`, origin: `http://evil.example:${world.port}` },
      ] as Record<string, string>[]) {
        const answer = await world.ask('admin', method, path, what.body, { ...more, ...headers });
        assert.is(answer.status, 403, `${name} ${JSON.stringify(headers)} ${answer.text}`);
      }
      if (what.body === undefined) continue;
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        const answer = await world.ask('admin', method, path, what.body, { 'content-type': type });
        assert.is(answer.status, 400, `${name} ${type} ${answer.text}`);
      }
    }
  });

  test('everybody gets what they may, and nothing else', async () => {
    const surprises: string[] = [];
    for (const [name, what] of Object.entries(EXPECTATIONS)) {
      const [method = '', route = ''] = name.split(' ');
      await world.serve(kind);
      for (const who of world.who.values()) {
        if (who.by === 'link' && what.needs === 'public') continue;
        const answer = await world.ask(who.name, method, what.path ?? route, what.body, what.socket ? UPGRADE : {});
        const { status, hidden } = wanted(who, what);
        const told = answer.text.includes('there is no such camera');
        const isHidden = hidden ? told : !told || what.byToken === 404;
        surprises.push(...contractFaults(name, answer.status, answer.text));
        const isSilent = who.name !== 'unseeing' || !answer.text.includes(CANARY);
        if (answer.status === status && isHidden && isSilent) continue;
        surprises.push(`${name} by ${who.name}: ${answer.status} instead of ${status}: ${answer.text.slice(0, 200)}`);
      }
    }
    assert.equal(surprises, []);
  });

  test.run();
}
