import * as assert from 'uvu/assert';
import { Api } from '../../src/api/index.ts';
import { metricsText } from '../../src/api/prometheus.ts';
import { FIRST_PROBE_ID } from '../../src/cameras/probe.ts';
import { EventBus } from '../../src/core/index.ts';
import { GapCounts } from '../../src/recording/index.ts';
import { FakeServer } from '../support/fake-server.ts';
import { type FakeServices, fakeServices } from '../support/fake-services.ts';
import { parseMetrics, sampleValue } from '../support/metrics.ts';
import { suite } from '../support/suite.ts';
import { tempDir } from '../support/temp.ts';

const test = suite('api metrics');

let fakes: FakeServices;
let server: FakeServer;

test.before.each(async () => {
  fakes = await fakeServices(tempDir('metrics'));
  server = new FakeServer();
  const api = new Api({ server, log: fakes.log.logger });
  await api.start();
  api.open(fakes.services);
});
test.after.each(() => fakes.cameras.stop());

async function scrape() {
  const { status, headers, body } = await server.ask('GET', '/api/metrics');
  assert.equal([status, headers?.['Content-Type']], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  return parseMetrics((body as Buffer).toString());
}

const addCamera = (name: string) => server.ask('POST', '/api/cameras', { name, main: { url: 'rtsp://10.0.0.2/a' } });

test('names and types follow the rules, without a camera as well', async () => {
  for (let cameras = 0; cameras < 2; cameras++) {
    for (const [name, { type, help }] of await scrape()) {
      assert.match(name, /^thimble_/);
      assert.is(name.endsWith('_total'), type === 'counter', name);
      assert.not.match(name, /_(ms|millis|kib|mib|percent|bits|bps)(_|$)/);
      assert.match(help, /\.$/);
    }
    await addCamera('Door');
  }
});

test('figures are in base units, with the camera as label', async () => {
  await addCamera('Door');
  const lastPacketMs = fakes.services.clock.nowMs() - 2500;
  const figures = { lastPacketMs, fps: 25, bitrateBps: 2_000_000, gopMs: 1500, ringBytes: 700, reconnects: 3 };
  const losses = { receivedBytes: 9000, lostPackets: 4, damagedUnits: 5, droppedBytes: 6, lateAudioUnits: 7 };
  fakes.engine.figures.set(1, { ...figures, ...losses });
  fakes.engine.link(1, 'live');
  fakes.engine.emit({ type: 'problems', camera: 1, stream: 'main', problems: ['bad-clock'] });
  fakes.gaps.set(1, { startMs: 5, reason: 'disk-full' });
  fakes.addSegment(1000, Buffer.alloc(77));
  const families = await scrape();
  const camera = { camera: '1' };
  assert.equal(
    ['live', 'stalled'].map(state => sampleValue(families, 'thimble_camera_state', { ...camera, state })),
    [1, 0],
  );
  assert.is(families.get('thimble_camera_state')?.samples.length, 6);
  assert.equal(families.get('thimble_camera_problem')?.samples.length, 1);
  assert.is(sampleValue(families, 'thimble_camera_problem', { ...camera, stream: 'main', problem: 'bad-clock' }), 1);
  const expected: [string, number][] = [
    ['camera_last_packet_age_seconds', 2.5],
    ['camera_segments', 1],
    ['camera_segments_bytes', 77],
    ['stream_frame_rate_hertz', 25],
    ['stream_bitrate_bytes_per_second', 250_000],
    ['stream_gop_seconds', 1.5],
    ['stream_ring_bytes', 700],
    ['stream_received_bytes_total', 9000],
    ['stream_reconnects_total', 3],
    ['stream_lost_packets_total', 4],
    ['stream_damaged_units_total', 5],
    ['stream_dropped_bytes_total', 6],
    ['stream_late_audio_units_total', 7],
  ];
  for (const [name, value] of expected) assert.is(sampleValue(families, `thimble_${name}`, camera), value, name);
  assert.is(sampleValue(families, 'thimble_camera_gap', { ...camera, reason: 'disk-full' }), 1);
  assert.is(sampleValue(families, 'thimble_camera_gaps_total', { ...camera, reason: 'offline' }), 3);
  assert.is(sampleValue(families, 'thimble_problems', { kind: 'recording' }), 1);
  assert.is(sampleValue(families, 'thimble_log_lines_total', { level: 'warn' }), 2);
  assert.is(sampleValue(families, 'thimble_index_bytes'), 4096);
  assert.ok((sampleValue(families, 'thimble_volume_free_bytes') ?? 0) > 0);
  const anonymous = sampleValue(families, 'thimble_memory_anonymous_bytes') ?? 0;
  assert.ok(anonymous > 1e6 && anonymous < (sampleValue(families, 'thimble_memory_resident_bytes') ?? 0));
});

test('a camera without pictures has no age, and one that is only tried is not there', async () => {
  await addCamera('Door');
  fakes.engine.setStream({ ...fakes.engine.history[0], camera: FIRST_PROBE_ID } as never);
  const families = await scrape();
  assert.is(families.get('thimble_camera_last_packet_age_seconds'), undefined);
  assert.is(families.get('thimble_stream_ring_bytes')?.samples.length, 1);
});

test('answers are counted by class, refused ones too', async () => {
  await server.ask('GET', '/api/cameras/9');
  await server.ask('GET', '/nothing');
  await server.ask('GET', '/api/status', undefined, { host: 'evil.example' });
  await scrape();
  const families = await scrape();
  assert.is(sampleValue(families, 'thimble_http_requests_total', { status: '4xx' }), 3);
  assert.is(sampleValue(families, 'thimble_http_requests_total', { status: '2xx' }), 1);
});

test('names that owners choose cannot forge samples', async () => {
  const name = 'a"} 1\nthimble_forged 1\n# \\';
  const text = metricsText([
    { name: 'thimble_x', type: 'gauge', help: 'X\ny.', samples: [{ value: 1, labels: { name } }] },
  ]);
  const families = parseMetrics(text);
  assert.equal([...families.keys()], ['thimble_x']);
  assert.is(families.get('thimble_x')?.samples[0]?.labels.name, name);
});

test('gaps are counted by reason until their camera is removed', () => {
  const bus = new EventBus(error => {
    throw error;
  });
  const counts = new GapCounts(bus);
  const gap = (camera: number, reason: 'offline' | 'restart') =>
    bus.emit('gap.opened', { camera, stream: 'main', startMs: 0, reason });
  gap(1, 'offline');
  gap(1, 'offline');
  gap(1, 'restart');
  gap(2, 'offline');
  bus.emit('camera.removed', { camera: 2 });
  assert.equal(counts.list(), [
    { camera: 1, reason: 'offline', count: 2 },
    { camera: 1, reason: 'restart', count: 1 },
  ]);
});

test.run();
