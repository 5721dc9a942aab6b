// The HTTP API of the go2rtc stand-in, as far as anybody has a use for it: streams, snapshots, WebRTC offers.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Config, writeStream } from './config.ts';
import { convert, nextKeyframe } from './keyframes.ts';
import { type Media, mediaText, wish, wishes } from './media.ts';
import { publish } from './publish.ts';
import { answerOffer, type WebrtcOptions } from './signalling.ts';
import type { Consumer, Stream, StreamMap, World } from './streams.ts';
import { Receiver, Sender } from './tracks.ts';

export interface ApiWorld extends World {
  config: Config;
  streams: StreamMap;
  webrtc: WebrtcOptions;
  ffmpeg: string;
  mask(text: string): string;
}

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
  body: string,
) => Promise<void>;

const SCHEMES: Readonly<Record<string, readonly string[]>> = {
  rtsp: ['rtsp', 'rtsps', 'rtspx'],
  rtmp: ['rtmp', 'rtmps', 'rtmpx'],
  http: ['http', 'https', 'httpx', 'tcp'],
  ffmpeg: ['ffmpeg'],
  onvif: ['onvif'],
  webrtc: ['webrtc'],
  exec: ['exec'],
  ...Object.fromEntries(['bubble', 'dvrip', 'gopro', 'isapi', 'kasa', 'multitrans'].map(name => [name, [name]])),
  tapo: ['tapo', 'vigi', 'kasa'],
};

export class Api {
  readonly #world: ApiWorld;
  readonly #handlers = new Map<string, Handler>();

  constructor(world: ApiWorld) {
    this.#world = world;
    this.#serve('api', '/api', async (request, response) => this.#about(request, response));
    this.#serve('api', '/api/streams', (request, response, query) => this.#streams(request, response, query));
    this.#serve('mp4', '/api/frame.mp4', (request, response, query) => this.#mp4(request, response, query));
    this.#serve('mjpeg', '/api/frame.jpeg', (request, response, query) => this.#jpeg(request, response, query));
    this.#serve('webrtc', '/api/webrtc', (...all) => this.#webrtc(...all));
  }

  async handle(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    const { username, password, localAuth } = this.#world.config.api;
    const given = Buffer.from(/^Basic (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '', 'base64');
    if (username !== '' && localAuth && given.toString() !== `${username}:${password}`) {
      response.setHeader('Www-Authenticate', 'Basic realm="go2rtc"');
      return fail(response, 401, 'Unauthorized');
    }
    const url = new URL(request.url ?? '/', 'http://go2rtc');
    const handler = this.#handlers.get(url.pathname);
    if (!handler) return fail(response, 404, '404 page not found');
    await handler(request, response, url.searchParams, body);
  }

  #serve(module: string, path: string, handler: Handler): void {
    const { modules, api } = this.#world.config;
    if (modules && !modules.includes(module)) return;
    if (api.allowPaths && !api.allowPaths.includes(path)) return;
    this.#handlers.set(path, handler);
  }

