// What the build of the pages leaves: within the budgets, whole, and with nothing in it that the content policy would refuse.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { webSizes } from '../../scripts/web.mjs';
import { suite } from '../support/suite.ts';

const test = suite('web build');
const DIST = fileURLToPath(new URL('../../dist/web/', import.meta.url));
const built = existsSync(DIST);
const needs = (name: string, body: () => void) =>
  test.needs(built, 'the pages are not built (npm run build:web)', name, body);
const files = built ? readdirSync(DIST, { recursive: true, encoding: 'utf8' }) : [];
const read = (name: string) => readFileSync(join(DIST, name), 'utf8');

needs('a first visit takes at most 60 KB, and neither it nor all pages more than their budgets', () => {
  const sizes = webSizes();
  assert.ok(sizes);
  assert.ok(sizes.first <= 60_000, `first visit ${sizes.first}`);
  assert.ok(sizes.first <= sizes.budgets.first && sizes.all <= sizes.budgets.all, `everything ${sizes.all}`);
});

needs('every text has a twin that is the same, packed', () => {
  const texts = files.filter(name => /\.(html|js|css|svg|webmanifest)$/.test(name));
  assert.ok(texts.length > 10);
  for (const name of texts) {
    const twin = readFileSync(join(DIST, `${name}.gz`));
    assert.ok(gunzipSync(twin).equals(readFileSync(join(DIST, name))), name);
  }
});

needs('pages ask for files that there are, by relative addresses', () => {
  for (const page of ['index.html', 'offline.html']) {
    const asked = [...read(page).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);
    assert.ok(asked.length > 1);
    for (const address of asked) assert.ok(address === './' || files.includes(address), `${page} asks for ${address}`);
  }
  const { icons, start_url } = JSON.parse(read('manifest.webmanifest'));
  for (const { src } of icons) assert.ok(files.includes(src), src);
  assert.is(start_url, './');
});

needs('no script or style stands in a page, and nothing of others is asked for', () => {
  for (const name of files.filter(file => file.endsWith('.html'))) {
    assert.not.match(read(name), /<script(?![^>]*\ssrc=)/);
    assert.not.match(read(name), /<style|\sstyle=|\son\w+=/);
  }
  for (const name of files.filter(file => /\.(html|js|css)$/.test(file))) {
    const foreign = [...read(name).matchAll(/https?:\/\/[\w.-]+/g)].map(([address]) => address);
    // Names of XML, and what addresses of cameras look like.
    assert.equal(
      foreign.filter(address => !/^http:\/\/www\.w3\.org$/.test(address)),
      [],
      name,
    );
    assert.not.match(read(name), /\beval\(|new Function\(/);
  }
});

test.run();
