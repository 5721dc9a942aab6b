// What a configuration file says, as a tree that knows where each thing stands in the text.

export type Tree = TreeScalar | TreeList | TreeMap;

export interface TreeScalar {
  kind: 'scalar';
  offset: number;
  value: string | number | boolean | null;
}

export interface TreeList {
  kind: 'list';
  offset: number;
  items: Tree[];
}

export interface TreeMap {
  kind: 'map';
  offset: number;
  entries: Map<string, { keyOffset: number; value: Tree }>;
}

/** Plain data; texts go through `text` first, with the place where they stand. */
export function toData(tree: Tree, text: (value: string, offset: number) => string): unknown {
  if (tree.kind === 'list') return tree.items.map(item => toData(item, text));
  if (tree.kind === 'scalar') return typeof tree.value === 'string' ? text(tree.value, tree.offset) : tree.value;
  const data: Record<string, unknown> = {};
  for (const [key, { value }] of tree.entries) {
    // Not by assignment: `__proto__` is a key like any other, to be refused as unknown.
    const entry = { value: toData(value, text), enumerable: true, configurable: true, writable: true };
    Object.defineProperty(data, key, entry);
  }
  return data;
}

/** What stands at a path like `cameras.door.main.url`, or the nearest thing around it when there is no such field. */
export function find(tree: Tree, field: string): { offset: number; found: Tree | undefined } {
  let here = tree;
  let offset = tree.offset;
  let rest = field;
  while (rest !== '') {
    const step = next(here, rest);
    if (!step) return { offset, found: undefined };
    here = step.value;
    offset = step.offset;
    rest = step.rest;
  }
  return { offset, found: here };
}

function next(tree: Tree, path: string): { value: Tree; offset: number; rest: string } | undefined {
  if (tree.kind === 'scalar') return undefined;
  const steps =
    tree.kind === 'list'
      ? tree.items.map((value, index) => [String(index), { keyOffset: value.offset, value }] as const)
      : tree.entries;
  // Keys may hold dots themselves.
  for (const [key, { keyOffset, value }] of steps) {
    if (path === key || path.startsWith(`${key}.`)) {
      return { value, offset: keyOffset, rest: path.slice(key.length + 1) };
    }
  }
  return undefined;
}
