// Streams of the go2rtc stand-in: one source each, dialled while somebody reads, dialled again in growing steps when it breaks,
// and the map of them, which is as unsafe as the real one.
import { type Codec, type Media, match, matchCodec } from './media.ts';
import { type Context, RtspSource } from './rtsp-source.ts';
import type { Receiver } from './tracks.ts';

/** Somebody who reads a stream, or speaks into it. */
export interface Consumer {
  medias: Media[];
  /** One of its wishes is met by this track. */
  addTrack(wanted: Media, codec: Codec, track: Receiver): void;
  /** What it says to a camera's speaker. */
  speech?(wanted: Media, codec: Codec): Receiver;
  stop(): void;
  info(): object;
}

/** Writes a line to the log of the program. */
export type Say = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: object) => void;

export interface World extends Context {
  say: Say;
}

const CALLER = 'github.com/AlexxIT/go2rtc/internal/streams/producer.go:171';

class Producer {
  url: string;
  receivers: Receiver[] = [];
  #speeches: Receiver[] = [];
  readonly #world: World;
  #source: RtspSource | undefined;
  #state: 'none' | 'medias' | 'tracks' | 'start' = 'none';
  #worker = 0;
  #work: Promise<unknown> = Promise.resolve();

  constructor(world: World, url: string) {
    this.#world = world;
    this.url = url;
  }

  get medias(): Media[] {
    return this.#source?.medias ?? [];
  }

  get hasReaders(): boolean {
    return [...this.receivers, ...this.#speeches].some(one => one.senders.length > 0);
  }

  dial(): Promise<void> {
    return this.#alone(async () => {
      if (this.#state !== 'none') return;
      this.#source = await openSource(this.#world, this.url);
      this.#state = 'medias';
    });
  }

  getTrack(media: Media, codec: Codec): Promise<Receiver> {
    return this.#alone(async () => {
      const known = this.receivers.find(one => one.codec === codec);
      if (known) return known;
      if (!this.#source) throw new Error('get track from none state');
      const track = await this.#source.getTrack(media, codec);
      this.receivers.push(track);
      if (this.#state === 'medias') this.#state = 'tracks';
      return track;
    });
  }

  addTrack(media: Media, codec: Codec, track: Receiver): Promise<void> {
    return this.#alone(async () => {
      if (!this.#source) throw new Error('add track from none state');
      await this.#source.addTrack(media, codec, track);
      this.#speeches.push(track);
      if (this.#state === 'medias') this.#state = 'tracks';
    });
  }

