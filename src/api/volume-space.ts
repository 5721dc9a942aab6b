// How much room there is on a volume, for those who only show it.
import { statfs } from 'node:fs/promises';

export interface VolumeSpace {
  freeBytes?: number;
  totalBytes?: number;
}

/** A volume that is gone says nothing; the figures beside it are shown all the same. */
export async function volumeSpace(path: string): Promise<VolumeSpace> {
  try {
    const { bsize, bavail, blocks } = await statfs(path);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return {};
  }
}
