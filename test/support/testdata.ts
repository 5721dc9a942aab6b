// Where the shared test data lies, when this machine has it. Tests that need it are skipped by name without it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder, or undefined. */
export const testdataDir: string | undefined = [
  process.env.THIMBLE_TESTDATA,
  fileURLToPath(new URL('../../../shared/testdata', import.meta.url)),
].find(dir => dir !== undefined && existsSync(dir));
