// The built service among crowds: idle connections, viewers that do not read, headers that trickle, floods of logins. What counts
// is that recording does not notice, that memory stays bounded, and that the owner still gets through.
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { Status } from '../../src/api/contract.ts';
import { stopChildren } from '../support/child.ts';
import { Service } from '../support/service.ts';
import { suite } from '../support/suite.ts';
import { WebSocketClient } from '../support/web-socket-client.ts';

const MiB = 1024 * 1024;
/** Of the service's memory, for all crowds at once; the queues of slow viewers alone may take 128 times their bound. */
const MOST_GROWTH_BYTES = { idle: 12 * MiB, viewers: 48 * MiB, logins: 24 * MiB };
const MOST_P99_MS = 1000;

for (const http of ['node', 'uws']) {
  const test = suite(`crowds: ${http}`, { timeoutMs: 240_000 });
  let service: Service;
  let port = 0;
  const held: Socket[] = [];

  test.before(async () => {
    service = await Service.start({ args: ['--demo', '--http', http] });
    port = Number(new URL(service.ready.url).port);
    await service.until<{ cameras: { state: { name: string } }[] }>('/api/cameras', ({ cameras }) =>
      cameras.every(({ state }) => state.name === 'live'),
    );
    await wait(3000);
  });
  test.after(stopChildren);

  const rssBytes = () =>
    1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'latin1'))?.[1]);
  const hold = (socket: Socket) => {
    socket.on('error', () => undefined);
    held.push(socket);
    return socket;
  };
  const letGo = async () => {
    for (const socket of held.splice(0)) socket.destroy();
    await wait(500);
  };

  /** Asks as the owner does while the crowd is there; a refusal counts as no answer. */
  const owner = async (rounds: number): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const started = performance.now();
      await service.get(i % 2 ? '/api/health' : '/api/cameras');
      times.push(performance.now() - started);
      await wait(30);
    }
    times.sort((a, b) => a - b);
    return times[Math.floor(times.length * 0.99)] as number;
  };

  const gapsSince = async (startMs: number): Promise<unknown[]> => {
    const { cameras } = await service.get<{ cameras: { gaps: unknown[] }[] }>(
      `/api/timeline?camera=1&camera=2&startMs=${startMs}&endMs=${Date.now()}`,
    );
    return cameras.flatMap(({ gaps }) => gaps);
  };

  const among = async (what: keyof typeof MOST_GROWTH_BYTES, crowd: () => Promise<() => Promise<void>>) => {
    const startMs = Date.now();
    const before = rssBytes();
    const end = await crowd();
    const p99 = await owner(100).catch((error: Error) => error);
    const grown = rssBytes() - before;
    await end();
    await letGo();
    if (p99 instanceof Error) throw p99;
    await wait(2000);
    const gaps = await gapsSince(startMs);
    const rounded = (bytes: number) => Number((bytes / MiB).toFixed(1));
    const figures = {
      ...{
        http,
        crowd: what,
        rssMiB: rounded(before),
        grownMiB: rounded(grown),
        boundMiB: MOST_GROWTH_BYTES[what] / MiB,
      },
      ...{ leftMiB: rounded(rssBytes() - before), ownerP99Ms: Math.round(p99), gaps: gaps.length },
    };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    assert.equal(gaps, []);
    assert.ok(grown <= MOST_GROWTH_BYTES[what], `${grown} bytes`);
    assert.ok(p99 < MOST_P99_MS, `${p99} ms`);
    const { problems } = await service.get<Status>('/api/status');
    assert.equal(
      problems.filter(({ kind }) => kind !== 'flapping-parameters'),
      [],
    );
  };

  test('ten thousand idle connections, some of them with headers that trickle', () =>
    among('idle', async () => {
      const settled: Promise<unknown>[] = [];
      for (let i = 0; i < 10_000; i++) {
        // The owner is at another address: of those that hold most, connections give way.
        const socket = hold(connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (i % 4)}` }));
        settled.push(new Promise(resolve => socket.once('connect', resolve).once('close', resolve)));
        if (i % 10 === 0) socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
        if (i % 500 === 499) await wait(20);
      }
      // What does not fit into the kernel's queue asks again after a second; the owner would have to as well.
      await Promise.all(settled);
      const drip = setInterval(() => {
        for (const socket of held)
          if (socket.writable && !socket.destroyed && socket.bytesWritten > 0) socket.write('y');
      }, 1000);
      return async () => clearInterval(drip);
    }));

  test('two hundred viewers that do not read', () =>
    among('viewers', async () => {
      // One login watches 48 pictures at most.
      const crowd: object[] = [];
      for (let number = 0; number < 7; number++) crowd.push(await newViewer(service, `viewer${number}`));
      const clients = await Promise.all(
        Array.from({ length: 200 }, (_, i) =>
          WebSocketClient.open(
            new URL(`/api/cameras/${1 + (i % 2)}/live?stream=main`, service.ready.url).href,
            { ...(crowd[i % crowd.length] as object), Origin: service.ready.url },
            '',
            // Of one address 128 connections are taken; the owner is at another.
            `127.0.0.${2 + (i % 2)}`,
          ),
        ),
      );
      const accepted = clients.filter(({ status }) => status === 101);
      assert.ok(
        accepted.length >= 50,
        `${accepted.length} viewers: ${clients.map(({ status }) => status).slice(0, 3)}`,
      );
      const metrics = String((await service.exchange('GET', '/api/metrics')).data);
      const watching = Number(/^thimble_live_viewers(?:\{\})? (\d+)$/m.exec(metrics)?.[1]);
      assert.ok(watching >= 90, `${watching} watch`);
      for (const client of clients) client.socket.pause();
      await wait(10_000);
      return async () => {
        for (const client of clients) client.destroy();
      };
    }));

  test('a flood of logins', () =>
    among('logins', async () => {
      let goesOn = true;
      const flood = Array.from({ length: 40 }, async () => {
        while (goesOn) {
          const body = { name: `user${Math.floor(Math.random() * 1000)}`, password: 'wrong password' };
          await service
            .exchange('POST', '/api/login', body, { origin: service.ready.url, authorization: '' })
            .catch(() => undefined);
        }
      });
      return async () => {
        goesOn = false;
        await Promise.all(flood);
      };
    }));

  test.run();
}

/** A session of somebody new who may look at everything, as headers. */
async function newViewer(service: Service, name: string): Promise<object> {
  const password = 'one of a large crowd';
  await service.post('/api/users', { name, password, role: 'viewer' });
  const { headers } = await service.exchange('POST', '/api/login', { name, password });
  return { Cookie: headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '' };
}
