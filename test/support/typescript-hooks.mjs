// Gives Node JavaScript for each .ts and .tsx file of the checkout. It is kept below build/, under the hash of what it was made
// from, and only what is not there yet is made, by esbuild. Imports name files with their endings, so nothing else is to be done.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const kept = join(root, 'build', 'typescript');
const settings = {
  format: /** @type {const} */ ('esm'),
  target: 'node20',
  jsx: /** @type {const} */ ('automatic'),
  jsxImportSource: 'preact',
  sourcemap: /** @type {const} */ ('inline'),
  sourcesContent: false,
};
const { version } = createRequire(import.meta.url)('esbuild/package.json');
const key = JSON.stringify([version, settings]);

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  const ending = extname(url);
  if (!url.startsWith('file:') || (ending !== '.ts' && ending !== '.tsx') || url.includes('/node_modules/'))
    return next(url, context);
  const path = fileURLToPath(url);
  const text = readFileSync(path, 'utf8');
  const hash = createHash('sha1').update(key).update(path).update(text).digest('hex');
  const place = join(kept, `${hash}.js`);
  return { format: 'module', shortCircuit: true, source: read(place) ?? (await make(path, text, place)) };
}

/** @param {string} place */
function read(place) {
  try {
    return readFileSync(place);
  } catch {
    return undefined;
  }
}

/** @param {string} path @param {string} text @param {string} place */
async function make(path, text, place) {
  const { transform } = await import('esbuild');
  const loader = path.endsWith('x') ? 'tsx' : 'ts';
  const { code } = await transform(text, { ...settings, loader, sourcefile: path });
  mkdirSync(kept, { recursive: true });
  // Many processes do this at once: each file appears whole.
  const part = `${place}.${process.pid}`;
  writeFileSync(part, code);
  renameSync(part, place);
  return code;
}
