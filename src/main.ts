// The service: its start order, its stop order, its signals and exit codes. The only file that knows the process.
import packageJson from '../package.json' with { type: 'json' };
import { Accounts } from './accounts/index.ts';
import {
  Api,
  type ApiServices,
  CameraGroups,
  chooseServer,
  HostNames,
  type HttpServer,
  type HttpsFacts,
  LIMITS,
  liveServices,
  startHttps,
  staticFiles,
  storageServices,
  webFolder,
} from './api/index.ts';
import { Cameras, openHub, Prober, refusals, spokenAddress } from './cameras/index.ts';
import {
  background,
  EventBus,
  type Go2rtcInstallOptions,
  isAbort,
  Lifecycle,
  Log,
  type Logger,
  type MaintainOptions,
  memoryLimitBytes,
  NvrError,
  networkUrls,
  outputWriter,
  parseOptions,
  portsOf,
  redactText,
  type ServeOptions,
  systemClock,
  timeZoneName,
  type UserResetOptions,
  usage,
} from './core/index.ts';
import { DemoServer } from './demo/index.ts';
import { CameraEvents, openWebhooks } from './events/index.ts';
import { Go2rtcPreferencesKeeper, Installer, makeGo2rtc } from './go2rtc/index.ts';
import { installByHand, maintain, resetUserPassword } from './maintenance/index.ts';
import { Mqtt } from './mqtt/index.ts';
import {
  clockSynchronised,
  Engine,
  lockDirectory,
  notify,
  openPictures,
  planExport,
  Supervisor,
  segmentExaminer,
  spawnChild,
} from './native/index.ts';
import { Provisioning, readConfiguration } from './provisioning/index.ts';
import { GapCounts, Recording, RingBudget, StorageCare } from './recording/index.ts';
import { Restream } from './restream/index.ts';
import { openStore, type Store } from './storage/index.ts';
import { makeWebRtc } from './webrtc/index.ts';

const { version } = packageJson;

const EXIT = {
  clean: 0,
  /** Something failed, or failed to stop. */
  failed: 1,
  /** Arguments, or a port in use. */
  usage: 2,
  /** The data directory is foreign, locked or unusable. */
  data: 3,
  /** sysexits' EX_TEMPFAIL: somebody asked for a restart, which systemd does. */
  restart: 75,
} as const;

/** Lines kept in memory. */
const LOG_RING_BYTES = 64 * 1024;
/** A failure that repeats is written at most so often. */
const LOG_REPEAT_MS = 1000;

/** A failure together with the exit code that it means. */
class StartError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.exitCode = exitCode;
  }
}

/** Runs a step of the start whose failure has an exit code of its own. */
async function step<T>(exitCode: number, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw isAbort(error) ? error : new StartError(exitCode, error);
  }
}

