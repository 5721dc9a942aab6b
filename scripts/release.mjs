// Makes out/release: a folder that runs on any machine with the same kind of CPU, glibc and Node.js 20 or newer, and
// nothing else. Service, lmdb-js and yaml are bundled, the addon has the trimmed FFmpeg inside, V8's code cache and the pages lie
// beside, and uWebSockets.js for the version of Node.js that made the release: with others the service does without.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { addonPath, buildAddon, RELEASE } from './addon.mjs';
import { compile } from './bundle.mjs';
import { dependenciesAreCurrent, installDependencies } from './dependencies.mjs';
import { writeLicences } from './licences.mjs';
import { mendLmdb } from './lmdb.mjs';
import { takeLock } from './lock.mjs';
import { requireReleasePackages } from './packages.mjs';
import { filesBelow } from './stamp.mjs';
import { giveUp, root, SetupError, say } from './terminal.mjs';
import { mendUws, uwsBinary } from './uws.mjs';
import { buildWeb, checkWebSizes } from './web.mjs';

const RESULT = 'out/release';
/** Becomes RESULT in one step, when it is whole. */
const DRAFT = 'out/release.part';

const { resolve } = createRequire(import.meta.url);
const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Modules that lmdb-js asks for and that a release answers otherwise. @type {Record<string, string>} */
const REPLACED = {
  // Chooses among prebuilt binaries; there is only one.
  'node-gyp-build-optional-packages': `module.exports = () => require('./lmdb.node');`,
  // Optional: a faster reader of strings. The index holds none, and the next best in a node_modules above is not ours.
  'msgpackr-extract': `throw new Error('left out');`,
};

/** @returns {import('esbuild').Plugin} */
function replaceModules() {
  return {
    name: 'replaced modules',
    setup(build) {
      build.onResolve({ filter: /./ }, ({ path }) => (path in REPLACED ? { path, namespace: 'replaced' } : undefined));
      build.onLoad({ filter: /./, namespace: 'replaced' }, ({ path }) => ({ contents: REPLACED[path] ?? '' }));
    },
  };
}

/** Bundles service, lmdb-js and yaml as CommonJS: only that can use a code cache, and it saves Node's loader for modules. @returns {Promise<string[]>} all files that went in */
async function bundle() {
  const shared = { format: /** @type {const} */ ('cjs'), minify: true, metafile: true };
  const service = await compile({
    ...shared,
    entryPoints: ['src/main.ts'],
    outfile: `${DRAFT}/dist/service.js`,
    external: ['lmdb'],
    define: { 'import.meta.url': 'thimbleUrl' },
    banner: { js: `const thimbleUrl = require('node:url').pathToFileURL(__filename).href;` },
  });
  const lmdb = await compile({
    ...shared,
    entryPoints: [resolve('lmdb')],
    outfile: `${DRAFT}/dist/lmdb.js`,
    external: ['./lmdb.node'],
    plugins: [replaceModules()],
  });
  // For those who start with --config; nobody else loads it.
  const yaml = await compile({ ...shared, entryPoints: [resolve('yaml')], outfile: `${DRAFT}/dist/yaml.js` });
  return [service, lmdb, yaml].flatMap(result => Object.keys(result.metafile?.inputs ?? {}));
}

/** The binary of lmdb-js that does not depend on the version of Node. @returns {string} absolute path */
function lmdbBinary() {
  const name = `@lmdb/lmdb-${process.platform}-${process.arch}`;
  const places = ['node.napi.glibc.node', 'node.napi.node'].map(file => join(root, 'node_modules', name, file));
  const place = places.find(existsSync);
  if (!place) throw new SetupError(`npm has no binary of lmdb for this machine (${name}).`);
  return place;
}

