// Builds src/ into dist/thimble.js, one file with everything but lmdb (which has a binary of its own) and yaml (which few
// starts need), and lays the demo clips beside it.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeLock } from './lock.mjs';
import { filesBelow, fingerprint, isCurrent, readStamp, removeStamp, writeStamp, writeWhole } from './stamp.mjs';
import { giveUp, root, SetupError, say } from './terminal.mjs';

const STAMP = 'dist/bundle.stamp';
const RESULT = 'dist/thimble.js';
const CLIPS = 'src/demo/clips';

function sources() {
  const paths = [...filesBelow('src'), 'package.json', 'package-lock.json', 'tsconfig.json', 'scripts/bundle.mjs'];
  return fingerprint(paths, '');
}

/** True when the bundle there is what the sources would give. Costs a few milliseconds. */
export function bundleIsCurrent() {
  return isCurrent(readStamp(STAMP), sources().key, [RESULT]);
}

/** Builds what is missing. Throws a SetupError with esbuild's words. */
export async function buildBundle() {
  const now = sources();
  if (isCurrent(readStamp(STAMP), now.key, [RESULT])) return;
  say('building the bundle');
  removeStamp(STAMP);
  await compile({ entryPoints: ['src/main.ts'], outfile: RESULT, format: 'esm', external: ['lmdb'] });
  copyClips();
  writeStamp(STAMP, { ...now, endedMs: Date.now(), needs: [] });
}

/** Bundles for Node and writes the result. Throws a SetupError with esbuild's words. @param {import('esbuild').BuildOptions} options */
export async function compile(options) {
  const { build } = await import('esbuild');
  const result = await build({
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    legalComments: 'none',
    logLevel: 'warning',
    ...options,
    write: false,
  }).catch(error => {
    throw new SetupError(`building the bundle failed: ${error instanceof Error ? error.message : error}`);
  });
  for (const file of result.outputFiles) writeWhole(file.path, file.contents);
  return result;
}

function copyClips() {
  const target = join(root, 'dist', 'clips');
  if (!existsSync(join(root, CLIPS))) return;
  const wanted = readdirSync(join(root, CLIPS));
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(target)) if (!wanted.includes(name)) rmSync(join(target, name), { recursive: true });
  cpSync(join(root, CLIPS), target, { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    takeLock();
    await buildBundle();
  } catch (error) {
    giveUp(error);
  }
}
