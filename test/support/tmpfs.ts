// Small volumes of our own that can be full or read-only. Only root may mount them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const mounted = new Set<Volume>();
process.once('exit', () => {
  for (const volume of mounted) volume.remove();
});

/** Why volumes cannot be mounted here; undefined when they can. */
export function mountProblem(): string | undefined {
  try {
    new Volume(1).remove();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export class Volume {
  readonly folder: string;

  /** Mounts an empty tmpfs; throws when that is not allowed. */
  constructor(sizeMiB: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'thimble-volume-'));
    mounted.add(this);
    mount('-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=700`, 'tmpfs', this.folder);
  }

  makeReadOnly(): void {
    mount('-o', 'remount,ro', this.folder);
  }

  /** Takes all the room that is left. */
  fill(): void {
    const { bavail, bsize } = statfsSync(this.folder);
    const piece = Buffer.alloc(64 * 1024, 1);
    for (let left = Number(bavail) * Number(bsize) + 1; left > 0; left -= piece.length) {
      try {
        writeFileSync(join(this.folder, 'lost+found'), piece, { flag: 'a' });
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
    spawnSync('umount', ['-l', this.folder], { stdio: 'ignore' });
    rmdirSync(this.folder);
    mounted.delete(this);
  }
}

function mount(...args: string[]): void {
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`volumes cannot be mounted: ${(error?.message ?? stderr).trim().split('\n', 1)[0]}`);
}
