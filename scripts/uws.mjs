// Mends the binaries of uWebSockets.js (uws-pack 20.0.8): to what is no HTTP/1.1 they answer "505 HTTP Version Not Supported", also
// when it is a line that ends wrongly or an address in another form. That is the client's mistake: 400.
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './terminal.mjs';

const FOLDER = join(root, 'node_modules/uWebSockets.js/dist/bin');
const FOUND = 'HTTP/1.1 505 HTTP Version Not Supported';
const MENDED = 'HTTP/1.1 400 HTTP Version Not Supported';

/** The binary for this machine and this Node; undefined where there is none. Absolute. */
export function uwsBinary() {
  const path = join(FOLDER, `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`);
  return existsSync(path) ? path : undefined;
}

/** False when the binary that this machine uses has the fault. */
export function uwsIsMended() {
  const path = uwsBinary();
  return path === undefined || !readFileSync(path).includes(FOUND);
}

/** All of them: a release is made for other versions of Node, too. A running service keeps the binary that it has loaded. */
export function mendUws() {
  if (!existsSync(FOLDER)) return;
  for (const name of readdirSync(FOLDER).filter(file => file.startsWith(`uws_${process.platform}_`))) {
    const path = join(FOLDER, name);
    const bytes = readFileSync(path);
    let at = bytes.indexOf(FOUND);
    if (at < 0) continue;
    for (; at >= 0; at = bytes.indexOf(FOUND)) bytes.write(MENDED, at, 'latin1');
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, bytes, { mode: statSync(path).mode & 0o777 });
    renameSync(draft, path);
  }
}
