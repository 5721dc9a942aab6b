// Words and child processes for the scripts: one line a step on stderr, the output of a child only when it failed.
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** One line for people; stdout belongs to the service. @param {string} text */
export function say(text) {
  process.stderr.write(`thimble: ${text}\n`);
}

/** Ends a script with a message for people. */
export class SetupError extends Error {
  /** @param {string} message @param {number} [exitCode] 2 = the reader has something to do first */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Prints what a script threw and leaves with its code. @param {unknown} error @returns {never} */
export function giveUp(error) {
  if (error instanceof SetupError) {
    say(error.message);
    process.exit(error.exitCode);
  }
  throw error;
}

/**
 * Runs a program to its end in the checkout, its output kept back. Throws a SetupError, after printing the whole output, when it fails.
 * @param {string} what names the step in the error
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
export function run(what, program, args, env = process.env) {
  const options = { cwd: root, env, encoding: /** @type {const} */ ('utf8'), maxBuffer: 64 << 20 };
  const child = spawnSync(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.status === 0) return;
  process.stderr.write(`${child.stdout ?? ''}${child.stderr ?? ''}`);
  const how = child.error?.message ?? (child.signal ? `ended by ${child.signal}` : `exit code ${child.status}`);
  throw new SetupError(`${what} failed (${how}); its output stands above.`);
}

/** True when the program runs and succeeds; nothing is printed. @param {string} program @param {string[]} args */
export function succeeds(program, args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
