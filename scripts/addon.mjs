// Builds native/ into thimble.node with node-gyp, without Node's own headers: node-api-headers declare all that an N-API
// addon needs, so a minimal "nodedir" made here replaces the download of the real one. Two editions: for development with
// the system's FFmpeg, in build/Release; for releases with the trimmed one linked in, in build/release.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeLock } from './lock.mjs';
import { filesBelow, fingerprint, isCurrent, mayBuildOn, readStamp, removeStamp, writeStamp } from './stamp.mjs';
import { giveUp, root, run, say } from './terminal.mjs';

/**
 * @typedef {object} Edition
 * @property {string} name for people
 * @property {string} stamp
 * @property {string} folder where node-gyp works: it looks for binding.gyp there and writes below build/ there
 * @property {string} trimmedFfmpeg as seen from the makefiles in build/ there; '' = the system's
 */

/** @type {Edition} */
const DEVELOPMENT = { name: 'native addon', stamp: 'build/addon.stamp', folder: '.', trimmedFfmpeg: '' };

/** @type {Edition} */
export const RELEASE = {
  name: 'native addon of the release',
  stamp: 'build/release/addon.stamp',
  folder: 'build/release',
  trimmedFfmpeg: '../../ffmpeg',
};

/** What scripts/build-ffmpeg.sh writes when it is done. */
const FFMPEG_STAMP = 'build/ffmpeg/stamp';

/** Path of an edition's addon in the checkout. @param {Edition} edition */
export function addonPath({ folder }) {
  return join(folder, 'build/Release/thimble.node');
}

/** Environment variables that reach the compiler. */
const COMPILER_SETTINGS = [
  'CC',
  'CXX',
  'CFLAGS',
  'CXXFLAGS',
  'CPPFLAGS',
  'LDFLAGS',
  'PKG_CONFIG_PATH',
  'PKG_CONFIG_LIBDIR',
];

/** Said to node-gyp relative to where it works: an absolute path with a blank in it breaks the makefiles. */
const NODE_DIR = 'build/nodedir';

/** Writes include/node/{common,config}.gypi with the few settings that node-gyp reads. @param {Edition} edition */
function makeNodeDir({ folder }) {
  const include = join(root, folder, NODE_DIR, 'include', 'node');
  mkdirSync(include, { recursive: true });
  const common = {
    variables: { 'visibility%': 'hidden' },
    target_defaults: {
      default_configuration: 'Release',
      configurations: { Release: {} },
      cflags: ['-fPIC', '-pthread'],
      ldflags: ['-pthread'],
    },
  };
  const { target_arch, host_arch } = /** @type {Record<string, unknown>} */ (process.config.variables);
  writeFileSync(join(include, 'common.gypi'), JSON.stringify(common));
  writeFileSync(
    join(include, 'config.gypi'),
    JSON.stringify({ target_defaults: {}, variables: { target_arch, host_arch, napi_build_version: '9' } }),
  );
}

/** @param {Edition} edition */
function sources({ trimmedFfmpeg }) {
  const engine = filesBelow('native').filter(path => /\.(cc|h)$/.test(path) && !path.startsWith('native/test/'));
  const settings = [process.versions.modules, process.arch, ...COMPILER_SETTINGS.map(name => process.env[name] ?? '')];
  if (trimmedFfmpeg) settings.push(readFileSync(join(root, FFMPEG_STAMP), 'utf8'));
  return fingerprint([...engine, 'binding.gyp', 'scripts/addon.mjs', 'package-lock.json'], settings.join('\n'));
}

/** Gives node-gyp, which builds into the folder of binding.gyp, a second such folder. @param {Edition} edition */
function makeFolder({ folder }) {
  if (folder === '.') return;
  mkdirSync(join(root, folder), { recursive: true });
  for (const name of ['binding.gyp', 'native', 'node_modules']) {
    const link = join(root, folder, name);
    rmSync(link, { force: true });
    symlinkSync(join(relative(folder, '.'), name), link);
  }
}

/** npm hands its own settings down as variables, and node-gyp would take its target from them, before our arguments. @param {Edition} edition */
function environmentForGyp({ trimmedFfmpeg }) {
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_(config|package_config)_(?!python$)/i.test(name));
  return { ...Object.fromEntries(kept), GYP_DEFINES: `trimmed_ffmpeg=${trimmedFfmpeg}` };
}

/** The FFmpeg libraries that an addon was linked to: after an upgrade of the system they may be gone. @param {Edition} edition @returns {string[]} */
function linkedLibraries(edition) {
  const lines = execFileSync('ldd', [join(root, addonPath(edition))], { encoding: 'utf8' }).split('\n');
  return lines.flatMap(line => /^\s*lib(?:av\w+|swscale)\.so\S* => (\/\S+)/.exec(line)?.[1] ?? []);
}

/** True when the addon there is what the sources would give. Costs a few milliseconds. */
export function addonIsCurrent(edition = DEVELOPMENT) {
  return isCurrent(readStamp(edition.stamp), sources(edition).key, [addonPath(edition)]);
}

/** Builds what is missing; throws a SetupError with the compiler's words already printed. The release's needs build/ffmpeg. */
export function buildAddon(edition = DEVELOPMENT) {
  const { name, stamp, folder } = edition;
  const before = readStamp(stamp);
  const now = sources(edition);
  if (isCurrent(before, now.key, [addonPath(edition)])) return;
  const fromScratch = !mayBuildOn(before, now);
  // While the stamp is away the objects cannot be trusted: a build that is killed is followed by one from scratch.
  removeStamp(stamp);
  if (fromScratch) {
    for (const leftover of ['Release', 'Makefile', 'config.gypi', 'binding.Makefile', 'thimble.target.mk'])
      rmSync(join(root, folder, 'build', leftover), { recursive: true, force: true });
  }
  makeFolder(edition);
  makeNodeDir(edition);
  const gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const jobs = process.env.JOBS ?? '2';
  say(
    fromScratch ? `building the ${name} (silent for one to several minutes)` : `building what changed in the ${name}`,
  );
  const stampOf = (/** @type {string | null} */ key) => ({ ...now, key, endedMs: Date.now(), needs: [] });
  try {
    const args = [gyp, 'configure', 'build', `--directory=${folder}`, `--nodedir=${NODE_DIR}`, `--jobs=${jobs}`];
    run(`building the ${name}`, process.execPath, args, environmentForGyp(edition));
  } catch (error) {
    writeStamp(stamp, stampOf(null));
    throw error;
  }
  writeStamp(stamp, { ...stampOf(now.key), needs: linkedLibraries(edition) });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    takeLock();
    buildAddon();
  } catch (error) {
    giveUp(error);
  }
}
