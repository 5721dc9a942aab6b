// Reads files of which nothing is known: also pipes, and files that never end.
import { open } from 'node:fs/promises';

/** The whole content, or undefined when it has more than `maxBytes`. Rejects as the system says. */
export async function readBounded(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const file = await open(path, 'r');
  try {
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
