import * as assert from 'uvu/assert';
import { Log, type LogFields, type LogLevels, NvrError, redactText } from '../../src/core/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { suite } from '../support/suite.ts';

const test = suite('core log');

function setUp(options: { human?: boolean; levels?: Partial<LogLevels>; ringBytes?: number; clock?: FakeClock } = {}) {
  const written: string[] = [];
  const log = new Log({
    clock: options.clock ?? { nowMs: () => 1234, after: () => () => undefined },
    write: line => written.push(line),
    human: options.human ?? false,
    levels: { other: 'info', tags: {}, ...options.levels },
    ringBytes: options.ringBytes ?? 1000,
    repeatMs: options.clock ? 1000 : 0,
  });
  const last = () => JSON.parse(written.at(-1) ?? '{}') as LogFields;
  return { log, written, last };
}

test('writes one JSON line per fact, with the fields of parent and child', () => {
  const { log, written } = setUp();
  log.logger('cameras', { camera: 3 }).child('link', { stream: 'main' }).info('camera state', { state: 'live' });
  assert.equal(written, [
    '{"timeMs":1234,"level":"info","tag":"link","msg":"camera state","camera":3,"stream":"main","state":"live"}\n',
  ]);
});

test('keeps to the level of the tag', () => {
  const { log, written } = setUp({ levels: { other: 'warn', tags: { storage: 'debug' } } });
  log.logger('api').info('not wanted');
  log.logger('storage').debug('wanted');
  log.logger('api').warn('wanted');
  assert.is(written.length, 2);
});

test('fields cannot stand in for what the writer itself says', () => {
  const { log, last } = setUp();
  log.logger('api').info('true', { msg: 'false', level: 'debug', timeMs: 0, tag: 'x' });
  assert.equal(last(), { timeMs: 1234, level: 'info', tag: 'api', msg: 'true' });
});

test('takes secrets out by name, at every depth', () => {
  const { log, written, last } = setUp();
  log.logger('cameras').info('change', {
    password: 'canary',
    patch: { main: { apiToken: 'canary' }, sealedPassword: 'canary', hasPassword: true },
    headers: [{ authorization: 'canary' }, { cookie: 'canary' }],
  });
  assert.not.match(written.join(''), 'canary');
  assert.is((last().patch as LogFields).hasPassword, true);
});

test('takes sessions, tokens and hashes of passwords out wherever they stand, also when they were cut', () => {
  const secret = 'Ab-_'.repeat(11).slice(1);
  const hash = `$scrypt$ln=13,r=8,p=1$${'x'.repeat(22)}==$${'y'.repeat(43)}=`;
  for (const [text, rest] of [
    [`got tms_${secret}!`, 'got ***!'],
    [`Cookie: thimble_session=tms_${secret}; a=b`, 'Cookie: thimble_session=***; a=b'],
    [`tmt_${secret.slice(0, 20)}`, '***'],
    [`stored ${hash} there`, 'stored *** there'],
  ]) {
    assert.is(redactText(text as string), rest);
  }
  const cut = redactText(`${' '.repeat(1970)}tms_${secret}`);
  assert.not.match(cut, secret.slice(0, 12));
});

test('takes secrets out by shape, in messages, fields, errors and causes', () => {
  const { log, written } = setUp();
  const cause = new Error('open rtsp://admin:canary@10.0.0.2/x failed');
  log.logger('cameras').error('at rtsp://u:canary@h/', {
    url: 'rtsp://admin:canary/with@signs@host:554/path',
    path: '/cam?user=admin&password=canary&channel=1',
    xm: 'rtsp://host/user=admin_password=canary_channel=1.sdp',
    header: 'Authorization: Digest username="a", response="canary"',
    error: new NvrError('unavailable', 'rtsp://:canary@host', { cause }),
  });
  assert.not.match(written.join(''), 'canary');
  assert.match(written.join(''), 'rtsp://***@host:554/path');
});

test('leaves ordinary text alone', () => {
  const text = 'Basic authentication is what user a@b.example uses for rtsp://10.0.0.2/path';
  assert.is(redactText(text), text);
});

test('an unexpected error brings its stack, an expected one does not', () => {
  const { log, last } = setUp();
  log.logger('x').error('bug', { error: new TypeError('oops') });
  assert.match((last().error as LogFields).stack as string, 'core-log.test');
  log.logger('x').error('known', { error: new NvrError('unavailable', 'gone') });
  assert.equal(last().error, { message: 'gone', kind: 'unavailable' });
});

