// Cameras on an RTSP server that we did not write: GStreamer's, as a child process (gst_camera.py), with looping clips.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';

export interface GstMount {
  /** A plain MP4 file. */
  clip: string;
  /** Default true: the file's AAC track is played as well and must exist. */
  audio?: boolean;
  /** Instead of the file's sound: a beep of 10 ms and 1 kHz at each whole second, in this codec. */
  ticks?: 'pcma' | 'pcmu' | 'l16' | 'opus';
  /** It sends over UDP only. */
  udp?: boolean;
}

export interface GstOptions {
  mounts: Record<string, GstMount>;
  /** Largest RTP packet; default 1400. */
  mtu?: number;
  /** Default: chosen by the system. */
  port?: number;
}

const PROGRAM = fileURLToPath(new URL('./gst_camera.py', import.meta.url));
/** Debian's own interpreter: its packages hold the bindings, other Pythons on PATH do not see them. */
const PYTHON = '/usr/bin/python3';

/** Why GStreamer's server cannot run here; undefined when it can. */
export function gstProblem(): string | undefined {
  const check =
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer, GstApp";
  const { status } = spawnSync(PYTHON, ['-c', check], { stdio: 'ignore' });
  return status === 0 ? undefined : 'python3-gi and gir1.2-gst-rtsp-server-1.0 are not installed';
}

export class GstCameras {
  readonly child: Child;
  readonly port: number;

  private constructor(child: Child, port: number) {
    this.child = child;
    this.port = port;
  }

  /** Resolves when it listens. `stopChildren` of child.ts ends it, as `stop` does. */
  static async start(options: GstOptions): Promise<GstCameras> {
    const child = new Child(PYTHON, [PROGRAM, JSON.stringify(options)]);
    const { port } = await child.line(line => JSON.parse(line) as { port: number }, 30_000);
    return new GstCameras(child, port);
  }

  url(mount: string): string {
    return `rtsp://127.0.0.1:${this.port}/${mount}`;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async stop(): Promise<void> {
    await this.child.stop(2000);
  }
}
