import * as assert from 'uvu/assert';
import type { LogLines, SegmentList, Status } from '../../src/api/contract.ts';
import { stopChildren } from '../support/child.ts';
import { parseMetrics, sampleValue } from '../support/metrics.ts';
import { Service, serviceProblem } from '../support/service.ts';
import { suite } from '../support/suite.ts';

const test = suite('observability', { timeoutMs: 40_000 });
const problem = serviceProblem();
const it = (name: string, body: () => Promise<void>) => test.needs(!problem, problem ?? '', name, body);
const CANARY = 'canary-3f81';

test.after(stopChildren);

async function scrape(service: Service) {
  const { data, headers } = await service.exchange('GET', '/api/metrics');
  assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
  return parseMetrics(data.toString());
}

it('the metrics of a running service are whole, agree with its status, and counters only rise', async () => {
  const service = await Service.start({ args: ['--demo'] });
  await service.until<Status>('/api/status', ({ storage }) => storage.writer.syncs >= 2);
  const first = await scrape(service);
  const status = await service.get<Status>('/api/status');
  const second = await scrape(service);
  for (const id of ['1', '2']) {
    assert.is(sampleValue(first, 'thimble_camera_state', { camera: id, state: 'live' }), 1);
    const age = sampleValue(first, 'thimble_camera_last_packet_age_seconds', { camera: id }) ?? Number.NaN;
    assert.ok(age >= 0 && age < 2, `camera ${id}: ${age} s`);
    assert.ok((sampleValue(first, 'thimble_stream_ring_bytes', { camera: id }) ?? 0) > 10_000);
    assert.ok((sampleValue(first, 'thimble_stream_frame_rate_hertz', { camera: id }) ?? 0) > 5);
  }
  const before = sampleValue(first, 'thimble_writer_media_bytes_total') ?? Number.NaN;
  const after = sampleValue(second, 'thimble_writer_media_bytes_total') ?? Number.NaN;
  const { mediaBytes } = status.storage.writer;
  assert.ok(before > 0 && before <= mediaBytes && mediaBytes <= after, `${before} ${mediaBytes} ${after}`);
  for (const [name, { type, samples }] of first) {
    if (type !== 'counter') continue;
    for (const { labels, value } of samples) assert.ok((sampleValue(second, name, labels) ?? 0) >= value, name);
  }
  const { memory } = status;
  assert.ok((memory.anonymousBytes ?? 0) > 4e6 && (memory.anonymousBytes ?? 0) < memory.rssBytes);
  assert.ok(memory.heapBytes > 1e6 && memory.externalBytes > 0 && memory.indexBytes >= 4096);
  assert.ok(memory.ringBytes > 20_000);
  assert.equal(status.problems, []);
  assert.is((await service.stop()).code, 0);
});

it('the log is there over HTTP, and no password is in it, nor in anything else that is shown', async () => {
  const service = await Service.start({ args: ['--log', 'debug'] });
  const url = `rtsp://admin:${CANARY}@127.0.0.1:1/cam?user=x&password=${CANARY}`;
  await service.post('/api/cameras', { name: 'Door', main: { url } });
  await service.ask('POST', '/api/cameras/probe', { url: `rtsp://127.0.0.1:1/${CANARY}`, password: CANARY });
  const { lines } = await service.until<LogLines>('/api/logs?camera=1', log =>
    log.lines.some(line => line.msg === 'camera state'),
  );
  assert.equal(
    lines.filter(line => line.camera !== 1),
    [],
  );
  const all = await service.get<LogLines>('/api/logs?limit=1000');
  assert.equal(
    all.lines.map(line => line.timeMs),
    all.lines.map(line => line.timeMs).sort((a, b) => a - b),
  );
  assert.equal(all.lines, service.log.slice(-all.lines.length), 'the same lines as on standard output');
  for (const path of ['/api/logs?limit=1000', '/api/metrics', '/api/status']) {
    const { data } = await service.exchange('GET', path);
    assert.not.match(data.toString(), CANARY);
  }
  assert.not.match(service.child.stdout.join('\n'), CANARY);
  await service.get<SegmentList>('/api/segments?camera=1');
  assert.is((await service.stop()).code, 0);
});

test.run();
