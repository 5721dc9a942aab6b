// Builds web/ into dist/web: modules, style sheets and icons under names that carry their content's hash, index.html and the
// few files with fixed names, a .gz twin of each. Run by itself or for a release it fails when the pages have grown beyond their budgets.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeLock } from './lock.mjs';
import { filesBelow, fingerprint, isCurrent, readStamp, removeStamp, writeStamp, writeWhole } from './stamp.mjs';
import { giveUp, root, SetupError, say } from './terminal.mjs';
import { pageSources, textsOf } from './web-texts.mjs';

const STAMP = 'dist/web.stamp';
const RESULT = 'dist/web';
const INDEX = `${RESULT}/index.html`;
const APP_CSS = 'web/src/css/app.css';

/** Of everything that a browser loads as text, by gzip: on the first visit, and in all (aimed at: 100 KB; see ARCHITECTURE.md, section 11). */
const BUDGETS = { first: 60_000, all: 126_500 };

/** What is no older than the browsers that UI.md of the design names. */
const TARGET = ['chrome106', 'firefox110', 'safari16'];

/** @typedef {{name: string, content: Uint8Array, first: boolean}} Built a file below dist/web; `first`: a first visit loads it */
/** @typedef {Built & {packed?: Uint8Array}} Twinned with its gzip twin, when it is text */

function sources() {
  const paths = [...filesBelow('web'), 'package.json', 'package-lock.json', 'scripts/web.mjs', 'scripts/web-texts.mjs'];
  return fingerprint(paths, '');
}

/** True when the pages there are what the sources would give. Costs a few milliseconds. */
export function webIsCurrent() {
  return isCurrent(readStamp(STAMP), sources().key, [INDEX]);
}

/** What the pages there weigh, and what they may. @typedef {{first: number, all: number, budgets: {first: number, all: number}}} Sizes */
/** @returns {Sizes | undefined} undefined when they are not built */
export function webSizes() {
  const stamp = /** @type {{sizes?: Sizes} | undefined} */ (readStamp(STAMP));
  return stamp?.sizes;
}

/** Throws a SetupError when the pages there are larger than they may be. */
export function checkWebSizes() {
  const sizes = webSizes();
  if (!sizes || (sizes.first <= sizes.budgets.first && sizes.all <= sizes.budgets.all)) return;
  throw new SetupError(`the web pages are too large: ${sizeWords(sizes)}.`);
}

/** Builds what is missing. Throws a SetupError with esbuild's words. */
export async function buildWeb() {
  const now = sources();
  if (isCurrent(readStamp(STAMP), now.key, [INDEX])) return;
  say('building the web pages');
  removeStamp(STAMP);
  const draft = `${RESULT}.part`;
  rmSync(join(root, draft), { recursive: true, force: true });
  const files = await Promise.all((await webFiles()).map(withTwin));
  for (const { name, content, packed } of files) {
    writeWhole(join(root, draft, name), content);
    if (packed) writeWhole(join(root, draft, `${name}.gz`), packed);
  }
  rmSync(join(root, RESULT), { recursive: true, force: true });
  mkdirSync(join(root, 'dist'), { recursive: true });
  renameSync(join(root, draft), join(root, RESULT));
  const sizes = weigh(files);
  writeStamp(STAMP, Object.assign({ ...now, endedMs: Date.now(), needs: [] }, { sizes }));
}

/** @returns {Promise<Built[]>} */
async function webFiles() {
  const texts = await told(textsOf(pageSources(), jsx()));
  const sheet = await styleSheet();
  const languages = languageFiles(texts);
  const modules = await scripts(texts, {
    LANGUAGES: JSON.stringify(Object.fromEntries(languages.map(({ name }) => [areaOf(name), name]))),
  });
  const boot = await plainScript('web/boot.js', 'a/boot', {});
  const icons = pictures();
  const app = modules.find(({ name }) => name.startsWith('a/app-'));
  if (!app) throw new SetupError('web/src/app.tsx gave no module.');
  const preloads = modules.filter(file => file.first && file !== app).map(({ name }) => name);
  /** @type {Record<string, string>} */
  const places = {
    app: app.name,
    boot: boot.name,
    css: sheet.name,
    preloads: preloads.map(name => `<link rel="modulepreload" href="${name}">`).join(''),
    ...Object.fromEntries(icons.map(({ name }) => [areaOf(name), name])),
  };
  const pages = ['index.html', 'offline.html', 'manifest.webmanifest'].map(name => filled(name, places));
  const offline = ['offline.html', sheet.name, boot.name];
  const worker = await plainScript('web/offline-worker.js', 'offline-worker', { FILES: JSON.stringify(offline) });
  return [...pages, worker, boot, sheet, ...modules, ...languages, ...icons];
}

/** One for all pages: in pieces they weigh 2.3 KB more. @returns {Promise<Built>} */
async function styleSheet() {
  const { build } = await import('esbuild');
  const { outputFiles } = await told(
    build({ ...shared(), entryPoints: [APP_CSS], outdir: 'out', write: false, bundle: true }),
  );
  const content = outputFiles[0]?.contents ?? new Uint8Array();
  return { name: hashed(`a/${basename(APP_CSS)}`, content), content, first: true };
}

/** The app and its lazy pieces. @param {import('./web-texts.mjs').Texts} texts @param {Record<string, string>} define @returns {Promise<Built[]>} */
async function scripts(texts, define) {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await told(
    build({
      ...shared(),
      define,
      entryPoints: ['web/src/app.tsx'],
      outdir: 'a',
      bundle: true,
      splitting: true,
      format: 'esm',
      ...jsx(),
      plugins: [texts.plugin()],
      entryNames: '[name]-[hash]',
      chunkNames: '[name]-[hash]',
      metafile: true,
      write: false,
    }),
  );
  const first = staticPieces(metafile);
  return Promise.all(
    outputFiles.map(async ({ path, text }) => {
      const name = path.slice(root.length + 1);
      return { name, content: await packedSmaller(text), first: first.has(name) };
    }),
  );
}

