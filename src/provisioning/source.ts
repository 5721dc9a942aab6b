// The text of a configuration file, and the refusals that point into it.
import { NvrError } from '../core/index.ts';

export class Source {
  /** As it is to be shown. */
  readonly path: string;
  readonly text: string;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  /** An `invalid-argument` that names file, line and column, both from 1. The text itself is never repeated: it may be a secret. */
  refuse(offset: number, message: string, cure: string, field?: string): NvrError {
    const before = this.text.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - (before.lastIndexOf('\n') + 1) + 1;
    return new NvrError('invalid-argument', `${this.path}, line ${line}, column ${column}: ${message}`, {
      cure,
      ...(field ? { field } : {}),
    });
  }
}
