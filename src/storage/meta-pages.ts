// Looks at the first pages of an LMDB file without LMDB, which dies on files that are damaged there or cut short.
import { open } from 'node:fs/promises';
import { endianness } from 'node:os';

const MAGIC = 0xbeefc0de;
const META_PAGES = 2;
/** Both meta pages are in it, whatever the page size of this file is. */
const MAX_PAGE_BYTES = 65_536;

/**
 * False when the file's meta pages are none, or when they speak of pages behind its end. A file without a byte is sound: LMDB makes
 * its pages. `pointerBits`: of the machine that wrote it, which is this one.
 */
export async function looksSound(path: string, pointerBits: 32 | 64): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size === 0) return true;
    const head = Buffer.alloc(Math.min(size, META_PAGES * MAX_PAGE_BYTES));
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const first = readMeta(head.subarray(0, bytesRead), 0, pointerBits);
    if (!first) return false;
    const second = readMeta(head.subarray(0, bytesRead), first.pageBytes, pointerBits);
    if (!second || second.pageBytes !== first.pageBytes) return false;
    const newest = second.transaction > first.transaction ? second : first;
    return (newest.lastPage + 1) * newest.pageBytes <= size;
  } finally {
    await file.close();
  }
}

interface Meta {
  pageBytes: number;
  lastPage: number;
  transaction: number;
}

/** MDB_page_header and MDB_meta of the LMDB that lmdb-js 3.5 brings along. */
function readMeta(head: Buffer, pageAt: number, pointerBits: 32 | 64): Meta | undefined {
  const word = pointerBits / 8;
  const metaAt = pageAt + 2 * word + 8;
  const freeTree = metaAt + 8 + 2 * word;
  const lastPageAt = freeTree + 2 * (8 + 5 * word);
  if (head.length < lastPageAt + 2 * word) return undefined;
  const little = endianness() === 'LE';
  const uint32 = (at: number) => (little ? head.readUInt32LE(at) : head.readUInt32BE(at));
  const size = (at: number) =>
    word === 4 ? uint32(at) : Number(little ? head.readBigUInt64LE(at) : head.readBigUInt64BE(at));
  const pageBytes = uint32(freeTree);
  if (uint32(metaAt) !== MAGIC || pageBytes < 256 || pageBytes > MAX_PAGE_BYTES) return undefined;
  if ((pageBytes & (pageBytes - 1)) !== 0) return undefined;
  return { pageBytes, lastPage: size(lastPageAt), transaction: size(lastPageAt + word) };
}
