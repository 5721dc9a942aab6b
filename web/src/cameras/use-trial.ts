// Trying a camera before it is added: over ONVIF, which says where its streams are, then each stream, and what is wrong on the way.
import { useRef, useState } from 'preact/hooks';
import type { OnvifProbe, ProbeInput, ProbeResult } from '../../../src/api/contract.ts';
import { type ApiError, call } from '../api.ts';
import type { Stream, Tried } from './tried-streams.tsx';
import { type Where, wayOf } from './where.ts';

/** What is asked over ONVIF takes several questions. */
const TIME_LIMIT_MS = 40_000;

export interface Trial {
  busy: boolean;
  /** At a field of the form, or of none of them. */
  error: { at: string; error: ApiError } | undefined;
  tried: Tried | undefined;
  /** What the camera says over ONVIF, and which of its channels it was asked for. */
  onvif: (OnvifProbe & { videoSource?: string }) | undefined;
  /** Why it does not work over ONVIF. */
  problem: ProbeResult['problem'];
  /** Wrong logins at this address so far. */
  wrongLogins: number;
  test(videoSource?: string): Promise<void>;
  swap(tried: Tried): void;
  /** Something was typed: of that the last test says nothing. */
  forget(): void;
}

type Found = Pick<Trial, 'error' | 'tried' | 'onvif' | 'problem'>;
const NOTHING: Found = { error: undefined, tried: undefined, onvif: undefined, problem: undefined };

export function useTrial(where: Where): Trial {
  const [found, setFound] = useState(NOTHING);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState({ address: '', count: 0 });
  const latest = useRef(where);
  latest.current = where;
  const note = (result: ProbeResult | undefined) => {
    if (result?.problem?.kind !== 'unauthorized') return;
    const { address } = where;
    setWrong(before => ({ address, count: before.address === address ? before.count + 1 : 1 }));
  };
  const test = async (videoSource?: string) => {
    if (busy) return;
    setBusy(true);
    setFound(NOTHING);
    const outcome = await tryOut(where, videoSource, note);
    setBusy(false);
    // Of what was typed meanwhile it says nothing.
    if (latest.current === where) setFound({ ...NOTHING, ...outcome });
  };
  return {
    ...{ ...found, busy, test, wrongLogins: wrong.address === where.address ? wrong.count : 0 },
    swap: tried => setFound({ ...found, tried }),
    forget: () => setFound(NOTHING),
  };
}

/** One wrong password is enough: cameras lock accounts. */
async function tryOut(
  where: Where,
  videoSource: string | undefined,
  note: (result: ProbeResult | undefined) => void,
): Promise<Partial<Found>> {
  const way = wayOf(where);
  const login = { username: where.username || null, password: where.password || null };
  let found: Partial<Found> = {};
  const probe = async (input: object, at: string): Promise<ProbeResult | undefined> => {
    const body = { ...input, ...login } as ProbeInput;
    const answer = await call('POST /api/cameras/probe', { body }, { timeLimitMs: TIME_LIMIT_MS });
    if (answer.is === 'error') {
      const { field = '' } = answer.error;
      found = { ...found, error: { at: /^url$|^onvif/.test(field) ? at : field, error: answer.error } };
    }
    const result = answer.is === 'ok' ? answer.value : undefined;
    note(result);
    return result;
  };
  const stream = async (url: string, at: string): Promise<Stream | undefined> => {
    const result = await probe({ url, transport: where.transport }, at);
    return result && { url, result };
  };
  let urls: { main?: string | undefined; sub?: string | undefined } = {};
  if (way.is === 'onvif') {
    const channel = videoSource === undefined ? {} : { videoSource };
    const answer = await probe({ onvif: { address: way.address, ...channel } }, 'address');
    if (!answer?.onvif) return { ...found, problem: answer?.problem };
    const { main, sub } = answer.onvif.streams;
    found = { onvif: { ...answer.onvif, ...channel } };
    urls = { main: main?.url, sub: sub?.url };
  } else urls = way;
  const main = urls.main ? await stream(urls.main, 'address') : undefined;
  const sub = main?.result.ok && urls.sub ? await stream(urls.sub, 'sub') : undefined;
  return { ...found, ...(main ? { tried: { main, ...(sub ? { sub } : {}) } } : {}) };
}
