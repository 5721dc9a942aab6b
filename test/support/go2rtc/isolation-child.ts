// Runs in a network of its own that has a neighbour: a service that records behind a go2rtc, and what of both the neighbour reaches.
// Arguments: the program as JSON, the id of a process in the neighbour's network. Prints what was found.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Settings } from '../../../src/api/contract.ts';
import { Camera } from '../camera.ts';
import { CLIPS, clipFile } from '../clips.ts';
import { LAUNCHER, Service } from '../service.ts';
import { addCamera, hubPid, recordsAfter, withHub } from './hub-service.ts';
import type { Program } from './peer.ts';

export interface Reached {
  /** TCP ports on which anything listens here, whatever the address. */
  listening: number[];
  /** Those of them that the neighbour can connect to. */
  open: number[];
  /** UDP ports bound to an address that is not loopback. */
  udp: number[];
  webPort: number;
  webrtcPort: number;
}

const HOST = '10.88.0.1';
const WEB_PORT = 8080;
const CONNECT = `
  const { connect } = require('node:net');
  const [host, ...ports] = process.argv.slice(1);
  const open = [];
  const tried = ports.map(port => new Promise(done => {
    const socket = connect(Number(port), host);
    socket.on('connect', () => { open.push(Number(port)); socket.destroy(); done(); });
    socket.on('error', done);
    socket.setTimeout(2000, () => { socket.destroy(); done(); });
  }));
  Promise.all(tried).then(() => process.stdout.write(JSON.stringify(open)));
`;

/** Ports of one of the kernel's tables, where `is` holds for the line's fields. */
function ports(table: string, is: (address: string, state: string) => boolean): number[] {
  const found = readFileSync(`/proc/net/${table}`, 'utf8').trim().split('\n').slice(1);
  return found.flatMap(line => {
    const [, local = '', , state = ''] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    return is(address, state) ? [Number.parseInt(port, 16)] : [];
  });
}

const program = JSON.parse(process.argv[2] ?? '{}') as Program;
const neighbour = process.argv[3] ?? '';
const camera = await Camera.start({ clips: [await clipFile(CLIPS.small)] });
// In place of the loopback address that tests listen on.
const command = ['sh', '-c', `shift 3; exec '${LAUNCHER}' serve --listen ${HOST}:${WEB_PORT} "$@"`, 'sh'];
const service = await Service.start(withHub(program, { command }));
const id = await addCamera(service, 'Behind', camera.url, { hub: 'go2rtc' });
await hubPid(service);
await recordsAfter(service, id, Date.now());
const settings = (await service.get<Settings>('/api/settings')) as unknown as { go2rtc: { webrtcPort: number } };

const listening = [...new Set(['tcp', 'tcp6'].flatMap(table => ports(table, (_, state) => state === '0A')))];
const node = ['-t', neighbour, '-n', process.execPath, '-e', CONNECT, HOST, ...listening.map(String)];
const reached: Reached = {
  listening,
  open: JSON.parse(execFileSync('nsenter', node, { encoding: 'utf8' })),
  udp: ['udp', 'udp6'].flatMap(table => ports(table, address => !/^0{24}0100007F|^0100007F|^0{31}1$/.test(address))),
  ...{ webPort: WEB_PORT, webrtcPort: settings.go2rtc.webrtcPort },
};
await service.stop();
await camera.stop();
process.stdout.write(JSON.stringify(reached));
process.exit(0);
