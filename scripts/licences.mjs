// Collects the licence texts of everything that a release contains beside our own code.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, SetupError } from './terminal.mjs';

/** What is compiled into the binaries: name in the release -> text in the checkout. @type {Record<string, string>} */
const NATIVE = {
  'FFmpeg.txt': 'build/ffmpeg/licences/COPYING.LGPLv2.1',
  'node-addon-api.txt': 'node_modules/node-addon-api/LICENSE.md',
  'node-api-headers.txt': 'node_modules/node-api-headers/LICENSE',
  'liblmdb.txt': 'node_modules/lmdb/dependencies/lmdb/libraries/liblmdb/LICENSE',
  'liblmdb-copyright.txt': 'node_modules/lmdb/dependencies/lmdb/libraries/liblmdb/COPYRIGHT',
  'lz4.txt': 'node_modules/lmdb/dependencies/lz4/lib/LICENSE',
  'uws-pack.txt': 'node_modules/uWebSockets.js/LICENSE',
};

const README = `Thimble is under the MIT licence: thimble.txt. This folder holds the licences of what else is in the release.

FFmpeg is under the LGPL, version 2.1 or later, and is linked into dist/thimble.node unchanged and without any part
under the GPL. Its source is the one that scripts/build-ffmpeg.sh of Thimble's source names; that script and
"npm run build:release" there build the same file with whatever FFmpeg you put in its place.

dist/uws-*.node, where there is one, is uWebSockets.js by Alex Hultman, under the Apache License, Version 2.0
(https://www.apache.org/licenses/LICENSE-2.0), as the npm package uws-pack brings it, with one change: three digits of an
answer to what is no HTTP/1.1 (scripts/uws.mjs of Thimble's source).
`;

/**
 * @param {string} folder absolute; it is made
 * @param {string[]} inputs files that were bundled, as paths in the checkout
 */
export function writeLicences(folder, inputs) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'README.txt'), README);
  copyFileSync(join(root, 'LICENSE'), join(folder, 'thimble.txt'));
  for (const [name, text] of Object.entries(NATIVE)) copyFileSync(join(root, text), join(folder, name));
  for (const name of bundledPackages(inputs))
    writeFileSync(join(folder, `${name.replace('/', '-')}.txt`), licenceOf(name));
}

/** @param {string[]} inputs @returns {Set<string>} names of npm packages */
function bundledPackages(inputs) {
  const names = inputs.map(path => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1]);
  return new Set(names.filter(name => name !== undefined));
}

/** The text that a package brings, else what its manifest says. @param {string} name @returns {string} */
function licenceOf(name) {
  const place = join(root, 'node_modules', name);
  const file = readdirSync(place).find(entry => /^licen[cs]e(\.\w+)?$/i.test(entry));
  if (file && existsSync(join(place, file))) return readFileSync(join(place, file), 'utf8');
  const { license, version, author } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
  if (!license) throw new SetupError(`the package ${name} says nothing about its licence.`);
  const by = typeof author === 'string' ? author : author?.name;
  return `${name} ${version}${by ? ` by ${by}` : ''}: ${license}, says its package.json; it brings no licence text.\n`;
}
