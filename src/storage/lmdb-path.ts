// Where lmdb-js lies: a release has it in a file of its own beside the bundle, a checkout has the package.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Absolute path for `require`. Throws when there is none. */
export function lmdbPath(): string {
  const beside = fileURLToPath(new URL('./lmdb.js', import.meta.url));
  return existsSync(beside) ? beside : createRequire(import.meta.url).resolve('lmdb');
}
