// Builds native/ into build/Release/thimble.node with node-gyp, without Node's own headers: node-api-headers
// declare all that an N-API addon needs, so a minimal "nodedir" made here replaces the download of the real one.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Writes include/node/{common,config}.gypi with the few settings that node-gyp reads. @returns {string} the folder */
function makeNodeDir() {
  const nodeDir = join(root, 'build', 'nodedir');
  const include = join(nodeDir, 'include', 'node');
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
  const { target_arch, host_arch } = process.config.variables;
  writeFileSync(join(include, 'common.gypi'), JSON.stringify(common));
  writeFileSync(
    join(include, 'config.gypi'),
    JSON.stringify({ target_defaults: {}, variables: { target_arch, host_arch, napi_build_version: '9' } }),
  );
  return nodeDir;
}

const gyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
const jobs = process.env.JOBS ?? '2';
const result = spawnSync(
  process.execPath,
  [gyp, 'configure', 'build', `--nodedir=${makeNodeDir()}`, `--jobs=${jobs}`],
  {
    cwd: root,
    stdio: process.env.VERBOSE ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  },
);
if (result.status !== 0) {
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}\nThe native addon did not build.\n`);
  process.exit(1);
}
