// Runs in a network of its own, because a peer of a real go2rtc listens on all addresses for mDNS: offers, and what is answered.
// Argument: the program as JSON. Prints what was seen.
import { LONE_TALKER, SILENT_VIEWER_OF_H265, TALKER, VIEWER, VIEWER_OF_H265 } from './offers.ts';
import { Peer, type Program, until } from './peer.ts';
import { SpeakerCamera } from './speaker-camera.ts';

export interface Seen {
  port: number;
  answers: Record<string, { status: number; type: string | undefined; text: string }>;
  consumer: Record<string, unknown> | undefined;
  talk: { asksForSpeaker: boolean; setUp: string[]; medias: unknown };
  /** Of one who talks and wants no pictures: requests at the camera, producers of the stream. */
  lone: { asked: number; shown: number };
}

const program = JSON.parse(process.argv[2] ?? '{}') as Program;
const camera = await SpeakerCamera.start();
const peer = await Peer.start(program);
await peer.patch('th-1-view', `${camera.url}#backchannel=0`);
await peer.patch('th-1-talk', `${camera.url}#media=audio#backchannel=1`);

const answers: Seen['answers'] = {};
const ask = async (title: string, name: string, body: string, type = 'text/plain') => {
  const headers = { 'Content-Type': type };
  const { status, headers: given, text } = await peer.ask('POST', `/api/webrtc?src=${name}`, { headers, body });
  answers[title] = { status, type: given['content-type'], text };
};
await ask('viewer', 'th-1-view', VIEWER);
const consumer = (await peer.stream('th-1-view')).consumers?.[0];
await ask('whep', 'th-1-view', VIEWER, 'application/sdp');
await ask('json', 'th-1-view', JSON.stringify({ type: 'offer', sdp: VIEWER }), 'application/json');
await ask('H.265 only', 'th-1-view', VIEWER_OF_H265);
await ask('nothing fits', 'th-1-view', SILENT_VIEWER_OF_H265);
await ask('garbage', 'th-1-view', 'not a description');
await ask('unknown', 'th-9-view', VIEWER);
const before = camera.requests.length;
await ask('lone talker', 'th-1-talk', LONE_TALKER);
const lone = { asked: camera.requests.length - before, shown: (await peer.stream('th-1-talk')).producers.length };
await ask('talker', 'th-1-talk', TALKER);
const asked = () => camera.requests.slice(before);
await until(() => asked().some(({ method }) => method === 'PLAY'), 'the camera is asked to play');
const talk = {
  asksForSpeaker: asked().some(({ method, wantsSpeaker }) => method === 'DESCRIBE' && wantsSpeaker),
  setUp: asked()
    .filter(({ method }) => method === 'SETUP')
    .map(({ url }) => url.split('/').at(-1) ?? ''),
  medias: (await peer.stream('th-1-talk')).producers[0]?.medias,
};
await peer.stop();
await camera.stop();
process.stdout.write(JSON.stringify({ port: peer.webrtcPort, answers, consumer, talk, lone } satisfies Seen));
process.exit(0);
