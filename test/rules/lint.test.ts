// Shows that the linter, as configured, finds what the project counts on it to find.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { root } from './tree.ts';

const test = suite('lint');

/** What `biome check` says about a project of these files; undefined = nothing. */
function complaint(files: Record<string, string>): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-lint-'));
  try {
    for (const name of ['biome.json', 'tsconfig.json']) copyFileSync(join(root, name), join(folder, name));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
    const args = [biome, 'check', '--error-on-warnings', '--colors=off', '.'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    return status === 0 ? undefined : stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const WORK = 'export async function work(): Promise<number> {\n  return await Promise.resolve(1);\n}\n';

test('is content with a promise that is awaited', () => {
  const use = "import { work } from './work.ts';\n\nexport async function use(): Promise<void> {\n  await work();\n}\n";
  assert.is(complaint({ 'src/work.ts': WORK, 'src/use.ts': use }), undefined);
});

/** What it must find, in which rule, in which text of src/use.ts beside src/work.ts. */
const SAMPLES: [string, string, string][] = [
  ['a promise left alone', 'noFloatingPromises', "import { work } from './work.ts';\n\nwork();\n"],
  [
    'a promise with a handler for success only',
    'noFloatingPromises',
    "import { work } from './work.ts';\n\nwork().then(() => {});\n",
  ],
  [
    'a promise taken for a condition',
    'noMisusedPromises',
    "import { work } from './work.ts';\n\nexport const good = work() ? 1 : 2;\n",
  ],
  ['console', 'noConsole', "console.log('x');\n"],
  ['any', 'noExplicitAny', 'export const x: any = 1;\n'],
  ['an import that nobody uses', 'noUnusedImports', "import { work } from './work.ts';\n"],
  ['wrong format', 'format', 'export const x = {a:1}\n'],
];
for (const [what, rule, text] of SAMPLES) {
  test(`finds ${what}`, () => {
    const words = complaint({ 'src/work.ts': WORK, 'src/use.ts': text });
    assert.ok(words, 'it found nothing');
    assert.match(words, rule);
  });
}

test.run();
