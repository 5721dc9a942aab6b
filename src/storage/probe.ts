// Reads the index in a child process: a file that is cut short or damaged in its structure kills its reader, without an exception.
import { spawn } from 'node:child_process';
import { packagePath } from '../core/index.ts';
import { TABLES } from './environment.ts';
import { putReadersInMemory } from './reader-table.ts';

/** Reading 128 MB from a slow card. */
const TIMEOUT_MS = 60_000;

const PROGRAM = `
const [lmdb, folder, tables, target] = process.argv.slice(1);
const options = { encoding: 'binary', keyEncoding: 'binary' };
const open = (path, more) => require(lmdb).open({ path, noSubdir: false, maxDbs: 32, overlappingSync: false, ...options, ...more });
const root = open(folder, { readOnly: true });
const copy = target ? open(target) : undefined;
for (const name of tables.split(',')) {
  const to = copy?.openDB(name, options);
  let rows = [];
  const write = () => copy?.transactionSync(() => rows.splice(0).forEach(({ key, value }) => to.putSync(key, value)));
  for (const { key, value } of root.openDB(name, options)?.getRange() ?? []) {
    if (value.length > 0) value[value.length - 1];
    if (copy && rows.push({ key: Buffer.from(key), value: Buffer.from(value) }) >= 1000) write();
  }
  write();
}
Promise.all([root.close(), copy?.close()]).then(() => process.exit(0), () => process.exit(1));
`;

/**
 * True when every row can be read; writes nothing to `folder`, whose volume may be full. With `target`, an empty folder, the rows are also written to a new index there, which shares
 * nothing of the structure of the old one. Resolves to false when the child dies, fails or takes too long; rejects when there is none.
 */
export function probeIndex(folder: string, target?: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const args = [packagePath('lmdb'), folder, TABLES.join(','), ...(target === undefined ? [] : [target])];
    const remove = putReadersInMemory(folder);
    const child = spawn(process.execPath, ['-e', PROGRAM, ...args], {
      stdio: 'ignore',
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    child.once('error', error => {
      remove();
      reject(error);
    });
    child.once('exit', code => {
      remove();
      resolve(code === 0);
    });
  });
}
