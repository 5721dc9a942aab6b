// What a service said, for those who look into a fault: in short, and the whole of it in a file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Service } from '../support/service.ts';

const FOLDER = fileURLToPath(new URL('../../build/faults/', import.meta.url));
const MOST_CHARACTERS = 1200;

/** How it ended, when it did, and its last lines. */
export function lastWords({ child }: Service): string {
  const { exitCode, signalCode } = child.process;
  const end = child.running ? '' : `ended with ${signalCode ?? exitCode}: `;
  return `${end}${[...child.stdout.slice(-3), ...child.stderr.slice(-8)].join(' | ')}`.slice(0, MOST_CHARACTERS);
}

/** Writes all that it said under build/faults; gives back the path. */
export function keepLog({ child }: Service, name: string): string {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${name.replaceAll(/[^\w.-]+/g, '-')}.log`);
  writeFileSync(path, [...child.stdout, 'stderr:', ...child.stderr, ''].join('\n'));
  return path;
}
