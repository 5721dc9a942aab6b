// Tells by content whether something built is still what its sources would give, and remembers what it was built from.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './terminal.mjs';

/**
 * @typedef {object} Stamp
 * @property {string | null} key fingerprint of sources and settings; null = the build failed
 * @property {string} settings
 * @property {number} endedMs when the build ended, UTC
 * @property {Record<string, string>} files path in the checkout -> hash
 * @property {string[]} needs absolute paths that must exist for the result to be of use
 */

/** Files below a folder of the checkout, sorted, as paths in the checkout. @param {string} folder @returns {string[]} */
export function filesBelow(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap(entry => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(path) : [path];
    })
    .sort();
}

/**
 * @param {string[]} paths in the checkout
 * @param {string} settings whatever else decides the result
 * @returns {{key: string, settings: string, files: Record<string, string>}}
 */
export function fingerprint(paths, settings) {
  /** @type {Record<string, string>} */
  const files = {};
  for (const path of paths) files[path] = sha256(readFileSync(join(root, path)));
  return { key: sha256(JSON.stringify([settings, files])), settings, files };
}

/** @param {string} place path of the stamp in the checkout @returns {Stamp | undefined} undefined also when unreadable */
export function readStamp(place) {
  try {
    return JSON.parse(readFileSync(join(root, place), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Written last, and whole or not at all. @param {string} place @param {Stamp} stamp */
export function writeStamp(place, stamp) {
  writeWhole(join(root, place), JSON.stringify(stamp));
}

/** @param {string} place */
export function removeStamp(place) {
  rmSync(join(root, place), { force: true });
}

/** True when the stamp was written for this fingerprint and everything needed is there. @param {Stamp | undefined} stamp @param {string} key @param {string[]} results paths in the checkout */
export function isCurrent(stamp, key, results) {
  return stamp?.key === key && stamp.needs.every(existsSync) && results.every(path => existsSync(join(root, path)));
}

/**
 * Whether make, which trusts file times, may be trusted with what changed since: nothing is gone, the settings are the
 * same, and each changed file is newer than everything the last build wrote.
 * @param {Stamp | undefined} stamp
 * @param {{settings: string, files: Record<string, string>}} now
 */
export function mayBuildOn(stamp, now) {
  if (!stamp || stamp.settings !== now.settings) return false;
  if (Object.keys(stamp.files).some(path => !(path in now.files))) return false;
  const changed = Object.keys(now.files).filter(path => stamp.files[path] !== now.files[path]);
  return changed.every(path => statSync(join(root, path)).mtimeMs > stamp.endedMs);
}

/** A reader sees the old content or the new. @param {string} path absolute @param {string | Uint8Array} content */
export function writeWhole(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.part`;
  writeFileSync(draft, content);
  renameSync(draft, path);
}

/** @param {string | Uint8Array} content */
function sha256(content) {
  return createHash('sha256').update(content).digest('hex');
}
