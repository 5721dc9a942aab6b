// Snapshots of the go2rtc stand-in: a consumer that waits for the next key picture, however long that takes, and what is made of it.
import { spawn } from 'node:child_process';
import { type Codec, type Media, mediaText, wish } from './media.ts';
import type { Consumer, Stream, World } from './streams.ts';
import { type Receiver, Sender } from './tracks.ts';

const START = Buffer.from([0, 0, 0, 1]);

/** Makes access units in Annex B of RTP packets; what is lost or odd makes a unit that is not whole, and nobody cares. */
class Units {
  readonly #isHevc: boolean;
  #parts: Buffer[] = [];
  #isKey = false;

  constructor(codec: Codec) {
    this.#isHevc = codec.name === 'H265';
  }

  /** The unit, when this was the last packet of a key picture. */
  put(packet: Buffer): Buffer | undefined {
    const payload = packet.subarray(12 + ((packet[0] ?? 0) & 15) * 4);
    if (this.#isHevc) this.#hevc(payload);
    else this.#h264(payload);
    if (((packet[1] ?? 0) & 0x80) === 0) return undefined;
    const unit = this.#isKey ? Buffer.concat(this.#parts) : undefined;
    this.#parts = [];
    this.#isKey = false;
    return unit;
  }

  #h264(payload: Buffer): void {
    const [head = 0, second = 0] = payload;
    const type = head & 31;
    if (type === 24) this.#list(payload.subarray(1), unit => this.#h264(unit));
    else if (type !== 28) this.#unit(type, payload);
    if (type !== 28) return;
    if ((second & 0x80) !== 0) this.#unit(second & 31, Buffer.from([(head & 0xe0) | (second & 31)]));
    this.#parts.push(payload.subarray(2));
  }

  #hevc(payload: Buffer): void {
    const [head = 0, layer = 0, third = 0] = payload;
    const type = (head >> 1) & 63;
    if (type === 48) this.#list(payload.subarray(2), unit => this.#hevc(unit));
    else if (type !== 49) this.#unit(type, payload);
    if (type !== 49) return;
    if ((third & 0x80) !== 0) this.#unit(third & 63, Buffer.from([(head & 0x81) | ((third & 63) << 1), layer]));
    this.#parts.push(payload.subarray(3));
  }

  #list(bytes: Buffer, take: (unit: Buffer) => void): void {
    for (let at = 0; at + 2 <= bytes.length; ) {
      const end = at + 2 + bytes.readUInt16BE(at);
      take(bytes.subarray(at + 2, end));
      at = end;
    }
  }

  #unit(type: number, bytes: Buffer): void {
    this.#isKey ||= this.#isHevc ? type >= 16 && type <= 21 : type === 5;
    this.#parts.push(START, bytes);
  }
}

class KeyframeConsumer implements Consumer {
  readonly medias: Media[];
  /** The key picture in Annex B, with the parameter sets of the description before it. */
  readonly picture: Promise<Buffer>;
  codec: Codec | undefined;
  readonly #world: World;
  readonly #id: number;
  #found: (picture: Buffer) => void = () => {};
  #sender: Sender | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#id = world.ids.next();
    this.medias = [{ kind: 'video', direction: 'sendonly', codecs: ['H264', 'H265'].map(wish), control: '' }];
    this.picture = new Promise(resolve => {
      this.#found = resolve;
    });
  }

  addTrack(_wanted: Media, _codec: Codec, track: Receiver): void {
    const units = new Units(track.codec);
    this.codec = track.codec;
    this.#sender = new Sender(this.#world.ids.next(), track.codec, track, packet => {
      const unit = units.put(packet);
      if (unit) this.#found(Buffer.concat([parameterSets(track.codec), unit]));
      return undefined;
    });
  }

  stop(): void {
    this.#sender?.close();
  }

  info(): object {
    const senders = this.#sender ? [this.#sender.info()] : [];
    return { id: this.#id, format_name: 'mp4', medias: this.medias.map(mediaText), senders };
  }
}

function parameterSets({ fmtp }: Codec): Buffer {
  const lists = [...fmtp.matchAll(/sprop-(?:parameter-sets|vps|sps|pps)=([^;\s]*)/g)].map(([, list = '']) => list);
  return Buffer.concat(
    lists
      .join(',')
      .split(',')
      .flatMap(one => (one ? [START, Buffer.from(one, 'base64')] : [])),
  );
}

/**
 * The next key picture. It waits on when whoever asked has gone: the camera is held until that picture comes.
 * Rejects when the stream cannot be read.
 */
export async function nextKeyframe(world: World, stream: Stream): Promise<{ picture: Buffer; codec: Codec }> {
  const consumer = new KeyframeConsumer(world);
  await stream.add(consumer);
  const picture = await consumer.picture;
  stream.remove(consumer);
  if (!consumer.codec) throw new Error('a keyframe without a codec');
  return { picture, codec: consumer.codec };
}

/** Lets ffmpeg make an MP4 file or a JPEG of it. */
export function convert(picture: Buffer, codec: Codec, kind: 'mp4' | 'jpeg', ffmpeg: string): Promise<Buffer> {
  const input = ['-v', 'error', '-f', codec.name === 'H265' ? 'hevc' : 'h264', '-i', 'pipe:0'];
  const output =
    kind === 'mp4'
      ? ['-c', 'copy', '-movflags', 'empty_moov+frag_keyframe', '-f', 'mp4']
      : ['-frames:v', '1', '-f', 'mjpeg'];
  return new Promise((resolve, reject) => {
    const child = spawn(ffmpeg, [...input, ...output, 'pipe:1'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const parts: Buffer[] = [];
    child.stdout.on('data', part => parts.push(part));
    child.stdin.on('error', () => {});
    child.on('error', () => reject(new Error('exec: "ffmpeg": executable file not found in $PATH')));
    child.on('close', code => (code === 0 ? resolve(Buffer.concat(parts)) : reject(new Error(`exit status ${code}`))));
    child.stdin.end(picture);
  });
}
