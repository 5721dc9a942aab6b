// Where the npm packages lie that are no part of the bundle: a release has each in a file of its own, a checkout has the package.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Absolute path for `require`. Throws when there is none. */
export function packagePath(name: 'lmdb' | 'yaml'): string {
  const beside = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return existsSync(beside) ? beside : createRequire(import.meta.url).resolve(name);
}
