// A block device of our own, so that every byte written to it is ours: an ext4 image behind a loop device.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { tempDir } from '../support/temp.ts';

export interface LoopDisk {
  /** Where it is mounted. */
  folder: string;
  /** Bytes written to the device since it exists, after what waits in the cache: up to a second of footage. */
  writtenBytes(): number;
  /** Writes everything and forgets what was cached, as a start of the machine does. Throws when something is open there. */
  remount(): void;
  /** Flushes everything and takes it away. */
  remove(): void;
}

/** Undefined where this cannot be had (not root, no loop devices). */
export function makeLoopDisk(sizeMiB: number): LoopDisk | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const dir = tempDir('disk');
  const image = join(dir, 'image');
  const folder = join(dir, 'mount');
  mkdirSync(folder);
  if (!done('truncate', '-s', `${sizeMiB}M`, image)) return undefined;
  if (!done('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image)) return undefined;
  const attached = spawnSync('losetup', ['--find', '--show', image], { encoding: 'utf8' });
  if (attached.status !== 0) return undefined;
  const device = attached.stdout.trim();
  const mount = () => done('mount', '-t', 'ext4', device, folder);
  if (!mount()) {
    done('losetup', '-d', device);
    return undefined;
  }
  return {
    folder,
    writtenBytes: () => {
      done('sync', '--file-system', folder);
      // Field 7 of the statistics: sectors of 512 bytes written.
      const fields = readFileSync(`/sys/block/${basename(device)}/stat`, 'utf8')
        .trim()
        .split(/\s+/);
      return Number(fields[6]) * 512;
    },
    remount: () => {
      if (!done('umount', folder) || !mount()) throw new Error(`${folder} cannot be mounted again`);
    },
    remove: () => {
      done('umount', folder);
      done('losetup', '-d', device);
    },
  };
}

function done(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
