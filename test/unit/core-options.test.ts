import * as assert from 'uvu/assert';
import { NvrError, type Options, parseOptions, type ServeOptions, usage } from '../../src/core/index.ts';
import { suite } from '../support/suite.ts';

const test = suite('core options');

function serve(args: string[] = [], environment: Record<string, string> = {}): ServeOptions {
  const options = parseOptions(args, environment);
  if (options.command !== 'serve') throw new Error(`the command is ${options.command}`);
  return options;
}

function refusal(args: string[], environment: Record<string, string> = {}): NvrError {
  let options: Options;
  try {
    options = parseOptions(args, environment);
  } catch (error) {
    assert.instance(error, NvrError);
    assert.is((error as NvrError).kind, 'invalid-argument');
    assert.ok((error as NvrError).cure, 'a refusal names a cure');
    return error as NvrError;
  }
  throw new Error(`accepted as ${JSON.stringify(options)}`);
}

test('has defaults for everything', () => {
  assert.equal(serve(), {
    command: 'serve',
    dataDir: `${process.cwd()}/thimble-data`,
    listenHost: '0.0.0.0',
    listenPort: 8080,
    hub: 'auto',
    demo: false,
    allowLoopback: false,
    logLevels: { other: 'info', tags: {} },
    http: 'auto',
    trustedProxies: [],
  });
});

test('takes flags with blank or equals sign, after the command or without one', () => {
  const wanted = serve(['--data', '/d', '--listen', '127.0.0.1:0', '--demo']);
  assert.equal(serve(['serve', '--data=/d', '--listen=127.0.0.1:0', '--demo=1']), wanted);
  assert.is(wanted.dataDir, '/d');
  assert.is(wanted.listenPort, 0);
  assert.is(wanted.demo, true);
});

test('takes the environment, and flags before it', () => {
  const environment = {
    THIMBLE_DATA: '/env',
    THIMBLE_LISTEN: '[::1]:9',
    THIMBLE_ALLOW_LOOPBACK: 'true',
    THIMBLE_DEMO: '0',
  };
  const options = serve(['--data', '/flag'], environment);
  assert.is(options.dataDir, '/flag');
  assert.is(options.listenHost, '::1');
  assert.is(options.allowLoopback, true);
  assert.is(options.demo, false);
  assert.is(serve([], { THIMBLE_DATA: '' }).listenPort, 8080);
});

test('takes a configuration file by flag or environment, as an absolute path', () => {
  assert.is(serve(['--config', 'x.yaml']).configFile, `${process.cwd()}/x.yaml`);
  assert.is(serve([], { THIMBLE_CONFIG: '/etc/thimble.yaml' }).configFile, '/etc/thimble.yaml');
  assert.is(serve().configFile, undefined);
  assert.is(refusal(['check', '--config', 'x.yaml']).field, '--config');
});

test('reads log levels per tag', () => {
  assert.equal(serve(['--log', 'warn,storage=debug']).logLevels, { other: 'warn', tags: { storage: 'debug' } });
  assert.match(refusal(['--log', 'wran']).cure ?? '', 'warn');
});

test('listens where it is told, by default on this machine only', () => {
  // Until there is an account only the first page answers, wherever it is asked from.
  assert.is(serve().listenHost, '0.0.0.0');
  for (const host of ['0.0.0.0', '192.168.1.2', 'example.org', 'localhost']) {
    assert.is(serve(['--listen', `${host}:8080`]).listenHost, host);
  }
  assert.is(serve(['--listen', '[::]:8080']).listenHost, '::');
});

test('refuses what is no address', () => {
  for (const text of ['8080', 'localhost', '127.0.0.1:70000', '127.0.0.1:x', '[zz]:1', '::1:80', '']) {
    assert.is(refusal([`--listen=${text}`]).field, '--listen');
  }
});

test('names the flag that was probably meant', () => {
  assert.match(refusal(['--dta', '/x']).cure ?? '', '--data');
  assert.match(refusal(['--alow-loopback']).cure ?? '', '--allow-loopback');
  assert.match(refusal(['sreve']).cure ?? '', 'serve');
});

test('check, repair and reindex take a directory and nothing that belongs to the service', () => {
  const options = parseOptions(['reindex', '--data', '/srv/x'], { THIMBLE_DEMO: '1' });
  assert.equal(options, { command: 'reindex', dataDir: '/srv/x', logLevels: { other: 'error', tags: {} } });
  const fromEnvironment = parseOptions(['check'], { THIMBLE_DATA: '/srv/y' });
  assert.is(fromEnvironment.command === 'check' && fromEnvironment.dataDir, '/srv/y');
  assert.is(refusal(['repair', '--demo']).field, '--demo');
  assert.match(refusal(['repiar']).cure ?? '', 'repair');
});

test('says of what comes later that it is not in this version', () => {
  assert.match(refusal(['export']).message, 'not in this version');
});

test('takes a way to cameras', () => {
  for (const hub of ['auto', 'direct', 'go2rtc']) assert.is(serve(['--hub', hub]).hub, hub);
  assert.is(serve([], { THIMBLE_HUB: 'go2rtc' }).hub, 'go2rtc');
  assert.match(refusal(['--hub', 'vlc']).cure ?? '', 'auto, direct or go2rtc');
});

