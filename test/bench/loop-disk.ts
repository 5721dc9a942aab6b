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
  /** A power cut: what is not durable yet is forgotten, and nothing works until `remount`. */
  cut(): void;
  /** Holds everything that writes until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** The file system gives up as it does after a fault of the device: read-only until `remount`. */
  abort(): void;
  /** Flushes everything and takes it away. */
  remove(): void;
}

/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH. */
const CUT = `import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))`;

/** Why there can be none here; undefined when there can. */
export function loopDiskProblem(): string | undefined {
  const disk = makeLoopDisk(8);
  disk?.remove();
  return disk ? undefined : 'needs root and loop devices';
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
  const remove = () => {
    process.off('exit', remove);
    done('fsfreeze', '-u', folder);
    done('umount', '-l', folder);
    done('losetup', '-d', device);
  };
  // Before that of tempDir, which cannot remove what is mounted.
  process.prependOnceListener('exit', remove);
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
    cut: () => must('/usr/bin/python3', '-c', CUT, folder),
    freeze: () => must('fsfreeze', '-f', folder),
    thaw: () => must('fsfreeze', '-u', folder),
    abort: () => must('mount', '-o', 'remount,abort', folder),
    remove,
  };
}

function must(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`);
}

function done(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
