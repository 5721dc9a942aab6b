// Small rows of the index: JSON behind a checksum.
import { crc32 } from './crc32.ts';

const HEADER_BYTES = 5;
const VERSION = 1;

export function encodeRow(value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  const row = Buffer.alloc(HEADER_BYTES + text.length);
  row[0] = VERSION;
  row.writeUInt32LE(crc32(text), 1);
  text.copy(row, HEADER_BYTES);
  return row;
}

/** The value, or undefined when the row is damaged. */
export function decodeRow(row: Uint8Array): unknown {
  const data = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  if (data.length < HEADER_BYTES || data[0] !== VERSION) return undefined;
  const text = data.subarray(HEADER_BYTES);
  if (crc32(text) !== data.readUInt32LE(1)) return undefined;
  try {
    return JSON.parse(text.toString());
  } catch {
    return undefined;
  }
}