test('what the system said of an expected failure comes without a stack, what broke beneath a bug with it', () => {
  const { log, last } = setUp();
  const system = Object.assign(new Error('EROFS: read-only'), { code: 'EROFS', syscall: 'mkdir' });
  const error = new NvrError('unavailable', 'cannot make the folder', { cause: system });
  log.logger('x').error('refused', { error });
  const cause = () => (last().error as { cause: Record<string, string> }).cause;
  assert.equal(cause(), { message: 'EROFS: read-only', code: 'EROFS' });
  assert.not.match(JSON.stringify(last()), '"stack"');
  log.logger('x').error('bug', { error: new Error('oops', { cause: new TypeError('beneath') }) });
  assert.match(cause().stack ?? '', 'TypeError: beneath');
});

test('survives cycles, long texts and odd values', () => {
  const { log, written, last } = setUp();
  const cycle: LogFields = { big: 12n, bytes: Buffer.alloc(9), f: () => 1 };
  cycle.self = cycle;
  log.logger('x').info('odd', { cycle, text: 'a'.repeat(100_000) });
  assert.ok((written.at(-1) ?? '').length < 4000);
  assert.is((last().cycle as LogFields).bytes, '<9 bytes>');
});

test('shows no control characters on a terminal', () => {
  const { log, written } = setUp({ human: true });
  log.logger('x').warn('name', { name: '\u001b[31mred\nline\u202e' });
  const line = written.join('');
  assert.is(line.split('\n').length, 2);
  assert.not.match(line, '\u001b');
  assert.not.match(line, '\u202e');
  assert.match(line, 'warn');
});

test('keeps the newest lines in memory within its bytes', () => {
  const { log } = setUp({ ringBytes: 300 });
  const logger = log.logger('x');
  for (let i = 0; i < 50; i++) logger.info('line', { i });
  const lines = log.lines();
  assert.ok(lines.join('').length <= 300);
  assert.ok(lines.length >= 4);
  assert.is(JSON.parse(lines.at(-1) ?? '').i, 49);
});

test('a failure that repeats is written at most once a second, the newest of each second with their number', async () => {
  const clock = new FakeClock();
  const { log, written, last } = setUp({ clock });
  const logger = log.logger('api');
  for (let i = 0; i < 40; i++) logger.error('cut off', { i });
  assert.equal([written.length, last().i, last().repeated], [1, 0, undefined]);
  await clock.advance(1000);
  assert.equal([written.length, last().i, last().repeated], [2, 39, 39]);
  assert.is(last().timeMs, clock.nowMs());
  for (let i = 0; i < 10; i++) {
    await clock.advance(500);
    logger.error('cut off');
  }
  await clock.advance(2000);
  const repeats = written.slice(2).map(line => JSON.parse(line).repeated ?? 1);
  assert.ok(repeats.length <= 6, `${repeats.length} lines in 5 s`);
  assert.is(
    repeats.reduce((sum, count) => sum + count, 0),
    10,
  );
  assert.is(clock.pending, 0);
  logger.error('cut off');
  assert.is(last().repeated, undefined);
  assert.equal(log.counts(), { debug: 0, info: 0, warn: 0, error: 51 });
});

test('other messages, cameras, levels and parts have seconds of their own; what is no failure is always written', () => {
  const { log, written } = setUp({ clock: new FakeClock() });
  for (const tag of ['api', 'storage']) {
    for (const camera of [1, 2]) {
      for (let i = 0; i < 3; i++) {
        log.logger(tag).warn('x', { camera });
        log.logger(tag).error('x', { camera });
        log.logger(tag).error('y', { camera });
      }
    }
  }
  assert.is(written.length, 12);
  for (let i = 0; i < 3; i++) log.logger('api').info('x');
  assert.is(written.length, 15);
});

test('a thousand kinds of failure keep to a bound, and nothing is lost at the end', () => {
  const clock = new FakeClock();
  const { log, written } = setUp({ clock });
  for (let i = 0; i < 1000; i++) log.logger('api').error(`kind ${i}`);
  assert.ok(clock.pending <= 257);
  log.flush();
  assert.is(clock.pending, 0);
  assert.is(
    written.reduce((sum, line) => sum + (JSON.parse(line).repeated ?? 1), 0),
    1000,
  );
});

test('repeated lines are redacted like all others', async () => {
  const clock = new FakeClock();
  const { log, written } = setUp({ clock });
  for (let i = 0; i < 3; i++) log.logger('api').error('failed', { url: 'rtsp://u:canary@h/', password: 'canary' });
  await clock.advance(1000);
  assert.is(written.length, 2);
  assert.not.match(written.join('') + log.lines().join(''), 'canary');
});

test.run();
