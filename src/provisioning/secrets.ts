// Values that do not stand in the configuration file itself: `${NAME}` from the environment, and passwords in files of their own.
import { isUtf8 } from 'node:buffer';
import { dirname, resolve } from 'node:path';
import { fromSystem, NvrError } from '../core/index.ts';
import { readBounded } from './read-bounded.ts';

const MAX_PASSWORD_BYTES = 4096;
const PLACEHOLDER = /\$\$\{|\$\{([^}]*)\}?/g;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The text with the values of variables in place of each `${NAME}`; `$${` stands for `${`. Throws `invalid-argument` naming the
 * variable when there is none; never repeats what it replaces.
 */
export function substitute(text: string, environment: Environment): string {
  return text.replace(PLACEHOLDER, (all, name: string | undefined) => {
    if (name === undefined) return '${';
    if (!all.endsWith('}') || !/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) {
      throw new NvrError('invalid-argument', '"${" does not begin the name of a variable', {
        cure: `Write \${NAME}, or $\${ where the characters themselves are meant.`,
      });
    }
    const value = environment[name];
    if (value) return value;
    throw new NvrError('invalid-argument', `the environment variable ${name} is not set`, {
      cure: `Set ${name}, or write $\${ where the characters themselves are meant.`,
    });
  });
}

/** What a password file holds, without line ends behind it. `path`: absolute, or relative to the folder of `configPath`. */
export async function readPassword(path: string, configPath: string): Promise<string> {
  const place = resolve(dirname(configPath), path);
  const content = await readBounded(place, MAX_PASSWORD_BYTES).catch((error: unknown) => {
    throw new NvrError('invalid-argument', fromSystem(error, `${place} cannot be read`).message, {
      cure: 'Write the path of a file that the service may read.',
    });
  });
  const password = content && isUtf8(content) ? content.toString('utf8').replace(/[\r\n]+$/, '') : '';
  if (password !== '') return password;
  throw new NvrError('invalid-argument', `${place} holds no password`, {
    cure: `Write the password into it, at most ${MAX_PASSWORD_BYTES} bytes of UTF-8.`,
  });
}
