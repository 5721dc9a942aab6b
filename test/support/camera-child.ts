// Starts and commands cameras that run as child processes (camera-process.ts).
import { fileURLToPath } from 'node:url';
import type { Camera, CameraOptions, Fault, SentUnit } from './camera.ts';
import { Child } from './child.ts';

const PROGRAM = fileURLToPath(new URL('./camera-process.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A camera that SIGSTOP freezes and SIGKILL kills. `stopChildren` of child.ts ends it. */
export class CameraChild {
  readonly child: Child;
  readonly url: string;
  readonly port: number;
  #answers = 1;

  private constructor(child: Child, at: { port: number; url: string }) {
    this.child = child;
    this.url = at.url;
    this.port = at.port;
  }

  static async start(options: CameraOptions): Promise<CameraChild> {
    const child = new Child(process.execPath, ['--import', 'tsx', PROGRAM, JSON.stringify(options)], { cwd: ROOT });
    return new CameraChild(child, await child.line(line => JSON.parse(line) as { port: number; url: string }));
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async inject(fault: Fault): Promise<void> {
    await this.#ask(fault);
  }

  /** What it sent until now. */
  async report(): Promise<{ sent: SentUnit[]; requests: Camera['requests'] }> {
    return (await this.#ask('report')) as { sent: SentUnit[]; requests: Camera['requests'] };
  }

  async stop(): Promise<void> {
    await this.child.stop();
  }

  async #ask(command: Fault | 'report'): Promise<unknown> {
    const place = this.#answers++;
    this.child.process.stdin?.write(`${JSON.stringify(command)}\n`);
    return this.child.line(() => {
      const line = this.child.stdout[place];
      return line === undefined ? undefined : (JSON.parse(line) as unknown);
    });
  }
}
