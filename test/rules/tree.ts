// Reads the checkout's own text files for the rules, and takes source text apart far enough for them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file of the checkout; `path` is relative to its root, with slashes. */
export interface TextFile {
  path: string;
  text: string;
}

/** What belongs to the project at the top level, beside single files; all else (build results, data) is not ours to judge. */
const FOLDERS = ['.ci', 'bin', 'buildroot', 'native', 'packaging', 'scripts', 'src', 'test', 'web'];
const BINARY = /\.(mp4|png|jpg|ico|tflite|bin|h26[45]|aac)$/;

export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** All text files of the project whose path matches. */
export function projectFiles(pattern: RegExp): TextFile[] {
  const entries = readdirSync(root, { withFileTypes: true });
  const single = entries.filter(entry => entry.isFile()).map(entry => entry.name);
  const nested = entries
    .filter(entry => entry.isDirectory() && FOLDERS.includes(entry.name))
    .flatMap(({ name }) =>
      readdirSync(join(root, name), { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile() && !entry.name.endsWith('.pyc'))
        .map(entry => join(entry.parentPath, entry.name).slice(root.length)),
    );
  return [...single, ...nested]
    .filter(path => pattern.test(path) && !BINARY.test(path))
    .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The text with the insides of comments blanked, lines kept; strings stay. Good enough for code that a formatter wrote. */
export function withoutComments(text: string): string {
  const blank = (match: string) => match.replace(/[^\n]/g, ' ');
  const tokens = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g;
  return text.replace(tokens, match => (match.startsWith('/') ? blank(match) : match));
}

export interface Import {
  /** As written. */
  specifier: string;
  typeOnly: boolean;
}

/** Static and dynamic imports and re-exports of a TypeScript file. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  const statement = /^\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'/gm;
  for (const [, type, specifier = ''] of code.matchAll(statement)) found.push({ specifier, typeOnly: !!type });
  for (const [, specifier = ''] of code.matchAll(/(?:^\s*import\s+|\bimport\()'([^']+)'/gm))
    found.push({ specifier, typeOnly: false });
  return found;
}
