// The build puts English texts where they are shown, and leaves every catalogue whole whose keys it cannot see.
import * as assert from 'uvu/assert';
import { textsOf } from '../../scripts/web-texts.mjs';
import { suite } from '../support/suite.ts';

const test = suite('web texts');
const JSX = { jsx: 'transform', jsxFactory: 'h', jsxFragment: 'Fragment' } as const;

const CATALOGUES = `
  import { words } from '../words.ts';
  export const t = words('area', { yes: 'Yes', no: "No, it's not", 'all-of': 'All {n}', unused: 'Unused' });
  export const names = words('area', { a: 'first', b: 'second' });
`;

const build = async (page: string, catalogues = CATALOGUES) => {
  const sources = new Map([
    ['web/src/x/words.ts', catalogues],
    ['web/src/x/page.tsx', page],
  ]);
  const texts = await textsOf(sources, JSX);
  const program = (path: string) => (texts.program(`web/src/x/${path}`) ?? '').replace(/\s+/g, ' ');
  return { texts, page: program('page.tsx'), words: program('words.ts') };
};

test('texts stand instead of keys, in choices too, and only what is looked up by a value keeps its keys', async () => {
  const { page, words } = await build(`
    import { names, t as say } from './words.ts';
    const yes = { yes: 'yes' };
    export const Page = ({ on, name }) => (
      <p title={say('all-of', { n: yes.yes })}>{say(on ? 'yes' : name ? 'no' : 'yes')} {names(name)}{names('a')}</p>
    );`);
  assert.match(page, 'say("All {n}", { n: yes.yes })');
  assert.match(page, `say(on ? "Yes" : name ? "No, it's not" : "Yes")`);
  assert.match(page, 'names("a")');
  assert.match(page, 'const yes = { yes: "yes" }');
  assert.match(words, 'words("area", {})');
  assert.match(words, 'a: "first", b: "second"');
});

test('a catalogue stays whole when some use of it cannot be read', async () => {
  const uses = ['t(key)', 't(key + "-of")', 't(on ? "yes" : key)', '[t]', 'use(t)', '({ t })', 'all.map(t)'];
  for (const use of uses) {
    const { page, words } = await build(
      `import { t } from './words.ts';\nexport const f = (on, key) => ${use};\nt('yes');`,
    );
    assert.match(page, 't("yes")', use);
    assert.match(words, 'yes: "Yes"', use);
  }
  const everything = await build(`import * as all from './words.ts';\nexport const f = key => all.t(key);`);
  assert.match(everything.words, 'yes: "Yes"');
  const later = await build(`export const f = async () => (await import('./words.ts')).t('yes');`);
  assert.match(later.words, 'yes: "Yes"');
  const again = await build(`import { t } from './words.ts';\nexport { t as u };\nt('yes');`);
  assert.match(again.words, 'yes: "Yes"');
  const spread = await build(`import { t } from './words.ts';\nt('yes');`, CATALOGUES.replace("yes: 'Yes'", '...more'));
  assert.match(spread.page, 't("yes")');
});

test('a language is turned with its keys; one text with two translations is refused', async () => {
  const page = `import { names, t } from './words.ts';\nexport const f = key => t('yes') + names(key);`;
  const { texts } = await build(page);
  assert.equal(texts.turned({ area: { yes: 'Tak', a: 'pierwszy' }, other: { k: 'v' } }), {
    area: { Yes: 'Tak', a: 'pierwszy' },
    other: { k: 'v' },
  });
  const twice = await build(page, CATALOGUES.replace("unused: 'Unused'", "again: 'Yes'"));
  assert.equal(twice.texts.turned({ area: { yes: 'Tak', again: 'Tak' } }), { area: { Yes: 'Tak' } });
  assert.throws(
    () => twice.texts.turned({ area: { yes: 'Tak', again: 'No tak' } }),
    /"Yes" stands in the area area twice/,
  );
});

test.run();
