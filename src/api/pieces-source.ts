// Bytes of our own and parts of a file, one after the other, as a source of bytes.
import type { FileHandle } from 'node:fs/promises';
import type { ByteSource } from './server.ts';

const BUFFER_BYTES = 64 * 1024;

/** Bytes, or a part of the file. */
export type Piece = Buffer | { offset: number; sizeBytes: number };

function sizeOf(piece: Piece): number {
  return Buffer.isBuffer(piece) ? piece.length : piece.sizeBytes;
}

/** Takes over the file. It ends early where the file does. */
export function piecesSource(file: Pick<FileHandle, 'read' | 'close'>, pieces: readonly Piece[]): ByteSource {
  const parts = pieces.filter(piece => !Buffer.isBuffer(piece)).map(sizeOf);
  const buffer = Buffer.allocUnsafeSlow(Math.min(BUFFER_BYTES, Math.max(0, ...parts)));
  let at = 0;
  /** Of the piece, given already. */
  let done = 0;
  return {
    sizeBytes: pieces.reduce((sum, piece) => sum + sizeOf(piece), 0),
    async next() {
      for (let piece = pieces[at]; piece !== undefined && done >= sizeOf(piece); piece = pieces[at]) {
        at++;
        done = 0;
      }
      const piece = pieces[at];
      if (piece === undefined) return undefined;
      if (Buffer.isBuffer(piece)) {
        done = piece.length;
        return piece;
      }
      const wanted = Math.min(buffer.length, piece.sizeBytes - done);
      const { bytesRead } = await file.read(buffer, 0, wanted, piece.offset + done);
      done += bytesRead;
      return bytesRead > 0 ? buffer.subarray(0, bytesRead) : undefined;
    },
    close: () => file.close(),
  };
}
