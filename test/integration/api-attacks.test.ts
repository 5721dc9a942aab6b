import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Api } from '../../src/api/index.ts';
import type { HttpServer } from '../../src/api/server.ts';
import { staticFiles } from '../../src/api/static-files.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { type Attack, httpAttacks, mutatedRequests, SMUGGLED } from '../support/http-attacks.ts';
import { SERVERS } from '../support/http-servers.ts';
import { suite } from '../support/suite.ts';

/** Short, so that nobody waits, and room for all at once. */
const limits = {
  headerTimeMs: 1500,
  requestTimeMs: 3000,
  keepAliveMs: 1000,
  connections: 5000,
  connectionsPerAddress: 5000,
};
/** Within this every connection has come to its end: uWebSockets.js gives silent ones 10 s. */
const END_MS = 25_000;

interface Outcome {
  attack: Attack;
  statuses: number[];
  ended: boolean;
}

for (const kind of SERVERS) {
  const test = suite(`api attacks: ${kind.name}`, { timeoutMs: 120_000 });
  let folder = '';
  let fakes: FakeServices;
  let api: Api;
  let port = 0;
  const reached: string[] = [];

  /** Notes what comes to the handlers. */
  const noted = (inner: HttpServer): HttpServer => ({
    start: (handler, upgrade) =>
      inner.start(
        async request => {
          reached.push(request.path);
          return handler(request);
        },
        upgrade &&
          (async request => {
            reached.push(request.path);
            return upgrade(request);
          }),
      ),
    stop: graceMs => inner.stop(graceMs),
  });

  test.before.each(async () => {
    folder = mkdtempSync(join(tmpdir(), 'thimble-attacks-'));
    fakes = await fakeServices(folder);
    const log = fakes.log.logger;
    const files = staticFiles(folder, error => log.error('a page cannot be read', { error }));
    api = new Api({ server: noted(kind.make({ log, limits })), files, log });
    port = Number(new URL((await api.start()).url).port);
    api.open(fakes.services);
    reached.length = 0;
  });
  test.after.each(async () => {
    await api.stop();
    await fakes.cameras.stop();
    rmSync(folder, { recursive: true });
  });

  /** `split`: sends the bytes in pieces of this size. */
  const launch = (attack: Attack, split?: number): Promise<Outcome> =>
    new Promise(resolve => {
      let text = '';
      const socket = connect(port, '127.0.0.1');
      const done = (ended: boolean) => {
        clearTimeout(timer);
        socket.destroy();
        const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(found => Number(found[1]));
        resolve({ attack, statuses, ended });
      };
      const timer = setTimeout(() => done(false), END_MS);
      socket.setNoDelay(true);
      socket.on('data', piece => {
        text += piece.toString('latin1');
        // An accepted WebSocket may stay.
        if (text.startsWith('HTTP/1.1 101')) setTimeout(() => done(true), 300);
      });
      socket.on('error', () => undefined);
      socket.on('close', () => done(true));
      if (split === undefined) {
        socket.write(attack.bytes);
        return;
      }
      let at = 0;
      const next = () => {
        if (at >= attack.bytes.length || socket.destroyed) return;
        socket.write(attack.bytes.subarray(at, (at += split)), () => setImmediate(next));
      };
      next();
    });

  const check = async (outcomes: Promise<Outcome>[]) => {
    for (const { attack, statuses, ended } of await Promise.all(outcomes)) {
      assert.ok(ended, `${attack.name}: its connection goes on`);
      assert.not(
        statuses.some(status => status >= 500),
        `${attack.name}: ${statuses}`,
      );
    }
    assert.equal(
      reached.filter(path => path.startsWith(SMUGGLED)),
      [],
      'requests out of bodies',
    );
    assert.equal(fakes.log.messages('error'), []);
    const after = await launch({
      name: 'an ordinary request',
      bytes: Buffer.from(`GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`),
    });
    assert.equal(after.statuses, [200]);
  };

  test('every attack is refused, answered or cut off, whole, in small pieces and damaged, and none reaches further', async () => {
    const attacks = httpAttacks();
    assert.ok(attacks.length >= 200, `${attacks.length} attacks`);
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    let state = seed;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    // All at once: what is not answered has to wait for its time limit.
    const outcomes = [
      ...attacks.map(attack => launch(attack)),
      ...attacks.map(attack => launch(attack, attack.bytes.length < 500 ? 7 : 4096)),
      ...mutatedRequests(400, random).map(attack => launch(attack)),
    ];
    await check(outcomes).catch(error => {
      throw new Error(`SEED=${seed}: ${error.message}`);
    });
  });

  test.run();
}