/** Everything that makes up the service, in the order of its start; each part registers its stop before it is started. */
async function serve(options: ServeOptions, lifecycle: Lifecycle, log: Log, restart?: () => void): Promise<void> {
  const { allowLoopback, configFile } = options;
  const configuration =
    configFile === undefined
      ? undefined
      : await step(EXIT.usage, () =>
          readConfiguration(configFile, { environment: process.env, allowLoopback, hub: refusals(options.hub) }),
        );
  const clock = systemClock;
  const { signal } = lifecycle;
  const bus = new EventBus((error, event) => log.logger('main').error('a listener failed', { event, error }));

  // HTTP answers `starting` while the native parts are still being loaded.
  const apiLog = log.logger('api');
  const server = await step(EXIT.usage, () => makeServer(options, apiLog));
  const files = staticFiles(webFolder(), error => apiLog.error('a page cannot be read', { error }));
  const api = new Api({ server, files, log: apiLog });
  signal.addEventListener('abort', () => api.close());
  lifecycle.register({ name: 'http', priority: 20, deadlineMs: 1000, stop: () => api.stop() });
  const listening = await api.start().catch((error: unknown) => new StartError(EXIT.usage, error));

  // Before a port in use is reported: it may be that of a service that runs on the same directory already.
  const store = await step(EXIT.data, () =>
    openStore(options.dataDir, { examine: segmentExaminer(), lock: lockDirectory, clock, log: log.logger('storage') }),
  );
  lifecycle.register({ name: 'index', priority: 0, deadlineMs: 5000, closesFiles: true, stop: () => store.stop() });
  if (listening instanceof StartError) throw listening;
  const { url } = listening;
  await step(EXIT.data, () => store.start(signal));
  const provisioning = new Provisioning({ configuration, store, allowLoopback, clock, log: log.logger('config') });
  await step(EXIT.usage, () => provisioning.apply());
  const https = await step(EXIT.usage, () => openHttps(options, api, apiLog));

  const provisioned = provisioning.users();
  const accounts = new Accounts({ store, clock, provisioned, log: log.logger('accounts') });
  lifecycle.register({ name: 'accounts', priority: 10, deadlineMs: 1000, stop: async () => accounts.stop() });
  await step(EXIT.usage, () => accounts.start());

  const demo = options.demo ? new DemoServer({ log: log.logger('demo') }) : undefined;
  const ownPorts = () => portsOf([url, ...(https ? [https.url] : []), ...(demo?.urls ?? []).map(({ main }) => main)]);
  const preferences = new Go2rtcPreferencesKeeper({
    ...{ settings: store.settings, log: log.logger('go2rtc') },
    ...provisionedBy(configuration?.go2rtc && configFile),
  });
  const go2rtc = makeGo2rtc({
    ...{ dataDir: options.dataDir, allowLoopback, storeUuid: store.uuid, preferences, environment: process.env },
    ...{ clock, spawn: spawnChild, lock: lockDirectory, memoryLimitBytes: memoryLimitBytes() },
    log: log.logger('go2rtc'),
  });
  const installer = new Installer({
    ...{ dataDir: options.dataDir, userAgent: `Thimble/${version}`, lock: lockDirectory, clock },
    ...{ spawn: spawnChild, log: log.logger('go2rtc'), onInstalled: () => go2rtc.recheck() },
  });
  const stopHub = () => Promise.all([installer.stop(), go2rtc.stop()]).then(() => {});
  lifecycle.register({ name: 'go2rtc', priority: 10, deadlineMs: 4000, stop: stopHub });
  const hub = openHub({ choice: options.hub, allowLoopback, process: go2rtc, clock, log: log.logger('cameras') });
  const engine = makeEngine(options, store, log);
  const ringBudget = new RingBudget(memoryLimitBytes());
  const cameras = new Cameras({
    store,
    engine,
    hub,
    bus,
    log: log.logger('cameras'),
    clock,
    allowLoopback,
    ownPorts,
    approve: (before, after) => ringBudget.check(before, after, engine.stats()),
    hindrances: ({ id, main, username = '' }, enabled) =>
      webrtc.abilities(id, { url: spokenAddress(main), username, enabled }),
    ...provisionedBy(configuration?.cameras && configFile),
  });
  const gapCounts = new GapCounts(bus);
  const recording = new Recording({ store, engine, cameras, bus, clock, ringBudget, log: log.logger('recording') });
  const care = new StorageCare({
    ...{ store, engine, cameras, bus, clock, clockSynchronised },
    log: log.logger('retention'),
    ...provisionedBy(configuration?.storage && configFile),
  });
  const webrtc = makeWebRtc({
    ...{ go2rtc, cameras, bus, clock, allowLoopback, settings: store.settings, userAgent: `Thimble/${version}` },
    ...{ restream: { view: (camera, stream) => restream.view(camera, stream) }, log: log.logger('webrtc') },
  });
  lifecycle.register({ name: 'webrtc', priority: 60, deadlineMs: 1000, stop: async () => webrtc.stop() });
  const pictures = openPictures(store.uuid);
  const events = new CameraEvents({
    ...{ store, cameras, recording, engine, pictures, bus, clock },
    log: log.logger('events'),
  });
  lifecycle.register({ name: 'events', priority: 90, deadlineMs: 2000, stop: () => events.stop() });
  lifecycle.register({ name: 'retention', priority: 70, deadlineMs: 2000, closesFiles: true, stop: () => care.stop() });
  lifecycle.register({
    name: 'recording',
    priority: 80,
    deadlineMs: 10_000,
    closesFiles: true,
    stop: () => stopRecording(cameras, recording),
  });
  engine.start();

  if (demo) {
    lifecycle.register({ name: 'demo', priority: 10, deadlineMs: 1000, stop: () => demo.stop() });
    await demo.start(signal);
  }
  go2rtc.start();
  webrtc.start();
  await cameras.start(signal, demo?.urls);
  await care.start(signal);
  await recording.start(signal);
  events.start();
  const webhooks = openWebhooks({
    ...{ store, cameras, bus, clock, allowLoopback, ownPorts, log: log.logger('webhooks') },
    userAgent: `Thimble/${version}`,
  });
  lifecycle.register({ name: 'webhooks', priority: 30, deadlineMs: 2000, stop: () => webhooks.stop() });
  webhooks.start();
  const restream = new Restream({
    ...{ store, server: engine.restream, cameras, bus, clock, audit: accounts.audit, log: log.logger('restream') },
    provisioned: provisioning.restream(),
  });
  lifecycle.register({ name: 'restream', priority: 90, deadlineMs: 1000, stop: async () => restream.stop() });
  restream.start();
  const mqtt = new Mqtt({
    ...{ store, cameras, events, bus, clock, version, url, restart, startedMs: startedMs(), log: log.logger('mqtt') },
    ...{ audit: accounts.audit, storage: () => care.figures(), problems: () => problems().length },
    ...provisionedBy(configuration?.mqtt && configFile),
  });
  const problems = () =>
    [store, care, provisioning, mqtt, restream, go2rtc].flatMap<ReturnType<ApiServices['problems']>[number]>(part =>
      part.problems(),
    );
  lifecycle.register({ name: 'mqtt', priority: 30, deadlineMs: 2000, stop: () => mqtt.stop() });
  mqtt.start();
  background(events.tellEnded(), 'tell of events that a crash ended', log.logger('events'));
  signal.throwIfAborted();

  const facts = {
    timeZone: timeZoneName(process.env.TZ),
    version,
    startedMs: startedMs(),
    dataDir: options.dataDir,
    hub: options.hub,
    ...(https && { https }),
  };
  api.open({
    accounts,
    hosts: new HostNames(store.settings),
    groups: new CameraGroups(store.settings),
    linkKey: store.deriveKey('links'),
    ...storageServices(store, recording, care),
    problems,
    gapCounts: () => gapCounts.list(),
    logs: log,
    cameras,
    prober: new Prober({
      ...{ engine, clock, hub, allowLoopback, ownPorts, log: log.logger('cameras') },
      keyPicture: request => pictures.makeFromMemory(request, engine),
    }),
    engine,
    events,
    bus,
    webhooks,
    mqtt,
    webrtc,
    go2rtc: { state: () => go2rtc.state(), preferences, installer },
    restream,
    pictures,
    live: liveServices(store, engine, cameras, pictures),
    planExport: request => planExport({ ...request, storeUuid: store.uuid }),
    facts,
    clock,
    log: log.logger('api'),
  });
  announce(options, { url, setupCode: accounts.setupCode }, log.logger('main'));
  supervise(engine, signal, log.logger('main'));
}

