// The service as players see it in a browser: lanes, time limits and logging in again as for every other request.
import type { NoKeyframe } from '../../../src/api/contract.ts';
import { below, call, lanes, socketAddress } from '../api.ts';
import { takeEarly } from '../early.ts';
import { signInAgain } from '../sign-in.ts';
import { onUpdate } from '../state.ts';
import { now } from '../zone.ts';
import type { Board, GetOptions, Got, LiveSocket } from './board.ts';

const TIME_LIMIT_MS = 15_000;

export const httpBoard: Board = {
  nowMs: () => performance.now(),
  utcMs: () => now(),
  async get(path, options) {
    const first = await attempt(path, options);
    if (first.is !== 'error' || first.status !== 401 || !(await signInAgain())) return first;
    return attempt(path, options);
  },
  socket: path => new WebSocket(socketAddress(below(path))) as LiveSocket,
  call,
  onUpdate,
};

async function attempt(path: string, { lane, signal, range }: GetOptions): Promise<Got> {
  const limit = new AbortController();
  const cut = () => limit.abort();
  const early = range ? undefined : takeEarly(below(path), limit.signal);
  // What is under way already waits for no lane.
  const leave = early ? () => {} : await lanes[lane].enter(signal);
  if (!leave) return { is: 'aborted' };
  const timer = window.setTimeout(cut, TIME_LIMIT_MS);
  signal?.addEventListener('abort', cut);
  try {
    const asked = {
      headers: range ? { Range: `bytes=${range[0]}-${range[1]}` } : {},
      signal: limit.signal,
      cache: 'no-store',
    } as const;
    const response = await (early ?? fetch(below(path), asked));
    if (!response.ok) return await refusal(response);
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { is: 'ok', bytes, header: name => response.headers.get(name) ?? undefined };
  } catch {
    return signal?.aborted ? { is: 'aborted' } : { is: 'error', status: 0 };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cut);
    leave();
  }
}

async function refusal(response: Response): Promise<Got> {
  const { status } = response;
  try {
    const { error, gap } = (await response.json()) as NoKeyframe;
    return { is: 'error', status, error, ...(gap ? { gap } : {}) };
  } catch {
    return { is: 'error', status };
  }
}
