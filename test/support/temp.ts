// Temporary folders that are gone when the test process ends, however it ends (except by SIGKILL).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made = new Set<string>();
process.once('exit', removeTempDirs);

/** A new empty folder below the system's temporary folder (TMPDIR). */
export function tempDir(label = 'test'): string {
  const dir = mkdtempSync(join(tmpdir(), `thimble-${label}-`));
  made.add(dir);
  return dir;
}

/** Removes them now, for files that make many. */
export function removeTempDirs(): void {
  for (const dir of made) rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  made.clear();
}
