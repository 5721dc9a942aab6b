// Rules about files as such: length, names, what must not stand in them, links of the documents.
import { posix } from 'node:path';
import { type TextFile, withoutComments } from './tree.ts';

const WALL = 500;

/** Paths that may be longer, with the reason. */
const LONG_FILES: Readonly<Record<string, string>> = {};

export function tooLong(files: TextFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - 1;
    return lines > WALL && !(path in LONG_FILES)
      ? [`${path} has ${lines} lines: ${WALL} is the wall; split it by what it hides`]
      : [];
  });
}

const EMPTY_WORDS = ['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager', 'base', 'new', 'unified'];

export function emptyNames(paths: string[]): string[] {
  return paths.flatMap(path => {
    const words = path.split(/[/._-]/);
    const bad = words.find(word => EMPTY_WORDS.includes(word.toLowerCase()) || /^v\d+$/i.test(word));
    return bad ? [`${path}: "${bad}" says nothing; name the file after what it defines`] : [];
  });
}

/** Breaches that are meant, as "path: what stands there" -> reason. */
const MEANT: Readonly<Record<string, string>> = {
  'src/storage/probe.ts: process.exit': 'it ends the probe, whose program the file holds as text',
  'src/native/index.ts: let loaded': 'the addon is loaded once per process, whoever asks first',
};

/** For src/: `console`, `process.env` and `process.exit` outside main.ts, `fetch`, and mutable state at the top level. */
export function sourceBreaches(files: TextFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const code = withoutComments(text);
    const breaches: string[] = [];
    const ban = (pattern: RegExp, reason: string) => {
      for (const [match] of code.matchAll(pattern))
        if (!(`${path}: ${match}` in MEANT)) breaches.push(`${path}: ${match}: ${reason}`);
    };
    ban(/\bconsole\./g, 'use the log, which hides secrets');
    ban(/(?<![.\w#])fetch\(/g, 'costs about 12 MB; use node:http');
    if (path !== 'src/main.ts') {
      ban(/\bprocess\.env\b/g, 'only main.ts knows the environment; take an option');
      ban(/\bprocess\.(exit|abort)\b/g, 'only main.ts ends the process; throw or report');
    }
    const state =
      /^(?:export )?(?:let|var) \w+|^(?:export )?const \w+(?:: (?!Readonly|readonly)[^=\n]+)? = (?:new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\);|new Array\b|\[\];|\{\};)/gm;
    ban(state, 'state at the top level outlives what it belongs to; put it into an object, or call it readonly');
    return breaches;
  });
}

/** Absolute places of one machine. */
export function machinePaths(files: TextFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(/(?<![\w.$})~*-])\/(?:work|root|home)(?=[/\s'"`)]|$)[^\s'"`)]*/gm)].map(
      ([place]) => `${path}: ${place}: the project stands alone, wherever it lies`,
    ),
  );
}

/** Paths taken from a URL as they stand there: escaped, so that they miss their file when the checkout's path has a blank in it. */
export function escapedPaths(files: TextFile[]): string[] {
  return files
    .filter(({ text }) => /import\.meta\.url\)\s*\.pathname\b/.test(withoutComments(text)))
    .map(({ path }) => `${path}: .pathname of a file URL is escaped ("%20"): use fileURLToPath`);
}

const STAGES = ['rules', 'unit', 'integration', 'e2e'];

/** Test files that the runner would not find, or that would not run. */
export function idleTests(files: TextFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const [top = '', stage = ''] = path.split('/');
    const code = withoutComments(text);
    const breaches: string[] = [];
    if (top !== 'test' || !STAGES.includes(stage)) breaches.push(`${path}: no stage of test/run.mjs looks there`);
    if (!/\.run\(\)/.test(code)) breaches.push(`${path}: nothing in it calls .run(), so nothing runs`);
    if (!/support\/suite\.ts'/.test(code)) breaches.push(`${path}: tests go through test/support/suite.ts`);
    if (/^import .*from 'uvu'/m.test(code))
      breaches.push(`${path}: uvu alone passes silently; take test/support/suite.ts`);
    return breaches;
  });
}

/** Links between the documents that lead nowhere. `exists` is asked for paths in the checkout. */
export function brokenLinks(documents: TextFile[], exists: (path: string) => boolean): string[] {
  return documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (/^[a-z]+:/.test(link)) return [];
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file));
      if (!exists(target)) return [`${path}: ${link} leads nowhere`];
      const page = documents.find(document => document.path === target);
      if (anchor && page && !headings(page.text).includes(anchor)) return [`${path}: ${link}: no such heading`];
      return [];
    }),
  );
}

/** Anchors as GitHub makes them. */
function headings(text: string): string[] {
  return [...text.matchAll(/^#+ +(.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
