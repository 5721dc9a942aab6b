// What we ask of a running go2rtc, over its socket. Hides its addresses, its answers, and that its streams must be asked for in turn.
import { type Clock, NvrError } from '../core/index.ts';
import { parseJson } from './json.ts';
import { askSocket, LongAnswer, type SocketAnswer } from './socket-request.ts';
import { isSameSource } from './source-address.ts';
import type { StreamName, Words } from './state.ts';
import { readStream, readStreams, type StreamReport } from './stream-report.ts';
import { faultWords, NOT_KEPT, refusedWords, sourceFault } from './words.ts';

export interface ApiOptions {
  socketPath: string;
  username: string;
  password: string;
  clock: Pick<Clock, 'after'>;
}

/** Somebody else answers on our socket, or nobody who knows our login. */
export class ForeignAnswer extends Error {}

/** How a change of a source went. */
export type PatchResult = { state: 'kept' } | { state: 'refused'; words: Words };

/** What `Api` does, for those who use it. */
export interface HubApi {
  list(): Promise<Map<string, StreamReport>>;
  isLong(name: StreamName): Promise<boolean>;
  patch(name: StreamName, source: string): Promise<PatchResult>;
  answer(name: StreamName, offer: string): Promise<string>;
  frame(name: StreamName, kind: 'mp4' | 'jpeg'): Promise<Buffer>;
}

const STREAMS_MS = 2000;
/** Longer than go2rtc's own time for a camera (5 s) and the wait for a keyframe. */
const MEDIA_MS = 15_000;
const MOST_LIST_BYTES = 4 * 1024 * 1024;
const MOST_STREAM_BYTES = 256 * 1024;
const MOST_SDP_BYTES = 64 * 1024;
const MOST_FRAME_BYTES = 8 * 1024 * 1024;

export class Api implements HubApi {
  readonly #options: ApiOptions;
  readonly #authorization: string;
  /** Calls on /api/streams end the process when they meet (concurrent map access): one after the other. */
  #streamCalls: Promise<unknown> = Promise.resolve();

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#authorization = `Basic ${Buffer.from(`${options.username}:${options.password}`).toString('base64')}`;
  }

  /** All streams. Rejects with `unavailable`, LongAnswer among it, or ForeignAnswer. */
  list(): Promise<Map<string, StreamReport>> {
    return this.#inTurn(async () => {
      const { body } = expect(await this.#ask('GET', '/api/streams', MOST_LIST_BYTES));
      const streams = readStreams(parseJson(body.toString('utf8')));
      if (!streams) throw new ForeignAnswer('its list of streams cannot be read');
      return streams;
    });
  }

  /** Whether a stream alone is more than a camera has to tell. Rejects as `list`. */
  isLong(name: StreamName): Promise<boolean> {
    return this.#inTurn(() =>
      this.#ask('GET', `/api/streams?src=${encodeURIComponent(name)}`, MOST_STREAM_BYTES).then(
        () => false,
        (error: unknown) => {
          if (error instanceof LongAnswer) return true;
          throw error;
        },
      ),
    );
  }

  /** Makes a stream, or changes its source, and looks whether that happened. Rejects as `list`. */
  patch(name: StreamName, source: string): Promise<PatchResult> {
    return this.#inTurn(async () => {
      const query = `name=${encodeURIComponent(name)}&src=${encodeURIComponent(source)}`;
      const patched = await this.#ask('PATCH', `/api/streams?${query}`, MOST_STREAM_BYTES);
      if (patched.status === 400) return { state: 'refused', words: refusedWords(patched.body.toString('utf8')) };
      expect(patched);
      const shown = await this.#ask('GET', `/api/streams?src=${encodeURIComponent(name)}`, MOST_STREAM_BYTES);
      const stream = shown.status === 404 ? undefined : readStream(parseJson(expect(shown).body.toString('utf8')));
      return stream && mayHold(stream, source) ? { state: 'kept' } : { state: 'refused', words: NOT_KEPT };
    });
  }

  /** A browser's offer -> the answer. Rejects with words for the user of the browser. */
  async answer(name: StreamName, offer: string): Promise<string> {
    const { status, body } = await this.#ask('POST', `/api/webrtc?src=${name}`, MOST_SDP_BYTES, MEDIA_MS, offer);
    const text = body.toString('utf8');
    if (status >= 200 && status < 300 && text.startsWith('v=0')) return text;
    throw sourceError(status, text);
  }

  /** The next key picture. Rejects with words; an answer without content is none. */
  async frame(name: StreamName, kind: 'mp4' | 'jpeg'): Promise<Buffer> {
    const { status, body } = await this.#ask('GET', `/api/frame.${kind}?src=${name}`, MOST_FRAME_BYTES, MEDIA_MS);
    if (status === 200 && body.length > 0) return body;
    const text = status === 200 ? '' : body.toString('utf8', 0, 2000);
    if (/ffmpeg/.test(text)) {
      throw new NvrError('failed-precondition', 'go2rtc makes no JPEG of this stream', { cure: 'Ask for MP4.' });
    }
    throw sourceError(status, text);
  }

  #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const turn = this.#streamCalls.then(call);
    this.#streamCalls = turn.catch(() => undefined);
    return turn;
  }

  async #ask(
    method: string,
    path: string,
    mostBytes: number,
    timeoutMs = STREAMS_MS,
    body?: string,
  ): Promise<SocketAnswer> {
    const { socketPath, clock } = this.#options;
    // The name of a browser in it would get an empty answer for a picture.
    const headers = { 'User-Agent': 'Thimble', Authorization: this.#authorization };
    const answer = await askSocket({
      ...{ socketPath, method, path, mostBytes, timeoutMs, clock },
      headers: body === undefined ? headers : { ...headers, 'Content-Type': 'text/plain' },
      ...(body !== undefined && { body }),
    });
    if (answer.status === 401 || answer.status === 403) throw new ForeignAnswer('our login is not known');
    return answer;
  }
}

function expect(answer: SocketAnswer): SocketAnswer {
  if (answer.status !== 200) throw new ForeignAnswer(`status ${answer.status}`);
  return answer;
}

/** A connected producer shows the address that it dialled, which may be older, or the one that a camera named for ONVIF. */
function mayHold({ producers }: StreamReport, source: string): boolean {
  return producers.length === 1 && producers.every(one => one.isConnected || isSameSource(one.url, source) !== false);
}

function sourceError(status: number, text: string): NvrError {
  if (status === 404) return new NvrError('unavailable', 'go2rtc has no such stream', { cure: 'Try again.' });
  const { message, cure } = faultWords(text === '' ? 'closed' : sourceFault(text));
  return new NvrError('unavailable', message, { cure });
}
