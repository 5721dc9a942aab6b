// Brings node_modules in line with the lockfile, and only when it is not.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, run, say } from './terminal.mjs';

/** @typedef {{version?: string, integrity?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[]}} Package */

/**
 * Compares the lockfile with the one that npm leaves in node_modules as the last act of an installation.
 * @returns {boolean} false also after an interrupted installation
 */
export function dependenciesAreCurrent() {
  const wanted = readLock('package-lock.json');
  const present = readLock('node_modules/.package-lock.json');
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || !isForThisMachine(entry)) return true;
    const there = present[path];
    return there?.version === entry.version && there?.integrity === entry.integrity && existsSync(join(root, path));
  });
}

/** @param {string} place @returns {Record<string, Package> | undefined} */
function readLock(place) {
  try {
    return JSON.parse(readFileSync(join(root, place), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** npm leaves out optional packages for other systems; which of the two C libraries is in use is not worth finding out. @param {Package} entry */
function isForThisMachine({ optional, os, cpu, libc }) {
  if (!optional) return true;
  return (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true) && !libc;
}

/** `npm ci` without any package's install scripts. Throws a SetupError with npm's words already printed. */
export function installDependencies() {
  say('installing the locked npm packages (silent for up to a few minutes)');
  const [program, ...args] = npm();
  run('npm ci', program, [
    ...args,
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
  ]);
}

/** The npm that started us, else the one that came with this Node, else the one on PATH. @returns {[string, ...string[]]} */
function npm() {
  const prefix = dirname(dirname(process.execPath));
  const places = [process.env.npm_execpath ?? '', join(prefix, 'lib/node_modules/npm/bin/npm-cli.js')];
  const script = places.find(place => place.endsWith('npm-cli.js') && existsSync(place));
  return script ? [process.execPath, script] : ['npm'];
}
