// Takes a lock on a file for as long as this process lives, however it ends: flock(1) holds it, and ends with a pipe of ours.
import { spawn } from 'node:child_process';

/**
 * @param {string} path is made when it is not there; its folder is
 * @param {{wait: boolean}} options
 * @returns {Promise<boolean>} false when another process has it, and `wait` is not set
 */
export function lockFile(path, { wait }) {
  const flags = wait ? [] : ['-n'];
  return new Promise((resolve, reject) => {
    // In a session of its own: a key that interrupts us must not end it before us.
    const child = spawn('flock', [...flags, path, 'sh', '-c', 'echo held; exec cat >&2'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    });
    child.once('error', reject);
    child.once('exit', () => resolve(false));
    child.stdout.once('data', () => {
      for (const handle of [child, child.stdin, child.stdout]) /** @type {{unref(): void}} */ (handle).unref();
      resolve(true);
    });
  });
}
