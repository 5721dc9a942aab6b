// A process that has a child by our own spawn, for those who want to see what becomes of the child: prints its pid and lives on.
import { spawnChild } from '../../src/native/index.ts';

const child = spawnChild({ path: '/bin/sleep', args: ['1000'], env: {}, folder: '/', openFiles: 64 });
process.stdout.write(`${child.pid}\n`);
