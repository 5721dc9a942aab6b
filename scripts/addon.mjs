// Builds native/ into build/Release/thimble.node with node-gyp, without Node's own headers: node-api-headers
// declare all that an N-API addon needs, so a minimal "nodedir" made here replaces the download of the real one.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeLock } from './lock.mjs';
import { filesBelow, fingerprint, isCurrent, mayBuildOn, readStamp, removeStamp, writeStamp } from './stamp.mjs';
import { giveUp, root, run, say } from './terminal.mjs';

const STAMP = 'build/addon.stamp';
const RESULT = 'build/Release/thimble.node';

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

/** In the checkout, and said so to node-gyp: an absolute path with a blank in it breaks the makefiles. */
const NODE_DIR = 'build/nodedir';

/** Writes include/node/{common,config}.gypi with the few settings that node-gyp reads. */
function makeNodeDir() {
  const include = join(root, NODE_DIR, 'include', 'node');
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

function sources() {
  const engine = filesBelow('native').filter(path => /\.(cc|h)$/.test(path) && !path.startsWith('native/test/'));
  const settings = [process.versions.modules, process.arch, ...COMPILER_SETTINGS.map(name => process.env[name] ?? '')];
  return fingerprint([...engine, 'binding.gyp', 'scripts/addon.mjs', 'package-lock.json'], settings.join('\n'));
}

/** npm hands its own settings down as variables, and node-gyp would take its target from them, before our arguments. */
function environmentForGyp() {
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_(config|package_config)_(?!python$)/i.test(name));
  return Object.fromEntries(kept);
}

/** The FFmpeg libraries that the addon was linked to: after an upgrade of the system they may be gone. @returns {string[]} */
function linkedLibraries() {
  const lines = execFileSync('ldd', [join(root, RESULT)], { encoding: 'utf8' }).split('\n');
  return lines.flatMap(line => /^\s*libav\w+\.so\S* => (\/\S+)/.exec(line)?.[1] ?? []);
}

/** True when the addon there is what the sources would give. Costs a few milliseconds. */
export function addonIsCurrent() {
  return isCurrent(readStamp(STAMP), sources().key, [RESULT]);
}

/** Builds what is missing; throws a SetupError with the compiler's words already printed. */
export function buildAddon() {
  const before = readStamp(STAMP);
  const now = sources();
  if (isCurrent(before, now.key, [RESULT])) return;
  const fromScratch = !mayBuildOn(before, now);
  // While the stamp is away the objects cannot be trusted: a build that is killed is followed by one from scratch.
  removeStamp(STAMP);
  if (fromScratch) {
    for (const leftover of ['Release', 'Makefile', 'config.gypi', 'binding.Makefile', 'thimble.target.mk'])
      rmSync(join(root, 'build', leftover), { recursive: true, force: true });
  }
  makeNodeDir();
  const gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const jobs = process.env.JOBS ?? '2';
  say(
    fromScratch
      ? 'building the native addon (silent for one to several minutes)'
      : 'building what changed in the native addon',
  );
  const stampOf = (/** @type {string | null} */ key) => ({ ...now, key, endedMs: Date.now(), needs: [] });
  try {
    const args = [gyp, 'configure', 'build', `--nodedir=${NODE_DIR}`, `--jobs=${jobs}`];
    run('building the native addon', process.execPath, args, environmentForGyp());
  } catch (error) {
    writeStamp(STAMP, stampOf(null));
    throw error;
  }
  writeStamp(STAMP, { ...stampOf(now.key), needs: linkedLibraries() });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    takeLock();
    buildAddon();
  } catch (error) {
    giveUp(error);
  }
}