function makeServer(options: ServeOptions, log: Logger): Promise<HttpServer> {
  // Read by uWebSockets.js when it is loaded; what it allows by itself is too little for cookies behind proxies.
  process.env.UWS_HTTP_MAX_HEADERS_SIZE = String(LIMITS.headerBytes);
  const { listenHost: host, listenPort: port, trustedProxies: proxies } = options;
  return chooseServer(options.http, { host, port, proxies, log, clock: systemClock });
}

async function openHttps(options: ServeOptions, api: Api, log: Logger): Promise<HttpsFacts | undefined> {
  const { https, dataDir, trustedProxies: proxies } = options;
  return https && startHttps({ api, https, dataDir, proxies, log, clock: systemClock });
}

/** Where systemd started us: tells it how we do, for as long as the process lives. */
function supervise(engine: Engine, stopping: AbortSignal, log: Logger): void {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  if (!NOTIFY_SOCKET) return;
  const isWatched = WATCHDOG_USEC !== undefined && Number(WATCHDOG_PID ?? process.pid) === process.pid;
  const supervisor = new Supervisor({
    send: state => notify(NOTIFY_SOCKET, state),
    ping: () => engine.ping(),
    watchdogMs: isWatched ? Number(WATCHDOG_USEC) / 1000 : undefined,
    clock: systemClock,
    log,
  });
  supervisor.ready();
  stopping.addEventListener('abort', () => supervisor.stopping());
}

