// Small volumes of our own (tmpfs) that can be full, read-only or gone. Only root may mount them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const mounted = new Set<Volume>();

/** Why volumes cannot be mounted here; undefined when they can. */
export function mountProblem(): string | undefined {
  try {
    new Volume(1).remove();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** True when it worked. */
export function mount(...args: string[]): boolean {
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
}

/** True when it worked. Lazy: what is still open there stays usable. */
export function unmount(folder: string): boolean {
  return spawnSync('umount', ['-l', folder], { stdio: 'ignore' }).status === 0;
}

/** An empty volume, gone after the test file. */
export class Volume {
  readonly folder: string;

  /** Throws when mounting is not allowed. */
  constructor(sizeMiB: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'thimble-volume-'));
    if (mounted.size === 0) process.once('exit', removeAll);
    mounted.add(this);
    remount('-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=700`, 'tmpfs', this.folder);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  makeReadOnly(): void {
    remount('-o', 'remount,ro', this.folder);
  }

  makeWritable(): void {
    remount('-o', 'remount,rw', this.folder);
  }

  /** Takes all the room that is left but for `exceptBytes`, to the last page. */
  fill(exceptBytes = 0): void {
    const piece = Buffer.alloc(64 * 1024, 1);
    for (let left = this.freeBytes + 1 - exceptBytes; left > 0; left -= piece.length) {
      try {
        writeFileSync(join(this.folder, 'lost+found'), piece.subarray(0, left), { flag: 'a' });
      } catch {
        return;
      }
    }
  }

  /** Gives it back. */
  makeRoom(): void {
    rmSync(join(this.folder, 'lost+found'), { force: true });
  }

  remove(): void {
    unmount(this.folder);
    rmdirSync(this.folder);
    mounted.delete(this);
  }
}

function removeAll(): void {
  for (const volume of mounted) volume.remove();
}

function remount(...args: string[]): void {
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`volumes cannot be mounted: ${(error?.message ?? stderr).trim().split('\n', 1)[0]}`);
}
