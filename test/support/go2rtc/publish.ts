// Publishing of the go2rtc stand-in, which never ends: a connection to the sink while it lasts, and a new one 5 s after it broke.
import { connect } from 'node:net';
import { type Media, mediaText, wish } from './media.ts';
import type { Consumer, Stream, World } from './streams.ts';
import { Sender } from './tracks.ts';

/** Rejects when the stream cannot be read now; later nobody is told. Of RTMP only the first byte is spoken. */
export async function publish(world: World, stream: Stream, target: string): Promise<void> {
  const consumer = consumerFor(world, target);
  await stream.add(consumer);
  const { hostname, port } = new URL(target.replace(/^rtmp[sx]?/, 'http'));
  const socket = connect(Number(port || 1935), hostname);
  socket.on('connect', () => socket.write(Buffer.from([3])));
  socket.on('error', () => {});
  socket.on('close', () => {
    stream.remove(consumer);
    // A camera that cannot be reached at this moment ends it, without a word.
    setTimeout(() => void publish(world, stream, target).catch(() => {}), world.wait(5));
  });
}

function consumerFor(world: World, target: string): Consumer {
  const id = world.ids.next();
  const senders: Sender[] = [];
  const wishesOf = (kind: string, names: string[]): Media => {
    return { kind, direction: 'sendonly', codecs: names.map(wish), control: '' };
  };
  const medias = [wishesOf('video', ['h264']), wishesOf('audio', ['aac'])];
  return {
    medias,
    addTrack: (_wanted, codec, track) => senders.push(new Sender(world.ids.next(), codec, track, () => undefined)),
    stop: () => {
      for (const sender of senders) sender.close();
    },
    info: () => {
      const head = { id, format_name: 'rtmp', protocol: 'rtmp', url: target, medias: medias.map(mediaText) };
      return { ...head, senders: senders.map(sender => sender.info()) };
    },
  };
}
