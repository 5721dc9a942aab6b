// Lets one setup at a time work in the checkout. The lock is the kernel's (flock), so a killed setup leaves none behind.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, SetupError, say } from './terminal.mjs';

const BUSY = 75;

/**
 * Returns when this process runs under the lock. The first call starts the same script again under flock(1), waits for
 * it and leaves with its exit code, so what follows the call runs only in the locked process.
 */
export function takeLock() {
  if (process.env.THIMBLE_SETUP_LOCKED === root) return;
  mkdirSync(join(root, 'build'), { recursive: true });
  const locked = [join(root, 'build', 'setup.lock'), process.execPath, ...process.argv.slice(1)];
  /** @param {string[]} flags */
  const attempt = flags => {
    const child = spawnSync('flock', [...flags, ...locked], {
      stdio: 'inherit',
      env: { ...process.env, THIMBLE_SETUP_LOCKED: root },
    });
    if (child.error) throw new SetupError(`cannot run flock (package util-linux): ${child.error.message}`, 2);
    return child.status ?? 1;
  };
  let status = attempt(['-n', '-E', String(BUSY)]);
  if (status === BUSY) {
    say('another setup is under way in this folder; waiting for it to end');
    status = attempt([]);
  }
  process.exit(status);
}
