// Whether what was answered is what the contract says: no field less, and none more.
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { ANSWERS } from '../../src/api/answers.ts';

/** One sentence each; `name` is that of the route. Answers without JSON have no faults. */
export function contractFaults(name: string, status: number, text: string): string[] {
  const schema = (ANSWERS as Record<string, v.GenericSchema>)[name];
  if (!schema || status < 200 || status >= 300 || text === '') return [];
  const told: unknown = JSON.parse(text);
  const result = v.safeParse(schema, told);
  if (!result.success) {
    return result.issues.map(issue => `${name}: ${v.getDotPath(issue)}: ${issue.message}`);
  }
  return isDeepStrictEqual(result.output, told)
    ? []
    : [
        `${name}: more than the contract has: ${text.slice(0, 500)} instead of ${JSON.stringify(result.output).slice(0, 500)}`,
      ];
}
