// Opens the index in a child process first: a file cut short kills whoever reads it, without an exception.
import { spawn } from 'node:child_process';
import { packagePath } from '../core/index.ts';
import { TABLES } from './environment.ts';

/** Reading 128 MB from a slow card. */
const TIMEOUT_MS = 60_000;

const PROGRAM = `
const [lmdb, folder, tables] = process.argv.slice(1);
const options = { encoding: 'binary', keyEncoding: 'binary' };
const root = require(lmdb).open({ path: folder, noSubdir: false, maxDbs: 32, overlappingSync: false, ...options });
for (const name of tables.split(',')) {
  for (const { value } of root.openDB(name, options).getRange()) if (value.length > 0) value[value.length - 1];
}
root.close().then(() => process.exit(0), () => process.exit(1));
`;

/** True when every row can be read. Resolves to false when the child dies, fails or takes too long; rejects when there is none. */
export function probeIndex(folder: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', PROGRAM, packagePath('lmdb'), folder, TABLES.join(',')], {
      stdio: 'ignore',
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    child.once('error', reject);
    child.once('exit', code => resolve(code === 0));
  });
}
