// Puts the English texts of the pages where they are shown: `t('no-camera')` becomes `t("No camera yet")`, and its catalogue empty.
// Keys cost 4 KB of the pages; languages, which are written by keys, are turned with them.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { filesBelow } from './stamp.mjs';
import { root, SetupError } from './terminal.mjs';

/**
 * @typedef {object} Catalogue What a call of `words(area, {...})` declares
 * @property {string} area
 * @property {Map<string, string>} english by key
 * @property {[number, number]} table where its object stands in the program
 * @property {boolean} stays some key is only known when the page runs
 *
 * @typedef {object} Program one file of the pages, without types
 * @property {string} code
 * @property {import('acorn').Program} tree
 * @property {Map<string, Catalogue>} own by name
 * @property {Edit[]} edits
 *
 * @typedef {{from: number, to: number, text: string, catalogue: Catalogue}} Edit
 */

/** The files of the pages that may show texts, by their paths in the checkout. @returns {Map<string, string>} */
export function pageSources() {
  const paths = filesBelow('web/src').filter(path => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'));
  return new Map(paths.map(path => [path, readFileSync(join(root, path), 'utf8')]));
}

/** @param {Map<string, string>} sources by path @param {import('esbuild').TransformOptions} options how JSX is written @returns {Promise<Texts>} */
export async function textsOf(sources, options) {
  // Not at the top: the set-up, which installs them, reads this file too.
  const [{ parse }, { transform }] = await Promise.all([import('acorn'), import('esbuild')]);
  /** @type {Map<string, Program>} */
  const programs = new Map();
  for (const [path, source] of sources) {
    const { code } = await transform(source, { ...options, loader: path.endsWith('x') ? 'tsx' : 'ts' });
    const tree = parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
    programs.set(path, { code, tree, own: catalogues(tree), edits: [] });
  }
  for (const [path, program] of programs) replaceCalls(program, known(path, program, programs));
  return new Texts(programs);
}

export class Texts {
  /** @type {Map<string, Program>} */
  #programs;

  /** @param {Map<string, Program>} programs */
  constructor(programs) {
    this.#programs = programs;
  }

  /** @returns {import('esbuild').Plugin} */
  plugin() {
    return {
      name: 'texts',
      setup: build => {
        build.onLoad({ filter: /\.tsx?$/ }, ({ path }) => {
          const program = this.program(path.slice(root.length + 1));
          if (program === undefined) return undefined;
          // Only where there is JSX: given to all files it would tear a library out of the first piece for those without.
          const contents = path.endsWith('x') ? `import { Fragment, h } from 'preact';${program}` : program;
          return { contents, loader: /** @type {const} */ ('js') };
        });
      },
    };
  }

  /** A file as the pages get it, without types. @param {string} path */
  program(path) {
    const program = this.#programs.get(path);
    return program && edited(program);
  }

  /**
   * A language as the pages look it up: by the English text where that took the place of the key.
   * @param {Record<string, Record<string, string>>} language by area and key
   */
  turned(language) {
    /** @type {Record<string, Record<string, string>>} */
    const turned = structuredClone(language);
    for (const { area, english, stays } of this.#catalogues()) {
      if (stays) continue;
      const texts = turned[area] ?? {};
      for (const [key, text] of english) {
        const translated = language[area]?.[key];
        if (translated === undefined) continue;
        if (texts[text] !== undefined && texts[text] !== translated)
          throw new SetupError(`"${text}" stands in the area ${area} twice and is translated in two ways.`);
        delete texts[key];
        texts[text] = translated;
      }
    }
    return turned;
  }

  *#catalogues() {
    for (const { own } of this.#programs.values()) yield* own.values();
  }
}

/** Every `const name = words('area', {key: 'text', ...})`. @param {any} tree @returns {Map<string, Catalogue>} */
function catalogues(tree) {
  const found = new Map();
  for (const node of nodesOf(tree)) {
    if (node.type !== 'VariableDeclarator' || node.init?.type !== 'CallExpression') continue;
    const [area, table] = node.init.arguments;
    if (node.init.callee.name !== 'words' || area?.type !== 'Literal' || table?.type !== 'ObjectExpression') continue;
    const isPlain = table.properties.every(
      (/** @type {any} */ one) => one.type === 'Property' && !one.computed && typeof one.value.value === 'string',
    );
    if (!isPlain) continue;
    const english = new Map(
      table.properties.map((/** @type {any} */ one) => [one.key.name ?? one.key.value, one.value.value]),
    );
    node.id.isNamed = true;
    found.set(node.id.name, { area: area.value, english, table: [table.start, table.end], stays: false });
  }
  return found;
}

/**
 * The catalogues that a file speaks of, by the names they have there.
 * @param {string} path @param {Program} program @param {Map<string, Program>} programs
 */
function known(path, program, programs) {
  const names = new Map(program.own);
  const later = [...nodesOf(program.tree)].filter(({ type }) => type === 'ImportExpression');
  for (const node of /** @type {any[]} */ ([...program.tree.body, ...later])) {
    const place = node.source?.value;
    const others = typeof place === 'string' ? programs.get(join(dirname(path), place))?.own : undefined;
    if (!others) continue;
    const isPlain =
      node.type === 'ImportDeclaration' && node.specifiers.every((/** @type {any} */ one) => one.imported);
    if (!isPlain) for (const catalogue of others.values()) catalogue.stays = true;
    for (const { imported, local } of isPlain ? node.specifiers : []) {
      const catalogue = others.get(imported.name);
      if (catalogue) names.set(local.name, catalogue);
    }
  }
  return names;
}

/**
 * Notes what to write instead of keys. A name that is used for anything but calls with keys, or choices between keys, keeps
 * its catalogue as it is.
 * @param {Program} program @param {Map<string, Catalogue>} names
 */
function replaceCalls(program, names) {
  if (names.size === 0) return;
  for (const node of nodesOf(program.tree)) {
    if (node.type === 'CallExpression' && names.has(node.callee.name)) {
      const catalogue = /** @type {Catalogue} */ (names.get(node.callee.name));
      const keys = keysIn(node.arguments[0]);
      if (!keys?.every(({ value }) => catalogue.english.has(value))) catalogue.stays = true;
      else program.edits.push(...keys.map(key => replacement(key, catalogue)));
    } else if (node.type === 'Identifier' && names.has(node.name) && !node.isNamed)
      /** @type {Catalogue} */ (names.get(node.name)).stays = true;
  }
  for (const catalogue of program.own.values()) {
    const [from, to] = catalogue.table;
    program.edits.push({ from, to, text: '{}', catalogue });
  }
}

/** @param {any} key @param {Catalogue} catalogue */
function replacement({ start, end, value }, catalogue) {
  return { from: start, to: end, text: JSON.stringify(catalogue.english.get(value)), catalogue };
}

/** The keys of which one is meant; undefined when they are not all there to read. @param {any} node @returns {any[] | undefined} */
function keysIn(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return [node];
  if (node?.type !== 'ConditionalExpression') return undefined;
  const [one, other] = [keysIn(node.consequent), keysIn(node.alternate)];
  return one && other && [...one, ...other];
}

/** Every node; identifiers that only name something there, or are called, carry `isNamed`. @param {any} node @returns {Generator<any>} */
function* nodesOf(node) {
  yield node;
  const naming = NAMING[/** @type {keyof typeof NAMING} */ (node.type)] ?? [];
  for (const [place, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (!child || typeof child.type !== 'string') continue;
      if (child.type === 'Identifier' && naming.includes(place) && !node.computed && !node.shorthand)
        child.isNamed = true;
      yield* nodesOf(child);
    }
  }
}

/** Where an identifier is no use of what it names. */
const NAMING = {
  MemberExpression: ['property'],
  Property: ['key'],
  PropertyDefinition: ['key'],
  MethodDefinition: ['key'],
  CallExpression: ['callee'],
  ImportSpecifier: ['imported', 'local'],
  ExportSpecifier: ['exported'],
};

/** @param {Program} program */
function edited({ code, edits }) {
  const wanted = edits.filter(edit => !edit.catalogue.stays).sort((a, b) => a.from - b.from);
  let text = '';
  let at = 0;
  for (const edit of wanted) {
    text += code.slice(at, edit.from) + edit.text;
    at = edit.to;
  }
  return text + code.slice(at);
}
