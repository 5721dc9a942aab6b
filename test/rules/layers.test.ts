// src/ and web/ keep the one-way order of the layers.
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { importCircles, layerBreaches } from './layers.ts';
import { projectFiles } from './tree.ts';

const test = suite('layers');

test('src and web import downwards only, through index.ts', () => {
  assert.equal(layerBreaches(projectFiles(/^(src|web)\/.*\.tsx?$/)), []);
});

test('no circle of imports in src', () => {
  assert.equal(importCircles(projectFiles(/^src\/.*\.ts$/)), []);
});

test('scripts, which install the packages, start without any', () => {
  const packages = projectFiles(/^(scripts\/|test\/run|test\/support\/run-)[\w-]*\.mjs$/).flatMap(({ path, text }) =>
    [...text.matchAll(/^(?:import|export)[^;]*?from '([^']+)'/gm)]
      .map(([, name = '']) => name)
      .filter(name => !/^(node:|\.)/.test(name))
      .map(name => `${path}: ${name}`),
  );
  assert.equal(packages, []);
});

/** File, its text, what the breach must say (none = allowed). */
const SAMPLES: [string, string, string?][] = [
  ['src/cameras/a.ts', "import { x } from '../storage/index.ts';"],
  ['src/cameras/a.ts', "import { x } from './b.ts';"],
  ['src/main.ts', "import { x } from './api/index.ts';"],
  ['src/main.ts', "import info from '../package.json' with { type: 'json' };"],
  ['src/cameras/a.ts', "// import { x } from '../api/index.ts';"],
  ['src/storage/a.ts', "import { x } from '../demo/index.ts';", 'row 1 may import lower rows only'],
  ['src/core/a.ts', "import type { x } from '../native/index.ts';", 'row 0 may import lower rows only'],
  ['src/recording/a.ts', "export { x } from '../detection/index.ts';", 'lower rows only'],
  ['src/recording/a.ts', "export * from '../api/index.ts';", 'lower rows only'],
  ['src/api/a.ts', "const x = await import('../maintenance/index.ts');", 'lower rows only'],
  ['src/api/a.ts', "import {\n  x,\n  y,\n} from '../storage/keys.ts';", 'the door of storage'],
  ['src/api/a.ts', "import '../novel/index.ts';", '"novel" has no row'],
  ['src/novel/a.ts', "import '../core/index.ts';", '"novel" has no row'],
  ['src/api/a.ts', "import { x } from '../../test/support/x.ts';", 'nothing outside'],
  ['src/api/a.ts', "import { WebSocket } from 'ws';", 'about 10 MB'],
  ['web/src/api.ts', "import type { x } from '../../src/api/contract.ts';"],
  ['web/src/api.ts', "import { x } from '../../src/api/contract.ts';", 'import type'],
  ['web/src/api.ts', "import type { x } from '../../src/api/index.ts';", 'import type'],
];
for (const [path, text, words] of SAMPLES) {
  test(`${words ? 'refuses' : 'allows'} ${path}: ${text.replaceAll('\n', ' ')}`, () => {
    const breaches = layerBreaches([{ path, text }]);
    assert.is(breaches.length, words ? 1 : 0);
    if (words) assert.match(breaches[0] ?? '', words);
  });
}

test('finds a circle', () => {
  const circles = importCircles([
    { path: 'src/core/a.ts', text: "import './b.ts';" },
    { path: 'src/core/b.ts', text: "import './c.ts';" },
    { path: 'src/core/c.ts', text: "import './b.ts';" },
  ]);
  assert.equal(circles, ['src/core/b.ts -> src/core/c.ts -> src/core/b.ts']);
});

test.run();
