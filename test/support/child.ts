// Child processes of tests: their output by lines, and the certainty that none of them outlives the test process.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const living = new Set<Child>();
process.once('exit', killAll);

/** A running program. Its lines are kept; whoever waits for one hears it at once. */
export class Child {
  readonly process: ChildProcess;
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Resolves when the process is gone and its output is read. */
  readonly exited: Promise<Exit>;
  #exit: Exit | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    living.add(this);
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    this.exited = this.#watch(command);
    this.#collect(this.process.stdout, this.stdout);
    this.#collect(this.process.stderr, this.stderr);
    this.process.stdin?.on('error', () => {});
  }

  get pid(): number {
    const { pid } = this.process;
    if (pid === undefined) throw new Error('the program could not be started');
    return pid;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** Sends a signal; nothing happens when the process is gone. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.process.kill(signal);
  }

  /** SIGTERM, and SIGKILL after `graceMs`. A stopped process (SIGSTOP) is continued first. */
  async stop(graceMs = 5000): Promise<Exit> {
    this.kill('SIGCONT');
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The first line of stdout, also an old one, for which `pick` returns something. Rejects when the process ends before. */
  async line<T>(pick: (line: string) => T | undefined, timeoutMs = 10_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (let at = 0; ; ) {
      for (; at < this.stdout.length; at++) {
        const picked = pick(this.stdout[at] ?? '');
        if (picked !== undefined) return picked;
      }
      if (!this.running) throw new Error(`the program ended without saying it: ${this.#tail()}`);
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw new Error(`not said within ${timeoutMs} ms: ${this.#tail()}`);
      await this.#news(leftMs);
    }
  }

  #news(withinMs: number): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, withinMs);
      this.#waiting.add(wake);
    });
  }

  #collect(stream: NodeJS.ReadableStream | null, lines: string[]): void {
    if (!stream) return;
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', line => {
      lines.push(line);
      for (const wake of [...this.#waiting]) wake();
    });
  }

  async #watch(command: string): Promise<Exit> {
    try {
      const [code, signal] = (await once(this.process, 'close')) as [number | null, NodeJS.Signals | null];
      this.#exit = { code, signal };
    } catch (error) {
      this.stderr.push(`cannot start ${command}: ${String(error)}`);
      this.#exit = { code: null, signal: null };
    }
    living.delete(this);
    for (const wake of [...this.#waiting]) wake();
    return this.#exit;
  }

  #tail(): string {
    return [...this.stdout.slice(-5), ...this.stderr.slice(-20)].join('\n');
  }
}

/** Stops everything that still runs; for the `after` hook of a suite. */
export async function stopChildren(): Promise<void> {
  await Promise.all([...living].map(child => child.stop()));
}

function killAll(): void {
  for (const child of living) child.process.kill('SIGKILL');
}

/** Runs a program to its end. Rejects when it fails, with what it said. */
export async function run(
  command: string,
  args: readonly string[],
  timeoutMs = 120_000,
): Promise<{ stdout: string; stderr: string }> {
  const child = new Child(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const { code, signal } = await child.exited;
  clearTimeout(timer);
  if (code !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}: ${child.stderr.slice(-20).join('\n')}`);
  }
  return { stdout: child.stdout.join('\n'), stderr: child.stderr.join('\n') };
}