/** For those who refuse changes to what comes from a file. */
function provisionedBy(path: string | undefined): { provisionedBy?: string } {
  return path === undefined ? {} : { provisionedBy: path };
}

function makeEngine(options: ServeOptions, store: Store, log: Log): Engine {
  return new Engine(
    {
      segmentsFolder: store.segmentsFolder,
      storeUuid: store.uuid,
      clockGeneration: store.clockGeneration,
      userAgent: `Thimble/${version}`,
      allowLoopback: options.allowLoopback,
    },
    error => log.logger('main').error('a listener of the engine failed', { error }),
  );
}

/** Cameras change nothing any more while recording ends the engine and writes down what it closed. */
async function stopRecording(cameras: Cameras, recording: Recording): Promise<void> {
  await Promise.all([cameras.stop(), recording.stop()]);
}

/** When the process began, UTC. */
function startedMs(): number {
  return Math.round(Date.now() - performance.now());
}

interface Announcement {
  /** For this machine. */
  url: string;
  /** While there is no account. */
  setupCode: string | undefined;
}

function announce(options: ServeOptions, { url, setupCode }: Announcement, log: Logger): void {
  const { dataDir, hub } = options;
  const fromOutside = networkUrls(url, options.listenHost);
  if (process.stdout.isTTY) {
    const others = fromOutside.length > 0 ? `, for other machines at ${fromOutside.join(', ')}` : '';
    const setup = setupCode === undefined ? '' : `Set-up code for the first account: ${setupCode}\n\n`;
    process.stdout.write(`\nThimble is ready at ${url}${others}  (footage and settings: ${dataDir})\n\n${setup}`);
    return;
  }
  const tookMs = Math.round(performance.now());
  log.info('ready', { url, networkUrls: fromOutside, version, dataDir, hub, setupCode, startMs: startedMs(), tookMs });
}

/** Words for whoever started us: what is wrong, and what to do about it. */
function explain(error: unknown): void {
  const known = error instanceof NvrError && error.kind !== 'internal' ? error : undefined;
  const text = known ? `${known.message}.\n${known.cure ?? ''}` : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`thimble: ${redactText(text ?? '').trim()}\n`);
}