  #about(request: IncomingMessage, response: ServerResponse): void {
    const { config, version } = this.#world;
    const rtsp = { listen: config.rtsp.listen, default_query: config.rtsp.defaultQuery };
    sendJson(response, {
      ...{ ...(config.path !== undefined && { config_path: config.path }), host: request.headers.host },
      ...{ revision: 'standin', rtsp, version },
    });
  }

  async #streams(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
    const { streams } = this.#world;
    const source = query.get('src') ?? '';
    if (source === '' && request.method !== 'POST') {
      await streams.touch('list');
      return this.#send(response, streams.info());
    }
    switch (request.method) {
      case 'GET':
        return this.#get(response, source, query);
      case 'PUT':
      case 'PATCH':
        return this.#put(response, request.method, query, source);
      case 'POST':
        return this.#publish(response, source, query.get('dst') ?? '');
      case 'DELETE':
        await streams.touch('delete');
        streams.delete(source);
        return this.#write(response, source, undefined);
      default:
        response.end();
    }
  }

  async #get(response: ServerResponse, name: string, query: URLSearchParams): Promise<void> {
    const { streams } = this.#world;
    await streams.touch('get');
    const stream = streams.get(name);
    if (!stream) return fail(response, 404, '');
    const medias = wishes(query, ['video', 'audio']) ?? [];
    for (const list of query.getAll('microphone'))
      medias.push({ kind: 'audio', direction: 'recvonly', codecs: list.split(',').map(wish), control: '' });
    if (medias.length === 0) return this.#send(response, stream.info(), 2);
    const probe = this.#probe(medias);
    try {
      await stream.add(probe);
    } catch (error) {
      return fail(response, 500, (error as Error).message);
    }
    this.#send(response, stream.info(), 2);
    stream.remove(probe);
  }

  /** A look at what there is; the microphone in it is a track of its own at the camera. */
  #probe(medias: Media[]): Consumer {
    const { ids } = this.#world;
    const id = ids.next();
    const senders: Sender[] = [];
    const speeches: Receiver[] = [];
    return {
      medias,
      addTrack: (_wanted, codec, track) => senders.push(new Sender(ids.next(), codec, track, () => undefined)),
      speech: (wanted, codec) => {
        const speech = new Receiver(ids, wanted, codec, 0);
        speeches.push(speech);
        return speech;
      },
      stop: () => {
        for (const sender of [...senders, ...speeches.flatMap(speech => speech.senders)]) sender.close();
      },
      info: () => ({ id, format_name: 'probe', medias: medias.map(mediaText) }),
    };
  }

  async #put(response: ServerResponse, method: string, query: URLSearchParams, source: string): Promise<void> {
    const { streams } = this.#world;
    const name = query.get('name') ?? (method === 'PUT' ? source : '');
    if (name === '') return fail(response, 400, '');
    await streams.touch(streams.has(name) && method === 'PATCH' ? 'change' : 'create');
    const isAlias = method === 'PATCH' && streams.isName(source);
    if (!isAlias && !this.#supports(source)) return fail(response, 400, 'streams: source not supported');
    if (!isAlias && /\s/.test(source)) return fail(response, 400, 'streams: source with spaces may be insecure');
    if (method === 'PUT') {
      streams.put(name, source);
      return this.#write(response, name, source);
    }
    streams.patch(name, source);
    response.end();
  }

  #supports(source: string): boolean {
    const { modules } = this.#world.config;
    const scheme = /^([^:]+):/.exec(source)?.[1] ?? '';
    return Object.entries(SCHEMES).some(
      ([module, schemes]) => schemes.includes(scheme) && (!modules || modules.includes(module)),
    );
  }

  #write(response: ServerResponse, name: string, source: string | undefined): void {
    try {
      writeStream(this.#world.config.path, name, source);
      response.end();
    } catch (error) {
      fail(response, 400, (error as Error).message);
    }
  }

  /** 200 at once, whether or not the sink is there; tried again every 5 s for ever, also when the stream is deleted. */
  async #publish(response: ServerResponse, source: string, target: string): Promise<void> {
    const { streams, config } = this.#world;
    if (target === '') return fail(response, 400, '');
    const stream = streams.get(source);
    if (!stream) return fail(response, 404, '');
    const canPublish = !config.modules || config.modules.includes('rtmp');
    if (!canPublish || !/^rtmp[sx]?:/.test(target))
      return fail(response, 500, `streams: unsupported scheme: ${target}`);
    try {
      await publish(this.#world, stream, target);
      response.end();
    } catch (error) {
      fail(response, 500, (error as Error).message);
    }
  }

  async #mp4(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
    if (request.headers['user-agent']?.includes(' Chrome/') && request.headers.range === undefined) {
      response.writeHead(200, { 'Content-Type': 'video/mp4' }).end();
      return;
    }
    const stream = await this.#find(query);
    if (!stream) return fail(response, 404, 'stream not found');
    try {
      const { picture, codec } = await nextKeyframe(this.#world, stream);
      const file = await convert(picture, codec, 'mp4', this.#world.ffmpeg);
      const type = codec.name === 'H265' ? 'hvc1.1.6.L153.B0' : 'avc1.640029';
      response.writeHead(200, { 'Content-Type': `video/mp4; codecs="${type}"`, 'Content-Length': file.length });
      response.end(file);
    } catch (error) {
      this.#world.say('error', '', { error: (error as Error).message });
      fail(response, 500, (error as Error).message);
    }
  }

  async #jpeg(_request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
    const stream = await this.#find(query);
    if (!stream) return fail(response, 404, 'stream not found');
    let keyframe: Awaited<ReturnType<typeof nextKeyframe>>;
    try {
      keyframe = await nextKeyframe(this.#world, stream);
    } catch (error) {
      // The camera cannot be reached: 200, and nothing in it.
      this.#world.say('error', '', { error: (error as Error).message });
      response.end();
      return;
    }
    try {
      const file = await convert(keyframe.picture, keyframe.codec, 'jpeg', this.#world.ffmpeg);
      response.writeHead(200, { 'Content-Type': 'image/jpeg', 'Content-Length': file.length, Connection: 'close' });
      response.end(file);
    } catch (error) {
      fail(response, 500, (error as Error).message);
    }
  }

  async #webrtc(
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
    body: string,
  ): Promise<void> {
    if (request.method !== 'POST') return fail(response, 405, '');
    if (!query.get('src')) return fail(response, 400, '');
    const stream = await this.#find(query);
    if (!stream) return fail(response, 404, 'stream not found');
    const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
    const isJson = type === 'application/json';
    const isWhep = type === 'application/sdp';
    try {
      const offer = isJson ? String((JSON.parse(body) as { sdp?: string }).sdp) : body;
      const format = isJson ? 'webrtc/json' : isWhep ? 'webrtc/whep' : 'webrtc/post';
      const who = { format, userAgent: request.headers['user-agent'] };
      const answer = await answerOffer(this.#world, stream, offer, who);
      if (isJson) return sendJson(response, { type: 'answer', sdp: answer });
      response.writeHead(isWhep ? 201 : 200, { 'Content-Type': type }).end(answer);
    } catch (error) {
      this.#world.say('error', '', { error: (error as Error).message });
      fail(response, 500, (error as Error).message);
    }
  }

  async #find(query: URLSearchParams): Promise<Stream | undefined> {
    await this.#world.streams.touch('look up');
    return this.#world.streams.get(query.get('src') ?? '');
  }

  #send(response: ServerResponse, value: object, indent = 0): void {
    response.setHeader('Content-Type', 'application/json');
    response.end(this.#world.mask(`${JSON.stringify(value, undefined, indent)}\n`));
  }
}

function sendJson(response: ServerResponse, value: object): void {
  response.setHeader('Content-Type', 'application/json');
  response.end(`${JSON.stringify(value)}\n`);
}

function fail(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' });
  response.end(`${text}\n`);
}
