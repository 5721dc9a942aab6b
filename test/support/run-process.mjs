// Runs one program of the test run in a process group of its own: bounded in time and output, and nothing of it is left
// behind.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Output kept of one program; the oldest goes first. */
const OUTPUT_MAX = 4 << 20;

/** Time that children of a program have to go after it. */
const LEFTOVER_GRACE_MS = 2000;

/**
 * @typedef {object} Outcome
 * @property {string} output stdout and stderr as they came
 * @property {number | null} exitCode null when a signal ended it
 * @property {NodeJS.Signals | null} signal
 * @property {boolean} timedOut
 * @property {string[]} leftovers processes that it left running, by command line; they are killed
 * @property {number} ms
 */

/** @type {Set<number>} */
const groups = new Set();

/** Kills everything that is under way; for signals. */
export function killAll() {
  for (const group of groups) killGroup(group);
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {{cwd: string, env?: NodeJS.ProcessEnv, limitMs: number, onStart?: (pid: number) => void}} options
 * @returns {Promise<Outcome>} rejects only when the program cannot be started
 */
export async function runProcess(program, args, { cwd, env = process.env, limitMs, onStart }) {
  const startedMs = performance.now();
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const group = child.pid;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      output = (output + text).slice(-OUTPUT_MAX);
    });
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (group !== undefined) killGroup(group);
  }, limitMs);
  if (group !== undefined) {
    groups.add(group);
    onStart?.(group);
  }
  try {
    const closed = new Promise(resolve => child.once('close', resolve));
    /** @type {[number | null, NodeJS.Signals | null]} */
    const [exitCode, signal] = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, by) => resolve([code, by]));
    });
    const leftovers = group === undefined || timedOut ? [] : await endGroup(group);
    await closed;
    return { output, exitCode, signal, timedOut, leftovers, ms: performance.now() - startedMs };
  } finally {
    clearTimeout(timer);
    if (group !== undefined) groups.delete(group);
  }
}

/** Waits a little for the group to empty, then kills what remains. @param {number} group @returns {Promise<string[]>} */
async function endGroup(group) {
  const deadline = performance.now() + LEFTOVER_GRACE_MS;
  let members = membersOf(group);
  while (members.length > 0 && performance.now() < deadline) {
    await new Promise(resolve => setTimeout(resolve, 50));
    members = membersOf(group);
  }
  if (members.length > 0) killGroup(group);
  return members;
}

/** Command lines of the living processes of a group; zombies do not count. @param {number} group @returns {string[]} */
function membersOf(group) {
  return processes().flatMap(one => {
    try {
      if (one.group !== group) return [];
      return [readFileSync(`/proc/${one.pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || String(one.pid)];
    } catch {
      return []; // gone meanwhile
    }
  });
}

/** All that live. @returns {{pid: number, parent: number, group: number}[]} */
function processes() {
  return readdirSync('/proc').flatMap(pid => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return fields[0] === 'Z' ? [] : [{ pid: Number(pid), parent: Number(fields[1]), group: Number(fields[2]) }];
    } catch {
      return []; // gone meanwhile
    }
  });
}

/**
 * With those that its processes have begun in groups of their own, as ninja does with compilers: one that goes on would write its
 * object over that of a later build. Stopped first, so that it begins no more. @param {number} group
 */
function killGroup(group) {
  signal(group, 'SIGSTOP');
  const all = processes();
  const below = new Set(all.filter(one => one.group === group).map(({ pid }) => pid));
  for (const pid of below) for (const one of all) if (one.parent === pid) below.add(one.pid);
  const groupsBelow = new Set(all.filter(({ pid }) => below.has(pid)).map(one => one.group));
  for (const one of [group, ...groupsBelow]) signal(one, 'SIGKILL');
}

/** @param {number} group @param {NodeJS.Signals} name */
function signal(group, name) {
  try {
    process.kill(-group, name);
  } catch {
    // nobody left
  }
}
