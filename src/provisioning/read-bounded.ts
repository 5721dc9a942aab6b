// Reads small files of which nothing is known.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** The whole content, or undefined when it has more than `maxBytes`. Rejects as the system says, and for everything but ordinary files. */
export async function readBounded(path: string, maxBytes: number): Promise<Buffer | undefined> {
  // A pipe without a writer would hold a thread, and with it the end of the process.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is no ordinary file');
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
    return undefined;
  } finally {
    await file.close();
  }
}