/** Runs the service until a signal or a failure ends it; resolves with the exit code. */
async function run(options: ServeOptions): Promise<number> {
  const log = new Log({
    clock: systemClock,
    write: outputWriter(process.stdout),
    human: process.stdout.isTTY,
    levels: options.logLevels,
    ringBytes: LOG_RING_BYTES,
    repeatMs: LOG_REPEAT_MS,
  });
  const logger = log.logger('main');
  const lifecycle = new Lifecycle({ log: logger, clock: systemClock });
  let exitCode: number = EXIT.clean;
  let onStop = () => {};
  const stopBegun = new Promise<void>(resolve => {
    onStop = resolve;
  });
  const stop = (reason: string) => {
    if (lifecycle.stopping) lifecycle.hurry();
    else background(lifecycle.stop(reason), 'stop', logger);
    onStop();
  };
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => stop(name));
  const crash = (error: unknown) => {
    logger.error('unexpected failure', { error });
    exitCode = EXIT.failed;
    if (!lifecycle.stopping) stop('unexpected failure');
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  try {
    const askRestart = () => {
      exitCode = EXIT.restart;
      stop('a restart is asked for');
    };
    // Only where somebody starts us again.
    await serve(options, lifecycle, log, process.env.NOTIFY_SOCKET ? askRestart : undefined);
  } catch (error) {
    // What fails while parts are being stopped fails because of it.
    if (!isAbort(error) && !lifecycle.stopping) {
      const { exitCode: code, cause } = error instanceof StartError ? error : { exitCode: EXIT.failed, cause: error };
      exitCode = code;
      logger.error('the service cannot start', { error: cause });
      explain(cause);
      stop('failed start');
    }
  }
  await stopBegun;
  const clean = await lifecycle.stop('end');
  log.flush();
  return clean || exitCode !== EXIT.clean ? exitCode : EXIT.failed;
}

/** Works on a data directory that no service uses; the lines about it go to stdout, the log to stderr. */
async function workOffline(options: MaintainOptions | UserResetOptions): Promise<number> {
  const log = new Log({
    clock: systemClock,
    write: outputWriter(process.stderr),
    human: process.stderr.isTTY,
    levels: options.logLevels,
    ringBytes: 0,
    repeatMs: 0,
  });
  try {
    const work = {
      ...{ dataDir: options.dataDir, examine: segmentExaminer(), lock: lockDirectory, clock: systemClock },
      log: log.logger('storage'),
      print: (line: string) => process.stdout.write(`${line}\n`),
      human: process.stdout.isTTY,
    };
    if (options.command === 'user-reset') {
      await resetUserPassword({ ...work, name: options.name });
      return EXIT.clean;
    }
    return (await maintain({ ...work, command: options.command })) ? EXIT.clean : EXIT.failed;
  } catch (error) {
    explain(error);
    if (options.command === 'user-reset' && error instanceof NvrError && error.kind === 'not-found') return EXIT.failed;
    return error instanceof NvrError && error.kind !== 'internal' ? EXIT.data : EXIT.failed;
  }
}

/** Works beside a service that uses the directory: one that misses go2rtc finds it within half a minute. */
async function installOffline({ dataDir, from }: Go2rtcInstallOptions): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => stop.abort());
  try {
    await installByHand({
      ...{ dataDir, userAgent: `Thimble/${version}`, lock: lockDirectory, signal: stop.signal, clock: systemClock },
      ...{ spawn: spawnChild, write: (text: string) => void process.stdout.write(text), human: process.stdout.isTTY },
      ...(from === undefined ? {} : { from }),
    });
    return EXIT.clean;
  } catch (error) {
    if (!isAbort(error)) explain(error);
    return error instanceof NvrError && error.kind === 'invalid-argument' ? EXIT.usage : EXIT.failed;
  }
}

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2), process.env);
    if (options.command === 'serve') return await run(options);
    if (options.command === 'go2rtc-install') return await installOffline(options);
    if (options.command !== 'version' && options.command !== 'help') return await workOffline(options);
    process.stdout.write(options.command === 'version' ? `thimble ${version}\n` : usage());
    return EXIT.clean;
  } catch (error) {
    explain(error);
    return error instanceof NvrError && error.kind === 'invalid-argument' ? EXIT.usage : EXIT.failed;
  }
}

/** Lets the last lines out, as long as somebody takes them. */
function leave(code: number): void {
  const timer = setTimeout(() => process.exit(code), 200);
  process.stdout.write('', () => {
    clearTimeout(timer);
    process.exit(code);
  });
}

main().then(leave, error => {
  explain(error);
  process.exit(EXIT.failed);
});
