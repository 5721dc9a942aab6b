// Mends the binaries of lmdb-js 3.5.6: when a page cannot be written, it formats a message of up to 110 characters into 100 bytes
// (mdb_page_flush in its mdb.c), which ends the process some time after the first fault of a disk. The tail of that format, three
// sizes that nobody needs, is cut off where it stands.
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './terminal.mjs';

const FOLDER = join(root, 'node_modules/@lmdb');
const KEPT = 'Attempting to write page at position %u, size %u, blocks %u';
const CUT = ', buffer sizes %i %i %i\0';

/** False when a binary that is installed has the fault. */
export function lmdbIsMended() {
  return binaries().every(path => !readFileSync(path).includes(KEPT + CUT));
}

/** A running service keeps the binary that it has loaded. */
export function mendLmdb() {
  for (const path of binaries()) {
    const bytes = readFileSync(path);
    const at = bytes.indexOf(KEPT + CUT);
    if (at < 0) continue;
    bytes.fill(0, at + KEPT.length, at + KEPT.length + CUT.length);
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, bytes, { mode: statSync(path).mode & 0o777 });
    renameSync(draft, path);
  }
}

function binaries() {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER).flatMap(name =>
    readdirSync(join(FOLDER, name))
      .filter(file => file.endsWith('.node'))
      .map(file => join(FOLDER, name, file)),
  );
}