test('brings go2rtc into a data directory', () => {
  const wanted = { command: 'go2rtc-install', dataDir: '/srv/x', logLevels: { other: 'error', tags: {} } };
  assert.equal(parseOptions(['go2rtc', 'install', '--data', '/srv/x'], {}), wanted);
  assert.equal(parseOptions(['go2rtc', 'install'], { THIMBLE_DATA: '/srv/x' }), wanted);
  const from = { ...wanted, from: `${process.cwd()}/file` };
  assert.equal(parseOptions(['go2rtc', 'install', '--from', 'file', '--data', '/srv/x'], {}), from);
  assert.equal(parseOptions(['go2rtc', 'install', '--data=/srv/x', '--from=file'], {}), from);
  assert.equal(parseOptions(['go2rtc', '--help'], {}), { command: 'help' });
  for (const args of [['go2rtc'], ['go2rtc', 'remove']])
    assert.match(refusal(args).cure ?? '', 'go2rtc install --data');
  assert.match(refusal(['go2rtc', 'install', '--from', '']).message, 'empty');
  assert.match(refusal(['go2rtc', 'install', '--from']).message, 'empty');
  assert.is(refusal(['go2rtc', 'install', '--demo']).field, '--demo');
});

test('gives a user of a data directory a new password', () => {
  const logLevels = { other: 'error', tags: {} };
  const wanted = { command: 'user-reset', name: 'Anna B', dataDir: '/srv/x', logLevels };
  assert.equal(parseOptions(['user', 'reset', 'Anna B', '--data', '/srv/x'], {}), wanted);
  assert.equal(parseOptions(['user', 'reset', 'Anna B'], { THIMBLE_DATA: '/srv/x' }), wanted);
  assert.equal(parseOptions(['user', '--help'], {}), { command: 'help' });
  assert.match(refusal(['user']).cure ?? '', 'user reset NAME');
  assert.match(refusal(['user', 'remove', 'x']).message, 'not a command');
  assert.match(refusal(['user', 'reset']).message, 'needs the name');
  assert.match(refusal(['user', 'reset', '--data', '/srv/x']).message, 'needs the name');
  assert.is(refusal(['user', 'reset', 'x', '--demo']).field, '--demo');
  assert.match(refusal(['user', 'reset', 'x', 'y']).message, 'belongs to no flag');
  assert.match(refusal(['user', 'reset', '']).message, 'needs the name');
});

test('refuses values that are missing, doubled or of the wrong kind', () => {
  assert.match(refusal(['--data']).message, 'needs a value');
  assert.match(refusal(['--data', '--demo']).message, 'needs a value');
  assert.match(refusal(['--data', 'a', '--data', 'b']).message, 'twice');
  assert.match(refusal(['--data', '']).message, 'empty');
  assert.match(refusal(['--config', '']).cure ?? '', 'YAML');
  assert.match(refusal(['--demo=maybe']).message, 'switch');
  assert.match(refusal(['surplus']).message, 'not a command');
  assert.match(refusal(['--demo', 'surplus']).message, 'belongs to no flag');
  assert.is(refusal([], { THIMBLE_LISTEN: 'x' }).field, 'THIMBLE_LISTEN');
});

test('answers --version and --help, and help names every flag', () => {
  assert.equal(parseOptions(['--version'], {}), { command: 'version' });
  assert.equal(parseOptions(['serve', '--help'], {}), { command: 'help' });
  for (const flag of [
    '--data',
    '--listen',
    '--config',
    '--hub',
    '--demo',
    '--allow-loopback',
    '--log',
    'THIMBLE_DATA',
  ]) {
    assert.match(usage(), flag);
  }
});

test('takes an encrypted address with what belongs to it, and refuses what would do nothing', () => {
  const own = serve(['--https', '[::]:8443', '--tls-cert', 'c.pem', '--tls-key', '/k.pem', '--https-redirect']);
  assert.equal(own.https, {
    host: '::',
    port: 8443,
    redirect: true,
    files: { certificate: `${process.cwd()}/c.pem`, key: '/k.pem' },
  });
  assert.equal(serve([], { THIMBLE_HTTPS: '0.0.0.0:443' }).https, { host: '0.0.0.0', port: 443, redirect: false });
  assert.equal(serve(['--trusted-proxy', '10.0.0.1, ::1']).trustedProxies, ['10.0.0.1', '::1']);
  assert.is(serve(['--http=node']).http, 'node');
  const refused: [string[], string][] = [
    [['--https', '8443'], '--https'],
    [['--https', 'a:8443', '--tls-cert', 'c.pem'], '--tls-cert'],
    [['--https', 'a:8443', '--tls-key', 'k.pem'], '--tls-key'],
    [['--https', 'a:8443', '--tls-key=', '--tls-cert=c'], '--tls-key'],
    [['--tls-cert', 'c.pem', '--tls-key', 'k.pem'], '--tls-cert'],
    [['--https-redirect'], '--https-redirect'],
    [['--trusted-proxy', 'proxy.lan'], '--trusted-proxy'],
    [['--http', 'apache'], '--http'],
  ];
  for (const [args, field] of refused) assert.is(refusal(args).field, field, args.join(' '));
});

test.run();
