// The command that installs go2rtc: what it says while it works, and in the end.
import { type InstallOptions, installGo2rtc } from '../go2rtc/index.ts';

export interface InstallByHand extends Omit<InstallOptions, 'onProgress'> {
  write: (text: string) => void;
  /** Somebody watches: shows how much has come. */
  human: boolean;
}

const TELL_MS = 200;

/** Rejects as `installGo2rtc`. */
export async function installByHand({ write, human, ...options }: InstallByHand): Promise<void> {
  let toldMs = Number.NEGATIVE_INFINITY;
  const onProgress = (receivedBytes: number, sizeBytes: number | undefined) => {
    const nowMs = options.clock.monotonicMs();
    if (!human || nowMs - toldMs < TELL_MS) return;
    toldMs = nowMs;
    write(`\r${megabytes(receivedBytes)}${sizeBytes === undefined ? '' : ` of ${megabytes(sizeBytes)}`} MB`);
  };
  const { version, path, changed } = await installGo2rtc({ ...options, onProgress });
  write(`${human ? '\r' : ''}go2rtc ${version} ${changed ? 'is installed' : 'was there already'}: ${path}\n`);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
