// Small JSON files that must survive a power cut and a bad card: replaced whole, with a checksum and the generation before.
import { readFile, stat } from 'node:fs/promises';
import { fromSystem, writeFileAtomic } from '../core/index.ts';
import { crc32 } from './crc32.ts';

/** Far more than any of them needs; a bound for hostile content. */
const MAX_BYTES = 8 * 1024 * 1024;

export type CheckedFile =
  | { state: 'good'; body: unknown }
  /** The file is damaged; this is the generation before. */
  | { state: 'previous'; body: unknown }
  | { state: 'absent' }
  /** There is something, and nothing of it can be trusted. */
  | { state: 'damaged' };

/** Writes 0600, durable when it resolves. */
export async function writeChecked(path: string, body: unknown): Promise<void> {
  const text = JSON.stringify({ crc32: checksum(body), body });
  try {
    await writeFileAtomic(path, `${text}\n`, { mode: 0o600, keepPrevious: true });
  } catch (error) {
    throw fromSystem(error, `cannot write ${path}`);
  }
}

/** Reads what `writeChecked` wrote. Rejects only when the system refuses to read. */
export async function readChecked(path: string): Promise<CheckedFile> {
  const current = await readOne(path);
  if (current.state === 'good') return current;
  const previous = await readOne(`${path}.previous`);
  if (previous.state === 'good') return { state: 'previous', body: previous.body };
  return current.state === 'absent' && previous.state === 'absent' ? current : { state: 'damaged' };
}

async function readOne(path: string): Promise<Exclude<CheckedFile, { state: 'previous' }>> {
  let text: string;
  try {
    const stats = await stat(path);
    // Reading a pipe would wait for ever.
    if (!stats.isFile() || stats.size > MAX_BYTES) return { state: 'damaged' };
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return { state: 'absent' };
    throw fromSystem(error, `cannot read ${path}`);
  }
  try {
    const parsed = JSON.parse(text) as { crc32?: unknown; body?: unknown } | null;
    if (parsed && parsed.body !== undefined && parsed.crc32 === checksum(parsed.body)) {
      return { state: 'good', body: parsed.body };
    }
  } catch {
    // Not JSON: damaged, like a wrong checksum.
  }
  return { state: 'damaged' };
}

function checksum(body: unknown): string {
  return crc32(Buffer.from(JSON.stringify(body)))
    .toString(16)
    .padStart(8, '0');
}
