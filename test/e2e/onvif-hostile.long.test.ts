// Eighteen hostile ONVIF cameras at one service for a minute: what they can take of its memory and of its time, and whom it asks for them.
//   SECONDS=… of it; default 60
import { type AddressInfo, createServer, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import type { CameraList } from '../../src/api/contract.ts';
import { percentile } from '../bench/percentile.ts';
import { processFigures } from '../bench/process-figures.ts';
import { Camera } from '../support/camera.ts';
import { stopChildren } from '../support/child.ts';
import { CLIPS, clipFile } from '../support/clips.ts';
import { type OnvifServer, startOnvifServer } from '../support/onvif-server.ts';
import { notification, type SimulatedAnswer, soapEnvelope } from '../support/onvif-simulator.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const SECONDS = Number(process.env.SECONDS ?? '60');
const MOST_MIB = 24;
/** Of a core; how long others wait for it is told, and depends on what else the machine does. */
const MOST_CPU = 50;
const LIMIT = 256 * 1024;

const problem = serviceProblem();
const test = suite('hostile ONVIF cameras', { timeoutMs: 600_000 });
const servers: OnvifServer[] = [];
let service: Service;
let camera: Camera;
test.after(async () => {
  await service?.stop();
  await camera?.stop();
  for (const server of servers) await server.close();
  await stopChildren();
});

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));
const ok = (body: string): SimulatedAnswer => ({ status: 200, body });
const pulled = (inside: string) => soapEnvelope(`<tev:PullMessagesResponse>${inside}</tev:PullMessagesResponse>`);
/** As many of them as a document may hold. */
const filled = (piece: (n: number) => string) => {
  let text = '';
  for (let n = 0; text.length < LIMIT - 4096; n++) text += piece(n);
  return ok(pulled(text));
};

/** By what they send in place of an answer. */
const KINDS: Record<string, SimulatedAnswer> = {
  'a bomb': ok(`<!DOCTYPE x [<!ENTITY a "bbbbbbbbbb"><!ENTITY c "&a;&a;&a;&a;">]>${pulled('&c;')}`),
  '5 MB': ok(pulled('x'.repeat(5_000_000))),
  'a wrong namespace': ok('<E xmlns="urn:x"><Body/></E>'),
  'a huge attribute': ok(pulled(`<a b="${'x'.repeat(LIMIT - 4096)}"/>`)),
  'very deep': ok(pulled(`${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`)),
  'very many elements': filled(() => '<a/>'),
  'very many attributes': filled(n => `<a ${Array.from({ length: 200 }, (_, m) => `a${n}x${m}=""`).join(' ')}/>`),
  'very many messages': filled(n => notification(`VideoSource/MotionAlarm${n}`, 'State', n % 2 ? 'true' : 'false')),
  'a redirect': { status: 302, headers: { Location: 'http://127.0.0.1:1/' }, body: '' },
};

/** Nobody may ask it anything. */
async function stranger(): Promise<{ port: number; asked(): number; close(): void }> {
  let asked = 0;
  const server = createServer((socket: Socket) => {
    asked++;
    socket.destroy();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, asked: () => asked, close: () => server.close() };
}

test.needs(
  problem === undefined,
  problem ?? '',
  `${SECONDS} s of it: bounded memory and time, and no stranger`,
  async () => {
    camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
    service = await Service.start();
    const other = await stranger();
    const named = `127.0.0.1:${other.port}`;
    for (const answer of Object.values(KINDS)) {
      const away = answer.status === 302 ? { ...answer, headers: { Location: `http://${named}/` } } : answer;
      // One from the beginning, one only when its messages are asked for.
      servers.push(await startOnvifServer({ named, instead: () => away }));
      servers.push(
        await startOnvifServer({ named, instead: operation => (operation === 'PullMessages' ? away : undefined) }),
      );
    }
    for (const _ of servers) await service.post('/api/cameras', { name: 'Camera', main: { url: camera.url } });
    const live = ({ cameras }: CameraList) => cameras.every(({ state }) => state.name === 'live');
    await service.until<CameraList>('/api/cameras', live, 60_000);
    await pause(10_000);
    const before = processFigures(service.pid);
    for (const [index, server] of servers.entries()) {
      const login = { username: 'admin', password: 'secret & more' };
      await service.patch(`/api/cameras/${index + 1}`, { onvif: { address: `127.0.0.1:${server.port}`, ...login } });
    }
    const answersMs: number[] = [];
    let mostMiB = 0;
    for (const endMs = performance.now() + SECONDS * 1000; performance.now() < endMs; await pause(100)) {
      const began = performance.now();
      await service.get('/api/health');
      answersMs.push(performance.now() - began);
      mostMiB = Math.max(mostMiB, processFigures(service.pid).rssMiB);
    }
    const after = processFigures(service.pid);
    const seen = servers.reduce((sum, server) => sum + server.camera.seen.length, 0);
    const cpu = ((after.cpuSeconds - before.cpuSeconds) / SECONDS) * 100;
    const [p99, worst] = [percentile(answersMs, 0.99), Math.max(...answersMs)];
    console.log(
      `RSS ${before.rssMiB.toFixed(1)} MiB before, ${mostMiB.toFixed(1)} at most, ${after.rssMiB.toFixed(1)} at the end; CPU ` +
        `${cpu.toFixed(1)} %; other requests p99 ${p99.toFixed(0)} ms, worst ${worst.toFixed(0)}; ${seen} questions to the cameras`,
    );
    assert.is(other.asked(), 0, 'a stranger is asked');
    other.close();
    assert.ok(servers.every(server => server.camera.seen.length > 0));
    assert.ok(mostMiB - before.rssMiB <= MOST_MIB, `${mostMiB - before.rssMiB} MiB`);
    assert.ok(cpu <= MOST_CPU, `${cpu} %`);
    assert.ok(live(await service.get<CameraList>('/api/cameras')), 'recording goes on');
    assert.equal(
      service.log.filter(({ level }) => level === 'error'),
      [],
    );
  },
);

test.run();
