// Tries a camera that is not added yet: connects, looks at its pictures for a moment, and says what is there or what is wrong.
import * as v from 'valibot';
import { type Clock, type Logger, NvrError } from '../core/index.ts';
import type { EngineEvent, LinkProblem } from '../native/index.ts';
import type { DiscoveryResult, OnvifProblem } from '../onvif/index.ts';
import type { StreamFacts } from './camera.ts';
import { loginSchemas, transportSchema, urlSchema } from './camera-schema.ts';
import { parseCameraUrl } from './camera-url.ts';
import type { Explanation, Hub, NoRoute, Route, StreamKey, StreamSource } from './hub.ts';
import { OnvifProber } from './onvif-probe.ts';
import { onvifProbeSchema } from './onvif-schema.ts';
import type { OnvifProbe } from './onvif-settings.ts';
import { problemWords } from './problem-words.ts';
import type { CameraEngine } from './stream-link.ts';

/** The body of `POST /api/cameras/probe`: one stream by its address, or a camera over ONVIF. */
export const probeSchema = v.strictObject({
  url: v.optional(urlSchema),
  onvif: v.optional(onvifProbeSchema),
  username: v.optional(v.nullable(loginSchemas.username)),
  password: v.optional(v.nullable(loginSchemas.password)),
  transport: v.optional(transportSchema),
});
export type ProbeInput = v.InferOutput<typeof probeSchema>;

/** Closed list, as the API promises it. */
export type ProbeProblemKind =
  | 'refused'
  | 'unauthorized'
  | 'not-rtsp'
  | 'unknown-host'
  | 'no-video'
  | 'no-stream'
  | 'unsupported-codec'
  | 'timeout';

export interface ProbeProblem {
  /** Over ONVIF there are more. */
  kind: ProbeProblemKind | OnvifProblem;
  message: string;
  cure: string;
}

export interface ProbeResult {
  ok: boolean;
  streams: Omit<StreamFacts, 'gopMs'>[];
  /** What the camera sees, a JPEG in base64; absent when none could be made in time. */
  picture?: string;
  /** What was found over ONVIF; then `streams` is empty, as none was watched. */
  onvif?: OnvifProbe;
  problem?: ProbeProblem;
}

const KINDS: Record<LinkProblem, ProbeProblemKind> = {
  refused: 'refused',
  unreachable: 'timeout',
  'unknown-host': 'unknown-host',
  'address-forbidden': 'refused',
  unauthorized: 'unauthorized',
  'not-found': 'no-stream',
  'no-video': 'no-video',
  'unsupported-codec': 'unsupported-codec',
  'unsupported-transport': 'no-stream',
  busy: 'refused',
  'not-rtsp': 'not-rtsp',
  'server-error': 'refused',
  timeout: 'timeout',
  closed: 'refused',
  stalled: 'timeout',
  'no-keyframe': 'timeout',
  hub: 'refused',
};

/** Numbers that no camera can have: the engine knows streams by number. */
export const FIRST_PROBE_ID = 1_000_000_000;
/** Each costs a connection and a ring; nobody tries more cameras at a time. */
const MAX_PROBES = 4;
/** Taking leave of the camera takes up to 0.2 s more. */
const DEADLINE_MS = 9500;
/** Until go2rtc runs and has the source. */
const ROUTE_MS = 6000;
/** What go2rtc says of a source comes apart from its answer. */
const WORDS_MS = 300;
/** Watched so long, pictures per second and bits per second are known to a tenth. */
const WATCH_MS = 2200;
const RING_BYTES = 2 * 1024 * 1024;
/** Enough to see which camera it is. */
const PICTURE_WIDTH = 480;
/** Pictures are made one at a time: others may be waited for. */
const PICTURE_LIMIT_MS = 1000;

export interface ProberOptions {
  engine: CameraEngine;
  clock: Clock;
  hub: Hub;
  allowLoopback: boolean;
  /** Where the service itself listens. */
  ownPorts: () => readonly number[];
  log: Logger;
  /** A JPEG of the newest keyframe of a stream in the engine; rejects when there is none, or nobody wants it any more. */
  keyPicture(request: {
    camera: number;
    stream: 'main';
    width: number;
    isWanted(): boolean;
  }): Promise<{ jpeg: Buffer }>;
}

export class Prober {
  readonly #options: ProberOptions;
  readonly #busy = new Set<number>();
  readonly #onvif: OnvifProber;

  constructor(options: ProberOptions) {
    const { clock, log, allowLoopback, ownPorts } = options;
    this.#options = options;
    this.#onvif = new OnvifProber({ clock, log, rules: { allowLoopback, ownPorts } });
  }

  /** Cameras of this network that answer within `waitMs`. Rejects with `unavailable` while it is searched for others. */
  discover(waitMs: number): Promise<DiscoveryResult> {
    return this.#onvif.discover(waitMs);
  }

  /**
   * Resolves within 11 s, by way of go2rtc 17 s, with what the camera sends or the first problem; it is asked once, with this login only, because cameras
   * lock accounts. Over ONVIF within 20 s. Rejects with `invalid-argument` for an address that cannot be one, `unavailable` while 4 others
   * are tried.
   */
  async probe({ onvif, url, ...rest }: ProbeInput): Promise<ProbeResult> {
    if (onvif && url === undefined && rest.transport === undefined) return await this.#onvif.probe(onvif, rest);
    if (url === undefined || onvif) {
      throw new NvrError('invalid-argument', '"url" is missing, or there is something beside "onvif"', {
        field: 'url',
        cure: 'Give url, or onvif with an address.',
      });
    }
    const input = { ...rest, url };
    const { engine, hub } = this.#options;
    const source = this.#source(input);
    const id = this.#take();
    const key: StreamKey = { camera: id, stream: 'main' };
    try {
      const { able: _able, ...route } = await this.#route(key, source);
      const outcome = this.#watch(key, route.hub === true);
      engine.setStream({
        ...{ ...key, ...route },
        audio: true,
        record: false,
        events: false,
        preRollMs: 0,
        segmentMs: 300_000,
        rotationOffsetMs: 0,
        ringMaxBytes: RING_BYTES,
      });
      const result = await outcome;
      const picture = result.ok ? await this.#picture(id) : undefined;
      return picture ? { ...result, picture } : result;
    } finally {
      await engine.removeStream(id, 'main');
      hub.leave(key);
      this.#busy.delete(id);
    }
  }

