// Checks foreign input against a valibot schema and says in words which field is wrong and what to write instead.
import * as v from 'valibot';
import { NvrError } from './errors.ts';
import { nearest } from './nearest.ts';

/**
 * The input with its defaults filled in. Throws `invalid-argument` with the field's path; the cure is the message that the
 * schema gives for it. Values are never repeated: they may be secrets. `objectCure`: how to write an object.
 */
export function parseInput<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  what = 'the input',
  objectCure = 'Send a JSON object.',
): v.InferOutput<S> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  // A misspelt field is also a missing one; its spelling is what helps.
  const issue = result.issues.find(isUnknownField) ?? result.issues[0];
  const field = issue.path?.map(item => String(item.key).slice(0, 64)).join('.') ?? '';
  const details = field === '' ? {} : { field };
  if (isUnknownField(issue)) {
    throw new NvrError('invalid-argument', `"${field}" is not a known field`, {
      ...details,
      cure: unknownFieldCure(schema, field),
    });
  }
  if (issue.input === undefined && field !== '') {
    throw new NvrError('invalid-argument', `"${field}" is missing`, {
      ...details,
      cure: cureOf(issue, schema, field, objectCure),
    });
  }
  throw new NvrError('invalid-argument', field === '' ? `${what} is not usable` : `"${field}" is not usable`, {
    ...details,
    cure: cureOf(issue, schema, field, objectCure),
  });
}

function isUnknownField(issue: v.BaseIssue<unknown>): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never';
}

/** A missing field is reported by the object that lacks it, in valibot's words; the words of the field itself say more. */
function cureOf(issue: v.BaseIssue<unknown>, schema: v.GenericSchema, field: string, objectCure: string): string {
  if (issue.type !== 'strict_object') return issue.message;
  if (issue.input !== undefined || field === '') return objectCure;
  const own = v.safeParse(schemaAt(schema, field.split('.')) ?? v.unknown(), undefined);
  if (own.success) return issue.message;
  return own.issues[0].type === 'strict_object' ? objectCure : own.issues[0].message;
}

function unknownFieldCure(schema: v.GenericSchema, field: string): string {
  const path = field.split('.');
  const name = path.pop() ?? '';
  const known = Object.keys(entriesOf(schemaAt(schema, path)) ?? {});
  const meant = nearest(name, known);
  if (meant) return `Did you mean "${[...path, meant].join('.')}"?`;
  return known.length > 0 ? `Known: ${known.join(', ')}.` : 'Leave it out.';
}

function schemaAt(schema: v.GenericSchema | undefined, path: readonly string[]): v.GenericSchema | undefined {
  let here = schema;
  for (const key of path) {
    const entries = entriesOf(here);
    here = entries && Object.hasOwn(entries, key) ? entries[key] : undefined;
  }
  return here;
}

/** The fields of an object schema, also through `optional` and `pipe`. */
function entriesOf(schema: v.GenericSchema | undefined): Record<string, v.GenericSchema> | undefined {
  const node = schema as { entries?: unknown; wrapped?: v.GenericSchema } | undefined;
  if (node?.wrapped) return entriesOf(node.wrapped);
  return node?.entries as Record<string, v.GenericSchema> | undefined;
}
