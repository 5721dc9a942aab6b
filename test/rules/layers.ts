// The one-way order of src/: who may import whom, through which door, and that nothing goes round in a circle.
import { posix } from 'node:path';
import { importsOf, type TextFile } from './tree.ts';

/** A folder imports only lower rows, never its own. */
export const ROWS: Readonly<Record<string, number>> = {
  core: 0,
  native: 1,
  storage: 1,
  go2rtc: 1,
  onvif: 1,
  demo: 1,
  accounts: 2,
  cameras: 2,
  recording: 3,
  detection: 3,
  restream: 3,
  events: 4,
  webrtc: 4,
  mqtt: 5,
  api: 6,
  maintenance: 6,
  provisioning: 6,
  cloud: 6,
  main: 7,
};

/** Modules that the service must do without, and why. */
const COSTLY: Readonly<Record<string, string>> = {
  ws: 'costs about 10 MB; use the server of src/api',
  'node:worker_threads': 'a worker costs about 12 MB; threads live in the addon',
  'node:console': 'use the log',
};

/** Breaches of the order among files below src/ and web/; each a sentence that begins with the file. */
export function layerBreaches(files: TextFile[]): string[] {
  return files.flatMap(file =>
    importsOf(file.text).flatMap(({ specifier, typeOnly }) => {
      const breach = file.path.startsWith('web/')
        ? webBreach(file.path, specifier, typeOnly)
        : sourceBreach(file.path, specifier);
      return breach ? [`${file.path} imports ${specifier}: ${breach}`] : [];
    }),
  );
}

function webBreach(path: string, specifier: string, typeOnly: boolean): string | undefined {
  const target = resolve(path, specifier);
  if (!target?.startsWith('src/')) return undefined;
  if (target === 'src/api/contract.ts' && typeOnly) return undefined;
  return 'web/ takes one thing from the service, "import type" of src/api/contract.ts, so that no service code reaches the browser';
}

function sourceBreach(path: string, specifier: string): string | undefined {
  const own = folderOf(path);
  const target = resolve(path, specifier);
  if (!target) return COSTLY[specifier];
  if (target === 'package.json')
    return own === 'main' ? undefined : 'only main knows the package; it hands the version on';
  if (!target.startsWith('src/')) return 'src/ depends on nothing outside it';
  const other = folderOf(target);
  if (other === own) return undefined;
  const [from, to] = [ROWS[own], ROWS[other]];
  if (from === undefined || to === undefined)
    return `"${from === undefined ? own : other}" has no row in the layer table`;
  if (to >= from)
    return `row ${from} may import lower rows only, and ${other} is row ${to}; upwards and sideways go events`;
  if (target !== `src/${other}/index.ts`)
    return `the door of ${other} is its index.ts; what lies behind may change freely`;
  return undefined;
}

/** Circles of imports, each once, as "a -> b -> a". */
export function importCircles(files: TextFile[]): string[] {
  const known = new Set(files.map(file => file.path));
  const edges = new Map(
    files.map(({ path, text }) => {
      const targets = importsOf(text).map(({ specifier }) => resolve(path, specifier));
      return [path, targets.filter(target => target !== undefined && known.has(target)) as string[]];
    }),
  );
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) circles.push([...trail.slice(at), path].join(' -> '));
    if (at >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return circles;
}

/** Path in the checkout, or undefined for packages and Node's modules. */
function resolve(path: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.normalize(posix.join(posix.dirname(path), specifier)) : undefined;
}

function folderOf(path: string): string {
  const [, folder = '', rest] = path.split('/');
  return rest === undefined ? folder.replace(/\.ts$/, '') : folder;
}
