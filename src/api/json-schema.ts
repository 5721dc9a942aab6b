// JSON Schema (2020-12) of what a valibot schema takes: what our schemas are made of, and no more.
import type * as v from 'valibot';

export type JsonSchema = { [key: string]: unknown };

/** The inside of valibot's schemas and actions, as far as it is looked at. */
interface Node {
  kind: 'schema' | 'validation' | 'transformation' | 'metadata';
  type: string;
  pipe?: Node[];
  entries?: Record<string, Node>;
  wrapped?: Node;
  default?: unknown;
  item?: Node;
  items?: Node[];
  options?: unknown[];
  literal?: unknown;
  value?: Node;
  requirement?: unknown;
  title?: string;
}

/** Shapes that have a name (`v.title`), by that. */
export type Components = Map<string, JsonSchema>;

/**
 * Shapes with a name are put into `components`, and referred to. Throws for a schema that is made of something else: then it is to be
 * learnt here.
 */
export function jsonSchema(schema: v.GenericSchema, components: Components = new Map()): JsonSchema {
  return ofNode(schema as unknown as Node, components);
}

/** Fields of an object schema with their schemas; none for a schema without fields. */
export function fieldsOf(schema: v.GenericSchema): { name: string; required: boolean; schema: JsonSchema }[] {
  const { entries = {} } = schema as unknown as Node;
  const none: Components = new Map();
  return Object.entries(entries).map(([name, node]) => ({
    ...{ name, required: !isOptional(node) },
    schema: ofNode(node, none),
  }));
}

function ofNode(node: Node, components: Components): JsonSchema {
  if (!node.pipe) return ofSchema(node, components);
  const [first, ...steps] = node.pipe as [Node, ...Node[]];
  const name = steps.find(step => step.type === 'title')?.title;
  if (name !== undefined && components.has(name)) return { $ref: `#/components/schemas/${name}` };
  let result = ofSchema(first, components);
  for (const [at, step] of steps.entries()) {
    // What comes behind a conversion says better what is meant: lists in a query, numbers as texts.
    if (step.kind === 'schema') result = ofNode(step, components);
    else if (step.type === 'transform' && isNumber(steps[at + 1])) result = { type: 'integer' };
    else if (step.kind === 'validation') Object.assign(result, ofValidation(step, result));
  }
  if (name === undefined) return result;
  components.set(name, result);
  return { $ref: `#/components/schemas/${name}` };
}

function isNumber(step: Node | undefined): boolean {
  return step?.type === 'min_value' && typeof step.requirement === 'number';
}

function isOptional({ type, pipe }: Node): boolean {
  const outer = pipe?.[0]?.type ?? type;
  return outer === 'optional' || outer === 'exact_optional' || outer === 'nullish';
}

function ofSchema(node: Node, components: Components): JsonSchema {
  const of = (inner: Node) => ofNode(inner, components);
  switch (node.type) {
    case 'string':
    case 'number':
    case 'boolean':
      return { type: node.type };
    case 'null':
      return { type: 'null' };
    case 'undefined':
    case 'unknown':
    case 'any':
      return {};
    case 'literal':
      return { const: node.literal };
    case 'picklist':
      return { enum: [...(node.options ?? [])] };
    case 'optional':
    case 'exact_optional':
      return { ...of(node.wrapped as Node), ...(node.default === undefined ? {} : { default: node.default }) };
    case 'nullable':
    case 'nullish':
      return { anyOf: [of(node.wrapped as Node), { type: 'null' }] };
    case 'union':
    case 'variant':
      return { anyOf: (node.options as Node[]).map(of) };
    case 'array':
      return { type: 'array', items: of(node.item as Node) };
    case 'tuple':
    case 'strict_tuple':
      return tuple(node.items ?? [], of);
    case 'record':
      return { type: 'object', additionalProperties: of(node.value as Node) };
    case 'strict_object':
    case 'object':
    case 'loose_object':
      return object(node.entries ?? {}, node.type === 'strict_object', of);
    case 'lazy':
    case 'custom':
      return {};
    default:
      throw new Error(`no JSON schema for ${node.type}`);
  }
}

type Convert = (node: Node) => JsonSchema;

function tuple(items: readonly Node[], of: Convert): JsonSchema {
  return { type: 'array', prefixItems: items.map(of), minItems: items.length, maxItems: items.length };
}

function object(entries: Record<string, Node>, isStrict: boolean, of: Convert): JsonSchema {
  const properties = Object.fromEntries(Object.entries(entries).map(([name, node]) => [name, of(node)]));
  const required = Object.keys(entries).filter(name => !isOptional(entries[name] as Node));
  return {
    type: 'object',
    properties,
    ...(required.length > 0 ? { required } : {}),
    ...(isStrict ? { additionalProperties: false } : {}),
  };
}

function ofValidation({ type, requirement }: Node, before: JsonSchema): JsonSchema {
  const isList = before.type === 'array';
  switch (type) {
    case 'min_length':
      return { [isList ? 'minItems' : 'minLength']: requirement };
    case 'max_length':
      return { [isList ? 'maxItems' : 'maxLength']: requirement };
    case 'length':
      return isList
        ? { minItems: requirement, maxItems: requirement }
        : { minLength: requirement, maxLength: requirement };
    case 'min_value':
      return { minimum: requirement };
    case 'max_value':
      return { maximum: requirement };
    case 'integer':
    case 'safe_integer':
      return { type: 'integer' };
    case 'regex': {
      const { source, flags } = requirement as RegExp;
      // JSON Schema knows no flags; those for unicode are implied.
      return flags.includes('i') ? {} : { pattern: source };
    }
    default:
      // Checks in code.
      return {};
  }
}
