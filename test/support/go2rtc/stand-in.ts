// A stand-in for go2rtc: a program that answers, fails and misbehaves like the real one, for machines that have none. It is one
// file that Node runs behind a launcher, so that it can be given to the service as "the binary".
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { tempDir } from '../temp.ts';

/** Everything is plain data; none of it reaches the program by its environment or the arguments of whoever runs it. */
export interface StandInOptions {
  /** Default 1.9.14. */
  version?: string;
  /** What `-version` prints instead of the usual line. */
  versionLine?: string;
  /** How long a second of its own waits lasts: the cut after 60 s, read and write limits, the steps between dials. Default 1. */
  timeScale?: number;
  /** Order of picture and sound in an answer to DESCRIBE. Default: random each time. */
  trackOrder?: 'random' | 'video-first' | 'audio-first';
  /** Ends with this fatal error instead of starting. */
  crashAtStart?: string;
  /** What goes wrong at its first starts, in turn: the RTSP port is taken, or nothing listens and nothing is said. */
  firstStarts?: ('port taken' | 'silence')[];
  /** A file that gets a line of JSON for each start (`Started`). */
  startLog?: string;
  /** Requests over the API behind so many are never answered. */
  silentAfterRequests?: number;
  /** A file that gets each request over its API as a line of JSON (`AskedCall`). */
  requestLog?: string;
  /** Counters of bytes are those of a 32-bit board that is about to wrap. */
  countersWrap?: boolean;
  leakMiBPerSecond?: number;
  /** So much of a core is burnt. */
  busyPercent?: number;
  /** Path of ffmpeg, which makes its snapshots. Default: found by PATH. */
  ffmpeg?: string;
}

export interface Started {
  pid: number;
  configPath: string;
  rtspListen: string;
  socketPath: string;
}

/** One request over its API. */
export interface AskedCall {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: string;
}

/** Path of an executable. SIGUSR2 lets it crash as two calls at once would. It is gone when the test process ends. */
export function standIn(options: StandInOptions = {}): string {
  const dir = tempDir('go2rtc');
  const program = join(dir, 'program.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('./process.ts', import.meta.url))],
    ...{ bundle: true, platform: 'node', target: 'node20', format: 'esm', outfile: program, logLevel: 'error' },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  const settings = join(dir, 'options.json');
  writeFileSync(settings, JSON.stringify(options));
  const launcher = join(dir, 'go2rtc');
  // `exec`: the process that is started is the program, with its id, signals and end.
  writeFileSync(launcher, `#!/bin/sh\nexec '${process.execPath}' '${program}' --stand-in '${settings}' "$@"\n`);
  chmodSync(launcher, 0o755);
  return launcher;
}