  start(): void {
    if (this.#state !== 'tracks' || !this.#source) return;
    this.#state = 'start';
    void this.#run(this.#source, ++this.#worker);
  }

  stop(): void {
    if (this.#state === 'none') return;
    if (this.#state === 'start') this.#worker++;
    this.#source?.stop();
    this.#source = undefined;
    this.#state = 'none';
    this.receivers = [];
    this.#speeches = [];
  }

  info(): object {
    return this.#source?.info() ?? { url: this.url };
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => {});
    return result;
  }

  async #run(source: RtspSource, worker: number): Promise<void> {
    try {
      await source.start();
    } catch (error) {
      if (this.#worker !== worker) return;
      const fields = { error: (error as Error).message, url: this.url, caller: CALLER };
      this.#world.say('warn', '', fields);
    }
    await this.#again(worker, 0);
  }

  #again(worker: number, retry: number): Promise<void> {
    return this.#alone(async () => {
      if (this.#worker !== worker) return;
      this.#world.say('debug', `[streams] retry=${retry} to url=${this.url}`);
      let source: RtspSource;
      try {
        source = await openSource(this.#world, this.url);
      } catch (error) {
        this.#world.say('debug', `[streams] producer=${(error as Error).message}`);
        const seconds = retry < 5 ? 1 : retry < 10 ? 5 : retry < 20 ? 10 : 60;
        setTimeout(() => void this.#again(worker, retry + 1), this.#world.wait(seconds));
        return;
      }
      await this.#move(source);
      if (this.#worker !== worker) {
        source.stop();
        return;
      }
      this.#source?.stop();
      this.#source = source;
      // When no track fits, nothing was set up: the session ends at once and the next is dialled without a pause.
      setImmediate(() => void this.#run(source, worker));
    });
  }

  /** Tracks that the new session has too go on from it; others are silent from now on. */
  async #move(source: RtspSource): Promise<void> {
    for (const media of source.medias) {
      if (media.direction === 'sendonly') {
        for (const speech of this.#speeches) {
          const codec = matchCodec(media, speech.codec);
          if (codec) await source.addTrack(media, codec, speech).catch(() => {});
        }
        continue;
      }
      for (const [place, receiver] of this.receivers.entries()) {
        const codec = matchCodec(media, receiver.codec);
        const track = codec && (await source.getTrack(media, codec).catch(() => undefined));
        if (!track) continue;
        receiver.replaceBy(track);
        this.receivers[place] = track;
        break;
      }
    }
  }
}

async function openSource(world: World, url: string): Promise<RtspSource> {
  if (!/^rtsp[sx]?:/.test(url)) throw new Error(`streams: unsupported scheme: ${url}`);
  const source = new RtspSource(world, url);
  await source.open();
  return source;
}

export class Stream {
  readonly #producer: Producer;
  #consumers: Consumer[] | null = null;
  #sources: { info(): object }[] = [];
  #pending = 0;

  constructor(world: World, source: string) {
    this.#producer = new Producer(world, source);
  }

  /** Takes effect when the source is dialled next. */
  setSource(source: string): void {
    this.#producer.url = source;
  }

  /** Rejects when no wish can be met; the words are those of the program. */
  async add(consumer: Consumer): Promise<void> {
    const producer = this.#producer;
    this.#pending++;
    let dialError: Error | undefined;
    let met = false;
    for (const wanted of consumer.medias) {
      if (dialError) break;
      try {
        await producer.dial();
        met = (await this.#meet(consumer, wanted)) || met;
      } catch (error) {
        dialError = error as Error;
      }
    }
    const medias = producer.medias;
    if (--this.#pending === 0) this.#stopIdle();
    if (!met) throw new Error(`streams: ${dialError?.message ?? unmatched(medias, consumer.medias)}`);
    this.#consumers = [...(this.#consumers ?? []), consumer];
    producer.start();
  }

  remove(consumer: Consumer): void {
    consumer.stop();
    this.#consumers = (this.#consumers ?? []).filter(one => one !== consumer);
    if (this.#pending === 0) this.#stopIdle();
  }

  /** Somebody who only sends is shown beside the camera. */
  addSource(source: { info(): object }): void {
    this.#sources.push(source);
  }

  removeSource(source: { info(): object }): void {
    this.#sources = this.#sources.filter(one => one !== source);
  }

  info(): object {
    return {
      producers: [this.#producer.info(), ...this.#sources.map(one => one.info())],
      consumers: this.#consumers?.map(one => one.info()) ?? null,
    };
  }

  #stopIdle(): void {
    if (!this.#producer.hasReaders) this.#producer.stop();
  }

  async #meet(consumer: Consumer, wanted: Media): Promise<boolean> {
    let met = false;
    for (const media of [...this.#producer.medias]) {
      const found = match(media, wanted);
      if (!found) continue;
      if (media.direction === 'recvonly') {
        consumer.addTrack(wanted, found.wanted, await this.#producer.getTrack(media, found.codec));
      } else {
        const speech = consumer.speech?.(wanted, found.wanted);
        if (!speech) continue;
        await this.#producer.addTrack(media, found.codec, speech);
      }
      met = true;
      if (!wanted.codecs.some(({ name }) => name === 'ALL')) break;
    }
    return met;
  }
}

function unmatched(have: readonly Media[], wanted: readonly Media[]): string {
  if (have.length === 0) return 'unknown error';
  const list = (medias: readonly Media[], direction: string) => {
    const names = medias
      .filter(media => media.direction === direction)
      .flatMap(media => media.codecs.map(({ name }) => `${media.kind}:${name === 'MPEG4-GENERIC' ? 'AAC' : name}`));
    return [...new Set(names)].join(', ');
  };
  return `codecs not matched: ${list(have, 'recvonly')} => ${list(wanted, 'sendonly')}`;
}

/** How the map of streams is touched: some pairs at the same time end the process. */
export type Touch = 'list' | 'create' | 'change' | 'delete' | 'look up' | 'get';

const DEADLY: readonly [Touch, Touch][] = [
  ['list', 'create'],
  ['list', 'delete'],
  ['delete', 'create'],
  ['delete', 'change'],
  ['delete', 'look up'],
];

/** All streams. Two names may lead to the same one. */
export class StreamMap {
  readonly #world: World;
  readonly #streams = new Map<string, Stream>();
  readonly #touching: Touch[] = [];
  readonly #crash: (message: string) => void;

  constructor(world: World, crash: (message: string) => void) {
    this.#world = world;
    this.#crash = crash;
  }

  /** Of the real one a touch lasts microseconds, and a clash is a matter of luck; here it lasts as long as a timer, and is sure. */
  async touch(kind: Touch): Promise<void> {
    const clash = this.#touching.some(other =>
      DEADLY.some(([a, b]) => (a === kind && b === other) || (b === kind && a === other)),
    );
    if (clash) this.#crash('concurrent map iteration and map write');
    this.#touching.push(kind);
    await new Promise(resolve => setTimeout(resolve, 3));
    this.#touching.splice(this.#touching.indexOf(kind), 1);
  }

  get(name: string): Stream | undefined {
    return this.#streams.get(name);
  }

  has(name: string): boolean {
    return this.#streams.has(name);
  }

  /** A new stream, also in place of an old one, whose readers stay where they are. */
  put(name: string, source: string): void {
    this.#streams.set(name, new Stream(this.#world, source));
  }

  /** Another source, or a new stream; or, when the source's path is the name of a stream, another name for that. */
  patch(name: string, source: string): void {
    const aliased = this.#named(source);
    if (aliased) this.#streams.set(name, aliased);
    else if (this.#streams.has(name)) this.#streams.get(name)?.setSource(source);
    else this.put(name, source);
  }

  /** Whether the source is, or its path is, the name of a stream. */
  isName(source: string): boolean {
    return this.#named(source) !== undefined;
  }

  #named(source: string): Stream | undefined {
    const path = /^rtsp:\/\/[^/?#]+\/([^?#]+)/.exec(source)?.[1];
    return this.#streams.get(path === undefined ? source : decodeURIComponent(path)) ?? this.#streams.get(source);
  }

  delete(name: string): void {
    this.#streams.delete(name);
  }

  info(): object {
    return Object.fromEntries([...this.#streams].sort().map(([name, stream]) => [name, stream.info()]));
  }
}
