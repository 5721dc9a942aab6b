// Home Assistant as a child process: the real one, where a Python that has it is named by HOMEASSISTANT_PYTHON.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import { freePort } from './free-port.ts';
import { tempDir } from './temp.ts';

const PYTHON = process.env.HOMEASSISTANT_PYTHON;
const PROGRAM = fileURLToPath(new URL('./home_assistant.py', import.meta.url));

/** Why there is none; undefined when there is. */
export function homeAssistantProblem(): string | undefined {
  if (PYTHON === undefined) return 'HOMEASSISTANT_PYTHON names no Python with Home Assistant';
  const { status } = spawnSync(PYTHON, ['-c', 'import homeassistant.core, paho.mqtt'], { stdio: 'ignore' });
  return status === 0 ? undefined : `${PYTHON} has no Home Assistant, or no paho-mqtt`;
}

/** One of its entities, as its own registries and states have it. */
export interface HomeEntity {
  entity: string;
  uniqueId: string;
  name: string | null;
  category: string | null;
  device: string | null;
  /** The device through which it is reached. */
  via: string | null;
  version: string | null;
  state: string | null;
  attributes: Record<string, unknown> | null;
}

export class HomeAssistant {
  readonly version: string;
  readonly #child: Child;
  #answered: number;

  private constructor(child: Child, version: string) {
    this.#child = child;
    this.version = version;
    this.#answered = child.stdout.length;
  }

  /** Resolves when it has started. `folder`: of a run before. */
  static async start(brokerPort: number, folder: string = tempDir('home')): Promise<HomeAssistant> {
    const child = new Child(PYTHON ?? '', [PROGRAM, folder, String(brokerPort), String(await freePort())]);
    const { version } = await child.line(line => JSON.parse(line) as { version: string }, 120_000);
    return new HomeAssistant(child, version);
  }

  async states(): Promise<{ entities: HomeEntity[]; told: string[] }> {
    return await this.#ask({ do: 'states' });
  }

  /** Rejects with what it says against it. */
  async call(service: string, data: object): Promise<void> {
    const { error } = await this.#ask<{ error?: string }>({ do: 'call', service, data });
    if (error !== undefined) throw new Error(`${service}: ${error}`);
  }

  /** Asks each 100 ms until `done` holds; rejects with the entities as they are. */
  async until(what: string, done: (entities: HomeEntity[]) => boolean, limitMs = 60_000): Promise<HomeEntity[]> {
    for (const deadline = Date.now() + limitMs; ; ) {
      const { entities, told } = await this.states();
      if (done(entities)) return entities;
      if (Date.now() > deadline) {
        const lines = entities.map(({ entity, state }) => `${entity} ${state}`);
        throw new Error(`${what}: not within ${limitMs} ms\n${[...lines, ...told].join('\n')}`);
      }
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }

  async stop(): Promise<void> {
    this.#child.process.stdin?.end();
    await this.#child.stop(20_000);
  }

  async #ask<T>(request: object): Promise<T> {
    const number = this.#answered++;
    this.#child.process.stdin?.write(`${JSON.stringify(request)}\n`);
    let seen = 0;
    return await this.#child.line(line => (seen++ < number ? undefined : (JSON.parse(line) as T)), 30_000);
  }
}
