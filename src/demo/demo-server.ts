// The two demo cameras of --demo: bundled clips behind our RTSP server.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, type Logger, systemClock } from '../core/index.ts';
import { readMp4File } from './mp4-file.ts';
import type { Mount } from './rtsp-connection.ts';
import { RtspServer } from './rtsp-server.ts';

export interface DemoServerOptions {
  log: Logger;
  /** Folder of the clips. Default: `clips` beside this file, which is right for the sources and for the bundle. */
  clipsDir?: string;
  /** Default: the system's. */
  clock?: Clock;
}

export interface DemoCamera {
  name: string;
  main: string;
  sub: string;
}

const CAMERAS = [
  { name: 'Demo 1', clip: 'yard' },
  { name: 'Demo 2', clip: 'hall' },
] as const;

export class DemoServer {
  readonly #log: Logger;
  readonly #clipsDir: string;
  readonly #mounts = new Map<string, Mount>();
  readonly #server: RtspServer;

  constructor(options: DemoServerOptions) {
    this.#log = options.log;
    this.#clipsDir = options.clipsDir ?? fileURLToPath(new URL('./clips/', import.meta.url));
    this.#server = new RtspServer({ log: options.log, clock: options.clock ?? systemClock, mounts: this.#mounts });
  }

  /** Reads the clips (0.2 MB, kept in memory) and listens on 127.0.0.1 at a port chosen by the system. */
  async start(signal: AbortSignal): Promise<void> {
    for (const { clip } of CAMERAS) {
      for (const stream of ['main', 'sub'] as const) {
        const path = `${clip}/${stream}`;
        if (this.#mounts.has(path)) continue;
        const content = await readMp4File(join(this.#clipsDir, `${clip}-${stream}.mp4`));
        this.#mounts.set(path, { clipOf: () => content });
      }
    }
    await this.#server.start(signal);
    this.#log.info('demo cameras are ready', { port: this.#server.port });
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  /** Right only after `start`, as the port is part of the addresses. */
  get urls(): DemoCamera[] {
    return CAMERAS.map(({ name, clip }) => ({
      name,
      main: this.#server.url(`${clip}/main`),
      sub: this.#server.url(`${clip}/sub`),
    }));
  }
}