/** Lays everything but the code cache into DRAFT. */
async function assemble() {
  rmSync(join(root, DRAFT), { recursive: true, force: true });
  for (const folder of ['bin', 'dist', 'systemd']) mkdirSync(join(root, DRAFT, folder), { recursive: true });
  const inputs = await bundle();
  /** @param {string} from @param {string} to */
  const copy = (from, to) =>
    cpSync(from.startsWith('/') ? from : join(root, from), join(root, DRAFT, to), { recursive: true });
  copy('packaging/thimble.cjs', 'dist/thimble.js');
  copy('src/demo/clips', 'dist/clips');
  copy(addonPath(RELEASE), 'dist/thimble.node');
  mendLmdb();
  copy(lmdbBinary(), 'dist/lmdb.node');
  mendUws();
  const uws = uwsBinary();
  if (uws) copy(uws, `dist/uws-${process.versions.modules}.node`);
  await buildWeb();
  checkWebSizes();
  copy('dist/web', 'dist/web');
  copy('bin/thimble', 'bin/thimble');
  copy('packaging/systemd', 'systemd');
  for (const program of ['bin/thimble', 'dist/thimble.node', 'dist/lmdb.node'])
    chmodSync(join(root, DRAFT, program), 0o755);
  if (uws) chmodSync(join(root, DRAFT, `dist/uws-${process.versions.modules}.node`), 0o755);
  const { name, version, description, license, engines } = packageJson;
  const manifest = {
    name,
    version,
    description,
    license,
    engines,
    private: true,
    type: 'commonjs',
    bin: { thimble: 'bin/thimble' },
  };
  writeFileSync(join(root, DRAFT, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeLicences(join(root, DRAFT, 'LICENSES'), inputs);
}

/** What people ask of a recorder; `{day}` = the last 24 hours of the first camera. */
const QUESTIONS = [
  ...['status', 'metrics', 'logs', 'cameras', 'cameras/1', 'settings', 'storage', 'storage/forecast?days=7', 'events'],
  ...['timeline?{day}', 'segments?{day}', 'export.mp4?{day}'],
];

/** Runs the result as it will run, until it has written its code cache. Throws when it does not start. */
async function warmUp() {
  const cache = join(root, DRAFT, 'dist/service.cache');
  const data = join(root, 'out/warm-up');
  rmSync(data, { recursive: true, force: true });
  const args = ['serve', '--demo', '--data', data, '--listen', '127.0.0.1:0'];
  const child = spawn(join(root, DRAFT, 'bin/thimble'), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  /** @type {Promise<number | null>} */
  const ended = new Promise((done, failed) => child.once('exit', done).once('error', failed));
  try {
    await Promise.race([askAround(await Promise.race([readyOf(child.stdout), ended])), ended]);
    let code;
    for (let waitedMs = 0; !existsSync(cache) && waitedMs < 60_000 && code === undefined; waitedMs += 100)
      code = await Promise.race([ended, new Promise(done => setTimeout(done, 100))]);
  } finally {
    child.kill('SIGTERM');
  }
  const code = await ended;
  rmSync(data, { recursive: true, force: true });
  if (code !== 0) throw new SetupError(`the release does not run: it ended with exit code ${code}.`);
  if (!existsSync(cache)) throw new SetupError('the release wrote no code cache.');
}

/** @typedef {{url: string, setupCode: string}} Ready */

/** What the service says once it is ready. @param {import('node:stream').Readable} output @returns {Promise<Ready | null>} */
async function readyOf(output) {
  /** @type {Ready | null} */
  let ready = null;
  for await (const line of createInterface({ input: output })) {
    const record = JSON.parse(line);
    if (record.msg !== 'ready') continue;
    ready = record;
    break;
  }
  output.resume();
  return ready;
}

/** Makes the first account. @param {Ready} ready @returns {Promise<Record<string, string>>} headers that prove to be it */
async function enter({ url, setupCode: code }) {
  const account = { code, name: 'warm-up', password: randomBytes(16).toString('hex') };
  const headers = { 'content-type': 'application/json', origin: url };
  const answer = await fetch(`${url}/api/setup`, { method: 'POST', headers, body: JSON.stringify(account) });
  if (!answer.ok) throw new SetupError(`the release does not run: /api/setup: ${await answer.text()}`);
  return { cookie: answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '' };
}

/** Asks what will be asked, so that the code for it is in the cache, too. @param {Ready | number | null} ready */
async function askAround(ready) {
  if (ready === null || typeof ready === 'number') return;
  const { url } = ready;
  const page = await fetch(`${url}/`);
  if (!page.ok) throw new SetupError('the release does not run: it has no pages.');
  const headers = await enter(ready);
  const day = `camera=1&startMs=${Date.now() - 43_200_000}&endMs=${Date.now() + 43_200_000}`;
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 500) {
    const list = await fetch(`${url}/api/segments?${day}`, { headers });
    /** @type {{segments: {startMs: number, endMs: number}[]}} */
    const { segments } = JSON.parse(await list.text());
    // There is something to be told of, and to be exported.
    if (segments.some(one => one.endMs - one.startMs > 1000)) break;
    await new Promise(done => setTimeout(done, 500));
  }
  for (const question of QUESTIONS) {
    const answer = await fetch(`${url}/api/${question.replace('{day}', day)}`, { headers });
    if (!answer.ok) throw new SetupError(`the release does not run: /api/${question}: ${await answer.text()}`);
    await answer.arrayBuffer();
  }
}

/** Decimal kilobytes, file by file. */
function report() {
  const files = filesBelow(RESULT).map(path => ({
    path: path.slice(RESULT.length + 1),
    bytes: statSync(join(root, path)).size,
  }));
  const shown = files.filter(({ bytes }) => bytes > 50_000);
  for (const { path, bytes } of shown) say(`${String(Math.round(bytes / 1000)).padStart(6)} kB  ${path}`);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  say(`${String(Math.round(total / 1000)).padStart(6)} kB  ${RESULT}`);
}

try {
  takeLock();
  requireReleasePackages();
  if (!dependenciesAreCurrent()) installDependencies();
  const ffmpeg = spawnSync('sh', ['scripts/build-ffmpeg.sh'], { cwd: root, stdio: 'inherit' });
  if (ffmpeg.status !== 0) throw new SetupError('there is no FFmpeg to link the addon with.', ffmpeg.status ?? 1);
  buildAddon(RELEASE);
  say('building the bundle of the release');
  await assemble();
  await warmUp();
  rmSync(join(root, RESULT), { recursive: true, force: true });
  renameSync(join(root, DRAFT), join(root, RESULT));
  report();
} catch (error) {
  giveUp(error);
}