  #source({ url: written, transport = 'tcp', username, password }: ProbeInput & { url: string }): StreamSource {
    const { hub, allowLoopback } = this.#options;
    const { url, login } = parseCameraUrl(written, 'url', allowLoopback);
    const source: StreamSource = {
      url,
      transport,
      username: username ?? login?.username ?? '',
      password: password ?? login?.password ?? '',
      ours: false,
    };
    const refusal = hub.refusal(source);
    if (!refusal) return source;
    const { field, message, cure } = refusal;
    throw new NvrError('invalid-argument', `"${field ?? 'url'}" cannot be tried: ${message}`, {
      field: field ?? 'url',
      cure,
    });
  }

  /** Waits for one that is being made. Rejects with `unavailable` where there is none. */
  async #route(key: StreamKey, source: StreamSource): Promise<Route> {
    const { hub, clock } = this.#options;
    const deadline = new AbortController();
    const found = await new Promise<Route | NoRoute>(resolve => {
      const look = (isLast: boolean) => {
        const route = hub.route(key, source);
        if (!route.able && route.passing && !isLast) return;
        deadline.abort();
        resolve(route);
      };
      const end = hub.onChange(() => look(false));
      const cancel = clock.after(ROUTE_MS, () => look(true));
      deadline.signal.addEventListener('abort', () => {
        end();
        cancel();
      });
      look(false);
    });
    if (found.able) return found;
    throw new NvrError('unavailable', found.message.replace(/\.$/, ''), { cure: found.cure });
  }

  #take(): number {
    for (let id = FIRST_PROBE_ID; id < FIRST_PROBE_ID + MAX_PROBES; id++) {
      if (this.#busy.has(id)) continue;
      this.#busy.add(id);
      return id;
    }
    throw new NvrError('unavailable', `${MAX_PROBES} cameras are being tried already`, {
      cure: 'Try again in a moment.',
    });
  }

  #watch(key: StreamKey, isBehindHub: boolean): Promise<ProbeResult> {
    const { engine, clock, hub } = this.#options;
    const { camera: id } = key;
    return new Promise(resolve => {
      let parameters: Extract<EngineEvent, { type: 'parameters' }> | undefined;
      let cancelWatch: (() => void) | undefined;
      const finish = (result: ProbeResult) => {
        unsubscribe();
        cancelDeadline();
        cancelWatch?.();
        resolve(result);
      };
      const cancelDeadline = clock.after(DEADLINE_MS, () =>
        finish(parameters ? this.#facts(id, parameters) : failure(this.#hasSent(id) ? 'no-keyframe' : 'timeout')),
      );
      const unsubscribe = engine.on(event => {
        if (event.type === 'clock-step' || event.camera !== id) return;
        if (event.type === 'parameters') {
          parameters = event;
          cancelWatch ??= clock.after(WATCH_MS, () => finish(this.#facts(id, event)));
        } else if (event.type === 'link' && event.state === 'waiting' && event.problem) {
          const { problem } = event;
          const end = () => finish(failure(problem, hub.failed(key, problem)));
          if (isBehindHub) cancelWatch ??= clock.after(WORDS_MS, end);
          else end();
        }
      });
    });
  }

  async #picture(camera: number): Promise<string | undefined> {
    const { keyPicture, clock } = this.#options;
    let isWanted = true;
    const picture = keyPicture({ camera, stream: 'main', width: PICTURE_WIDTH, isWanted: () => isWanted }).then(
      ({ jpeg }) => jpeg.toString('base64'),
      () => undefined,
    );
    let cancel = () => {};
    const late = new Promise<undefined>(resolve => {
      cancel = clock.after(PICTURE_LIMIT_MS, () => resolve(undefined));
    });
    const made = await Promise.race([picture, late]);
    isWanted = false;
    cancel();
    return made;
  }

  /** Whether any picture came. */
  #hasSent(id: number): boolean {
    return this.#options.engine.stats().streams.some(stream => stream.camera === id && stream.lastPacketMs > 0);
  }

  #facts(id: number, { video, audio, audioLeftOut }: Extract<EngineEvent, { type: 'parameters' }>): ProbeResult {
    const stats = this.#options.engine.stats().streams.find(stream => stream.camera === id);
    const stream = {
      codec: video.codec,
      width: video.width,
      height: video.height,
      fps: Math.round((stats?.fps || video.fps) * 100) / 100,
      bitrateBps: Math.round(stats?.bitrateBps ?? 0),
      ...(audio ? { audio: audio.codec } : {}),
      ...(audio?.source ? { audioSource: audio.source } : {}),
      ...(audioLeftOut ? { audioLeftOut } : {}),
    };
    return { ok: true, streams: [stream] };
  }
}

function failure(problem: LinkProblem, known?: Explanation): ProbeResult {
  const { message, cure } = known ?? problemWords(problem);
  return { ok: false, streams: [], problem: { kind: KINDS[known?.problem ?? problem], message, cure } };
}
