// Runs in a network of its own, with a device that is not ours in it: the built service finds it, adds it, hears it and moves it. Prints
// what came of it.
//   arguments: go | c, the program or folder, least renewals
import type {
  Camera as ApiCamera,
  DiscoverReply,
  Event,
  EventList,
  OnvifInfo,
  PresetList,
  ProbeResult,
} from '../../src/api/contract.ts';
import { Camera } from './camera.ts';
import { CLIPS, clipFile } from './clips.ts';
import { startGoSimulator, startSimpleServer } from './onvif-peers.ts';
import { Service } from './service.ts';

const ADDRESS = '10.77.0.1';
const WAIT_MS = 60_000;
const MOTION_EACH_MS = 5000;
const [kind = '', program = '', renewals = '3'] = process.argv.slice(2);
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

const clip = await clipFile(CLIPS.fullSilent);
const camera = await Camera.start({ clips: [clip] });
const peer =
  kind === 'go'
    ? await startGoSimulator(program, 8099, ADDRESS, clip)
    : await startSimpleServer(program, 'lo', camera.url);
const service = await Service.start({ args: ['--log', 'debug'] });

const found = await service.post<DiscoverReply>('/api/cameras/discover', { waitMs: 5000 });
const here = found.devices.find(({ address }) => address.includes(String(peer.port)));
if (!here) throw new Error(`it is not found: ${JSON.stringify(found)}`);
const { username, password } = peer;
const probe = (login: object) =>
  service.post<ProbeResult>('/api/cameras/probe', { onvif: { address: here.address }, ...login });
const wrong = await probe({ username, password: 'wrong' });
const tried = await probe({ username, password });
const url = kind === 'go' ? tried.onvif?.streams.main?.url : camera.url;
await service.post('/api/cameras', {
  ...{ name: 'Peer', main: { url }, ...(kind === 'go' && { username, password }) },
  onvif: { address: here.address, username, password },
  events: { mergeMs: 0, postRollMs: 0, preRollMs: 1000 },
});
const info = () => service.get<OnvifInfo>('/api/cameras/1/onvif');
await service.until<OnvifInfo>('/api/cameras/1/onvif', ({ state }) => state.events === 'live', WAIT_MS);
await service.until<ApiCamera>('/api/cameras/1', ({ state }) => state.name === 'live', WAIT_MS);

// Motion again and again, over the renewals of its subscription.
let told = 0;
const lateMs: number[] = [];
const faults: string[] = [];
const listed = async () => (await service.get<EventList>('/api/events?limit=1')).events[0];
const within = async (what: string, done: (event: Event | undefined) => boolean) => {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; await pause(50)) {
    const event = await listed();
    if (done(event)) return event;
  }
  faults.push(what);
  return undefined;
};
for (let last: string | undefined; ; ) {
  const fromMs = Date.now();
  await peer.motion(true);
  told++;
  const event = await within(`motion ${told} sets nothing off`, one => one !== undefined && one.id !== last);
  if (event) lateMs.push(event.startMs - fromMs);
  last = event?.id ?? last;
  await pause(1500);
  await peer.motion(false);
  await within(`the end of ${told} is not seen`, one => one?.endMs !== undefined);
  const { figures } = await info();
  if ((figures?.renewals ?? 0) >= Number(renewals) || faults.length > 3) break;
  await pause(MOTION_EACH_MS);
}

async function moved() {
  const ask = (body: object) => service.ask('POST', '/api/cameras/1/ptz', body);
  const statuses: number[] = [];
  for (let n = 0; n < 4; n++) {
    statuses.push((await ask({ action: 'move', pan: 0.5 })).status);
    await pause(500);
  }
  await pause(2000);
  const held = peer.moves();
  statuses.push((await ask({ action: 'move', tilt: -0.5 })).status, (await ask({ action: 'stop' })).status);
  const { presets } = await service.get<PresetList>('/api/cameras/1/ptz/presets');
  statuses.push(
    (await ask({ action: 'preset', preset: presets[1]?.token })).status,
    (await ask({ action: 'home' })).status,
  );
  await pause(500);
  const lastMove = held.findLast(({ command }) => command.startsWith('right'));
  const stop = held.find(({ atMs, command }) => atMs >= (lastMove?.atMs ?? 0) && command.startsWith('stop'));
  return {
    ...{
      statuses,
      presets: presets.map(({ name }) => name),
      stopMs: (stop?.atMs ?? Number.NaN) - (lastMove?.atMs ?? 0),
    },
    commands: peer.moves().map(({ command }) => command),
  };
}
const ptz = peer.hasPtz ? await moved() : undefined;
const { state, capabilities, figures } = await info();
const { code } = await service.stop();
await peer.stop();
await camera.stop();
process.stdout.write(
  JSON.stringify({
    ...{ wrong: wrong.problem?.kind, tried: tried.ok, found: here, state, capabilities, streams: tried.onvif?.streams },
    ...{ figures, told, lateMs, faults, ptz, code, errors: service.log.filter(({ level }) => level === 'error') },
  }),
);
process.exit(0);
