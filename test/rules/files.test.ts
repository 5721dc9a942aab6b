// Length, names, contents and places of the project's files.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { brokenLinks, emptyNames, escapedPaths, idleTests, machinePaths, sourceBreaches, tooLong } from './files.ts';
import { projectFiles, root } from './tree.ts';

const test = suite('files');
const CODE = /\.(ts|tsx|mjs|cc|h|sh|py)$/;

test('no file is longer than 500 lines', () => {
  assert.equal(tooLong(projectFiles(CODE)), []);
  const long = { path: 'src/core/a.ts', text: 'x\n'.repeat(501) };
  assert.is(tooLong([long, { ...long, text: 'x\n'.repeat(500) }]).length, 1);
});

test('no file has a name that says nothing', () => {
  assert.equal(emptyNames(projectFiles(CODE).map(file => file.path)), []);
  assert.is(emptyNames(['src/core/utils.ts', 'src/core/camera-manager.ts', 'native/media/ring_v2.h']).length, 3);
  assert.is(emptyNames(['src/common/clock.ts', 'src/core/news.ts', 'src/core/database.ts']).length, 1);
});

test('src keeps off the console, the environment, the exit and top-level state', () => {
  assert.equal(sourceBreaches(projectFiles(/^src\/.*\.ts$/)), []);
});

/** Path, text, number of breaches. */
const SOURCES: [string, string, number][] = [
  ['src/core/a.ts', "console.log('x');", 1],
  ['src/core/a.ts', '// console.log', 0],
  ['src/core/a.ts', 'const x = process.env.HOME;\nprocess.exit(1);', 2],
  ['src/main.ts', 'const x = process.env.HOME;\nprocess.exit(1);', 0],
  ['src/core/a.ts', "const answer = await fetch('http://x');", 1],
  ['src/core/a.ts', 'let count = 0;', 1],
  ['src/core/a.ts', 'export let count = 0;', 1],
  ['src/core/a.ts', 'function f() {\n  let count = 0;\n}', 0],
  ['src/core/a.ts', 'const seen = new Set<string>();', 1],
  ['src/core/a.ts', 'const seen: Map<string, number> = new Map();', 1],
  ['src/core/a.ts', "const NAMES = new Set(['a']);", 0],
  ['src/core/a.ts', 'const NONE: ReadonlySet<string> = new Set();', 0],
  ['src/core/a.ts', 'const list: string[] = [];', 1],
  ['src/core/a.ts', "const NAMES = ['a', 'b'];", 0],
];
for (const [path, text, breaches] of SOURCES) {
  test(`finds ${breaches} breaches in ${path}: ${text.replaceAll('\n', ' ')}`, () => {
    assert.is(sourceBreaches([{ path, text }]).length, breaches);
  });
}

test('no file names a place of one machine', () => {
  assert.equal(machinePaths(projectFiles(/./)), []);
  const place = (...parts: string[]) => ({ path: 'README.md', text: `see ${['', ...parts].join('/')} there` });
  assert.is(machinePaths([place('work', 'x'), place('root', '.npmrc'), place('home', 'me')]).length, 3);
  assert.is(machinePaths([place('var', 'lib'), place('rooted'), { path: 'a', text: 'http://host/home/x' }]).length, 0);
});

test('no path is taken escaped from a URL', () => {
  assert.equal(escapedPaths(projectFiles(/\.(ts|mjs)$/)), []);
  const taken = (how: string) => ({ path: 'a.ts', text: `const a = ${how};` });
  assert.is(escapedPaths([taken("new URL('x', import.meta.url)" + '.pathname')]).length, 1);
  assert.is(escapedPaths([taken("fileURLToPath(new URL('x', import.meta.url))"), taken('url.pathname')]).length, 0);
});

test('every test file is found and runs', () => {
  assert.equal(idleTests(projectFiles(/\.test\.[cm]?[tj]sx?$/)), []);
  const good = "import { suite } from '../support/suite.ts';\nsuite('x').run();";
  assert.is(idleTests([{ path: 'test/unit/a.test.ts', text: good }]).length, 0);
  assert.is(idleTests([{ path: 'src/core/a.test.ts', text: good }]).length, 1);
  assert.is(idleTests([{ path: 'test/fixtures/a.test.ts', text: good }]).length, 1);
  assert.is(idleTests([{ path: 'test/unit/a.test.ts', text: good.replace('.run()', '') }]).length, 1);
  assert.is(
    idleTests([{ path: 'test/unit/a.test.ts', text: "import { suite } from 'uvu';\nsuite('x').run();" }]).length,
    2,
  );
});

test('links of the documents lead somewhere', () => {
  const documents = projectFiles(/\.md$/);
  assert.equal(
    brokenLinks(documents, path => existsSync(join(root, path))),
    [],
  );
  const page = { path: 'README.md', text: '# A b\n[x](#a-b) [y](#c) [z](none.md) [w](https://example.org)' };
  assert.equal(
    brokenLinks([page], path => path === 'README.md'),
    ['README.md: #c: no such heading', 'README.md: none.md leads nowhere'],
  );
});

test('ARCHITECTURE.md stays readable in one sitting', () => {
  const [page] = projectFiles(/^ARCHITECTURE\.md$/);
  assert.ok(page, 'there is one');
  assert.ok(page.text.split('\n').length - 1 <= 200, '200 lines is the limit');
});

test('the lockfile ties nobody to one registry', () => {
  const [lock] = projectFiles(/^package-lock\.json$/);
  assert.ok(lock, 'there is one');
  const { packages } = JSON.parse(lock.text) as { packages: Record<string, { resolved?: string }> };
  assert.ok(Object.keys(packages).length > 1);
  assert.equal(
    Object.keys(packages).filter(name => packages[name]?.resolved !== undefined),
    [],
  );
});

test.run();