/** What esbuild made small, with names that pack smaller. @param {string} code */
async function packedSmaller(code) {
  const { minify } = await import('terser');
  const { code: smaller } = await minify(code, { module: true, ecma: 2020, compress: { passes: 2 } });
  return Buffer.from(smaller ?? code);
}

/** What the app imports before anything is asked of it. @param {import('esbuild').Metafile} metafile @returns {Set<string>} */
function staticPieces({ outputs }) {
  const [app] = Object.entries(outputs).find(([, output]) => output.entryPoint === 'web/src/app.tsx') ?? [];
  const found = new Set(app ? [app] : []);
  for (const name of found)
    for (const { path, kind } of outputs[name]?.imports ?? []) if (kind === 'import-statement') found.add(path);
  return found;
}

/** A script that is no module. @param {string} entry @param {string} name @param {Record<string, string>} define @returns {Promise<Built>} */
async function plainScript(entry, name, define) {
  const { build } = await import('esbuild');
  const options = { ...shared(), define, entryPoints: [entry], bundle: true, write: /** @type {const} */ (false) };
  const { outputFiles } = await told(build({ ...options, format: 'iife' }));
  const content = outputFiles[0]?.contents ?? new Uint8Array();
  return {
    name: name.startsWith('a/') ? hashed(`${name}.js`, content) : `${name}.js`,
    content,
    first: name === 'a/boot',
  };
}

/** Icons for home screens and tabs. @returns {Built[]} */
function pictures() {
  return readdirSync(join(root, 'web/icons')).map(file => {
    const content = readFileSync(join(root, 'web/icons', file));
    return { name: hashed(`a/${file}`, content), content, first: false };
  });
}

/** Translations, one file a language. @param {import('./web-texts.mjs').Texts} texts @returns {Built[]} */
function languageFiles(texts) {
  const folder = join(root, 'web/languages');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map(file => {
    const content = Buffer.from(JSON.stringify(texts.turned(JSON.parse(readFileSync(join(folder, file), 'utf8')))));
    return { name: hashed(`a/${file}`, content), content, first: false };
  });
}

/** A page whose `{places}` are filled in. @param {string} name @param {Record<string, string>} places @returns {Built} */
function filled(name, places) {
  const text = readFileSync(join(root, 'web', name), 'utf8').replace(/\{\{([\w-]+)\}\}/g, (_, place) => {
    const value = places[place];
    if (value === undefined) throw new SetupError(`web/${name} asks for "${place}", which there is not.`);
    return value;
  });
  return { name, content: Buffer.from(text.replace(/^\s+/gm, '')), first: name === 'index.html' };
}

/** How JSX becomes calls: children as arguments pack smaller than children as a property. */
function jsx() {
  return {
    jsx: /** @type {const} */ ('transform'),
    jsxFactory: 'h',
    jsxFragment: 'Fragment',
    tsconfigRaw: '{}',
  };
}

function shared() {
  return {
    absWorkingDir: root,
    minify: true,
    target: TARGET,
    legalComments: /** @type {const} */ ('none'),
    charset: /** @type {const} */ ('utf8'),
    logLevel: /** @type {const} */ ('warning'),
  };
}

/** @template T @param {Promise<T>} work @returns {Promise<T>} */
async function told(work) {
  return work.catch(error => {
    throw new SetupError(`building the web pages failed: ${error instanceof Error ? error.message : error}`);
  });
}

/** `a/app.css` -> `a/app-1A2B3C4D.css` @param {string} name @param {Uint8Array} content */
function hashed(name, content) {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8).toUpperCase();
  return name.replace(/(\.\w+)$/, `-${hash}$1`);
}

/** `a/timeline-1A2B3C4D.css` -> `timeline` @param {string} name */
function areaOf(name) {
  return basename(name).replace(/-[0-9A-F]{8}\.\w+$/, '');
}

/** @param {string} name */
function isText(name) {
  return /\.(html|js|css|svg|json|webmanifest)$/.test(name);
}

/** Packs text once and well: zopfli's gzip is 4 % smaller than zlib's, and browsers cannot tell. @param {Built} file @returns {Promise<Twinned>} */
async function withTwin(file) {
  if (!isText(file.name)) return file;
  const { gzipAsync } = await import('@gfx/zopfli');
  return { ...file, packed: await gzipAsync(file.content, { numiterations: 15 }) };
}

/** Prints what each file weighs. @param {Twinned[]} files @returns {Sizes} */
function weigh(files) {
  const weighed = files
    .flatMap(({ name, packed, first }) => (packed ? [{ name, first, bytes: packed.length }] : []))
    .sort((a, b) => Number(b.first) - Number(a.first) || b.bytes - a.bytes);
  const sum = (/** @type {{bytes: number}[]} */ list) => list.reduce((total, { bytes }) => total + bytes, 0);
  const sizes = { first: sum(weighed.filter(({ first }) => first)), all: sum(weighed), budgets: BUDGETS };
  const lines = weighed.map(({ name, first, bytes }) => `  ${String(bytes).padStart(6)} ${first ? '*' : ' '} ${name}`);
  say(`${sizeWords(sizes)}\n${lines.join('\n')}`);
  return sizes;
}

/** @param {Sizes} sizes */
function sizeWords({ first, all, budgets }) {
  return `gzip: first visit (*) ${first} of ${budgets.first} bytes, everything ${all} of ${budgets.all}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    takeLock();
    await buildWeb();
    checkWebSizes();
  } catch (error) {
    giveUp(error);
  }
}
