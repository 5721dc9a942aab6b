// A process that has a child by our own spawn, for those who want to see what becomes of the child: prints its pid and lives on. With
// an argument it starts and ends children with that argument for ever, so that whenever it is killed it is at it.
import { spawnChild } from '../../src/native/index.ts';

const begin = (seconds: string) =>
  spawnChild({ path: '/bin/sleep', args: [seconds], env: {}, folder: '/', openFiles: 64 });

const [seconds] = process.argv.slice(2);
process.stdout.write(`${begin(seconds ?? '1000').pid}\n`);
while (seconds !== undefined) {
  const child = begin(seconds);
  await new Promise(resolve => setImmediate(resolve));
  child.kill('SIGKILL');
  await child.exited;
}
