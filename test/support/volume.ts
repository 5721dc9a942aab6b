// Small volumes of their own, for tests of full and failing disks. Needs the right to mount.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp.ts';

const mounted = new Set<string>();

/** A folder on a tmpfs of `size` (as mount takes it), gone after the test file; undefined when this user may not mount. */
export function smallVolume(size: string): string | undefined {
  const dir = join(tempDir('volume'), 'mnt');
  mkdirSync(dir);
  if (!mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir)) return undefined;
  // Before that of tempDir, which cannot remove what is mounted.
  if (mounted.size === 0) process.prependOnceListener('exit', unmountAll);
  mounted.add(dir);
  return dir;
}

/** True when it worked. */
export function mount(...args: string[]): boolean {
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
}

/** True when it worked. Lazy: what is still open there stays usable. */
export function unmount(dir: string): boolean {
  mounted.delete(dir);
  return spawnSync('umount', ['-l', dir], { stdio: 'ignore' }).status === 0;
}

function unmountAll(): void {
  for (const dir of mounted) spawnSync('umount', ['-l', dir], { stdio: 'ignore' });
  mounted.clear();
}
