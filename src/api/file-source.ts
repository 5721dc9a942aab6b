// A part of a file as a source of bytes, in small pieces through one buffer.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fromSystem, NvrError } from '../core/index.ts';
import type { ByteRange } from './byte-range.ts';
import type { ByteSource } from './server.ts';

const PIECE_BYTES = 64 * 1024;

/** Opens a file for reading. Links are not followed: nobody can point a segment at another file. `what`: for the words of its failures. */
export async function openFile(
  path: string,
  what: 'segment' | 'picture' | 'page' = 'segment',
): Promise<{ file: FileHandle; sizeBytes: number }> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) throw new NvrError('data-loss', `what lies in the place of this ${what} is no file`);
    return { file, sizeBytes: stat.size };
  } catch (error) {
    await file?.close();
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof NvrError) throw error;
    if (code === 'ENOENT') throw new NvrError('not-found', `the file of this ${what} is gone`);
    if (code === 'EMFILE' || code === 'ENFILE') throw new NvrError('unavailable', 'too many files are open');
    if (code === 'ELOOP') throw new NvrError('data-loss', `what lies in the place of this ${what} is no file`);
    throw fromSystem(error, `the file of this ${what} cannot be opened`);
  }
}

/** Takes over the file. */
export function fileSource(file: FileHandle, range: ByteRange): ByteSource {
  const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, range.end - range.start + 1));
  let position = range.start;
  return {
    sizeBytes: range.end - range.start + 1,
    async next() {
      const wanted = Math.min(buffer.length, range.end + 1 - position);
      if (wanted <= 0) return undefined;
      const { bytesRead } = await file.read(buffer, 0, wanted, position);
      position += bytesRead;
      return bytesRead > 0 ? buffer.subarray(0, bytesRead) : undefined;
    },
    close: () => file.close(),
  };
}
