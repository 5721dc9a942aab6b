// Reading ISO BMFF boxes (ISO/IEC 14496-12) out of a buffer: every length is checked, nothing is copied.
import { NvrError } from '../core/index.ts';

export interface Box {
  type: string;
  body: Buffer;
}

/** The boxes that fill `data`, one after the other. Throws `data-loss` when one is longer than what holds it. */
export function* boxes(data: Buffer): Generator<Box> {
  let at = 0;
  while (at < data.length) {
    if (data.length - at < 8) throw damaged('a box is cut off');
    let size = data.readUInt32BE(at);
    let header = 8;
    if (size === 1) {
      if (data.length - at < 16) throw damaged('a box is cut off');
      size = Number(data.readBigUInt64BE(at + 8));
      header = 16;
    } else if (size === 0) {
      size = data.length - at;
    }
    if (size < header || size > data.length - at) throw damaged('a box is longer than its container');
    yield { type: data.toString('latin1', at + 4, at + 8), body: data.subarray(at + header, at + size) };
    at += size;
  }
}

/** The first box at `path` (`mdia/minf/stbl`), or undefined. */
export function find(data: Buffer, path: string): Buffer | undefined {
  let current: Buffer | undefined = data;
  for (const type of path.split('/')) {
    let next: Buffer | undefined;
    for (const box of boxes(current)) {
      if (box.type !== type) continue;
      next = box.body;
      break;
    }
    if (!next) return undefined;
    current = next;
  }
  return current;
}

/** Like `find`, but its absence is an error. */
export function need(data: Buffer, path: string): Buffer {
  const body = find(data, path);
  if (!body) throw damaged(`${path} is missing`);
  return body;
}

/** A table of `rowBytes` wide rows behind version, flags and a 32-bit count at `at`. Checks that the rows are there. */
export function table(body: Buffer, rowBytes: number, maxRows: number, at = 4): { rows: number; data: Buffer } {
  if (body.length < at + 4) throw damaged('a table is cut off');
  const rows = body.readUInt32BE(at);
  if (rows > maxRows) throw damaged('a table has too many rows');
  if (rows * rowBytes > body.length - at - 4) throw damaged('a table is cut off');
  return { rows, data: body.subarray(at + 4, at + 4 + rows * rowBytes) };
}

export function damaged(what: string): NvrError {
  return new NvrError('data-loss', `not a usable MP4 file: ${what}`);
}
