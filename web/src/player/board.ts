// What players ask of the service and of the clock, so that they can be tried without either.
import type { ErrorBody, Gap } from '../../../src/api/contract.ts';
import type { call } from '../api.ts';
import type { onUpdate } from '../state.ts';

export type Got =
  | { is: 'ok'; bytes: Uint8Array<ArrayBuffer>; header(name: string): string | undefined }
  /** `status` 0: no answer. */
  | { is: 'error'; status: number; error?: ErrorBody['error']; gap?: Gap }
  | { is: 'aborted' };

export interface GetOptions {
  /** Which connections it may take: browsers have six of them. */
  lane: 'player' | 'pictures';
  signal?: AbortSignal;
  /** First and last byte. */
  range?: readonly [number, number];
}

/** What is used of a WebSocket. */
export interface LiveSocket {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  binaryType: string;
  close(): void;
}

export interface Board {
  /** Monotonic. */
  nowMs(): number;
  /** UTC by the service's clock. */
  utcMs(): number;
  /** `path` begins with `/api/`. Never rejects. */
  get(path: string, options: GetOptions): Promise<Got>;
  socket(path: string): LiveSocket;
  /** What pieces that are loaded later would otherwise take out of the first one, which then falls apart: 1.3 KB. */
  readonly call: typeof call;
  readonly onUpdate: typeof onUpdate;
}

/** 0.5 to 8 s, twice as long after each failure, each time another fifth more or less. */
export function retryDelayMs(failures: number, random: () => number = Math.random): number {
  return Math.min(500 * 2 ** Math.min(failures, 10), 8000) * (0.8 + 0.4 * random());
}
