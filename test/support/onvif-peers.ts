// ONVIF devices that are not ours, as child processes: a simulator in Go (GyeongHoKim/onvif-simulator, named by ONVIF_SIMULATOR) and a
// server for small cameras in C (roleoroleo/onvif_simple_server; ONVIF_SIMPLE_SERVER names the folder it was built in).
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { Child, run } from './child.ts';
import { tempDir } from './temp.ts';

export interface Peer {
  port: number;
  /** What it calls itself, or a part of it. */
  model: string;
  username: string;
  password: string;
  /** The streams that it is to name. */
  sizes: string[];
  hasPtz: boolean;
  motion(isOn: boolean): Promise<void>;
  /** The commands that moved it, with UTC ms. */
  moves(): { atMs: number; command: string }[];
  stop(): Promise<void>;
}

const LOGIN = { username: 'admin', password: 'of the peer' };

/** `clip`: H.264 of 1280x720, which it plays. */
export async function startGoSimulator(program: string, port: number, address: string, clip: string): Promise<Peer> {
  const folder = tempDir('peer');
  const config = join(folder, 'onvif-simulator.json');
  const profile = (token: string) => ({ name: token, token, media_file_path: clip, video_source_token: 'VS' });
  const set = {
    version: 1,
    device: {
      uuid: 'urn:uuid:00000000-0000-4000-8000-000000000077',
      ...{ manufacturer: 'Others', model: 'SimCam', serial: 'S', firmware: '1' },
      scopes: ['onvif://www.onvif.org/name/simulator', 'onvif://www.onvif.org/hardware/SimCam'],
    },
    network: { http_port: port, rtsp_port: port + 1, xaddrs: [`http://${address}:${port}/onvif/device_service`] },
    media: { profiles: [profile('main'), profile('other')] },
    auth: {
      enabled: true,
      users: [{ ...LOGIN, role: 'Administrator' }],
      digest: { realm: 'peer', algorithms: ['MD5'], nonce_ttl: '5m' },
    },
    runtime: { discovery_mode: 'Discoverable', hostname: 'peer' },
    events: {
      ...{ max_pull_points: 4, subscription_timeout: '1h' },
      topics: [{ name: 'tns1:VideoSource/MotionAlarm', enabled: true }],
    },
  };
  writeFileSync(config, JSON.stringify(set));
  // It keeps the port of its own control there.
  const env = { ...process.env, XDG_CONFIG_HOME: folder, HOME: folder };
  const child = new Child(program, ['serve', '-config', config], { env });
  await child.line(line => (line.startsWith('control port') ? line : undefined), 20_000);
  return {
    ...{ port, model: 'SimCam', ...LOGIN, sizes: ['1280x720'], hasPtz: false },
    motion: async isOn => {
      const told = new Child(program, ['event', 'motion', 'VS', isOn ? 'on' : 'off'], { env });
      const { code } = await told.exited;
      if (code !== 0) throw new Error(told.stderr.join('\n'));
    },
    moves: () => [],
    stop: async () => void (await child.stop()),
  };
}

/** The one folder that its notifier looks at. */
const SWITCHES = '/tmp/onvif_notify_server';

/** Its programs are run by a web server: ours, for each request. */
export async function startSimpleServer(folder: string, network: string, stream: string): Promise<Peer> {
  const own = tempDir('peer');
  const [config, log, say, notifier] = ['server.conf', 'moves', 'say', 'pid'].map(name => join(own, name)) as [
    ...[string, string, string, string],
  ];
  writeFileSync(log, '');
  writeFileSync(say, `#!/bin/sh\necho "$(date +%s%3N) $*" >> ${log}\n`, { mode: 0o755 });
  writeFileSync(join(own, 'presets'), '#!/bin/sh\necho "0=door,1.0,2.0,0.0"\necho "1=yard,3.0,4.0,0.0"\n', {
    mode: 0o755,
  });
  writeFileSync(join(own, 'position'), '#!/bin/sh\necho "0.0,0.0,0.0"\n', { mode: 0o755 });
  writeFileSync(join(own, 'still'), '#!/bin/sh\necho 0\n', { mode: 0o755 });
  mkdirSync(SWITCHES, { recursive: true });
  const motion = join(SWITCHES, 'motion_alarm');
  rmSync(motion, { force: true });
  const server = createServer((request, response) => {
    const name = basename(new URL(request.url ?? '/', 'http://peer').pathname);
    if (!/^[a-z0-9]+_service$/.test(name)) {
      response.writeHead(404).end();
      return;
    }
    const env = {
      ...{
        PATH: process.env.PATH,
        GATEWAY_INTERFACE: 'CGI/1.1',
        REQUEST_METHOD: request.method ?? '',
        REQUEST_URI: request.url,
      },
      ...{ REMOTE_ADDR: request.socket.remoteAddress?.replace('::ffff:', ''), SCRIPT_NAME: `/onvif/${name}` },
      ...{ CONTENT_LENGTH: request.headers['content-length'] ?? '0', CONTENT_TYPE: request.headers['content-type'] },
      ...{ QUERY_STRING: new URL(request.url ?? '/', 'http://peer').search.slice(1) },
    };
    const child = spawn(join(folder, 'onvif_simple_server'), ['-c', config], { argv0: name, cwd: folder, env });
    request.pipe(child.stdin);
    child.stdin.on('error', () => undefined);
    response.on('close', () => child.kill());
    const pieces: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    child.on('close', () => {
      const [head = '', ...rest] = Buffer.concat(pieces).toString('latin1').split('\r\n\r\n');
      const lines = head.split('\r\n').map(line => /^([^:]+): ?(.*)$/.exec(line) ?? []);
      const status = Number(lines.find(([, key]) => key === 'Status')?.[2]?.slice(0, 3) ?? 200);
      const headers = lines.flatMap(([, key, value]) => (key && key !== 'Status' ? [[key, value ?? '']] : []));
      response.writeHead(status, Object.fromEntries(headers)).end(Buffer.from(rest.join('\r\n\r\n'), 'latin1'));
    });
  });
  await new Promise<void>(resolve => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  const moving = ['left', 'right', 'up', 'down', 'in', 'out'].map(way => `move_${way}=${say} ${way} %f`);
  const profile = (name: string, width: number, height: number) => [
    ...[`name=${name}`, `width=${width}`, `height=${height}`, `url=${stream}`, 'snapurl=http://%s/s.jpg'],
    ...['type=H264', 'audio_encoder=NONE', 'audio_decoder=NONE'],
  ];
  const lines = [
    ...['model=SmallCam', 'manufacturer=Others', 'firmware_ver=1', 'hardware_id=H', 'serial_num=S', `port=${port}`],
    ...['scope=onvif://www.onvif.org/Profile/Streaming', `user=${LOGIN.username}`, `password=${LOGIN.password}`],
    ...['adv_enable_media2=1', 'adv_fault_if_unknown=1', 'adv_fault_if_set=0', 'adv_synology_nvr=0'],
    ...profile('Profile_0', 1280, 720),
    ...profile('Profile_1', 640, 360),
    ...['ptz=1', 'min_step_x=0', 'max_step_x=360', 'min_step_y=0', 'max_step_y=180', 'min_step_z=0', 'max_step_z=0'],
    ...[
      `get_position=${join(own, 'position')}`,
      `is_moving=${join(own, 'still')}`,
      ...moving,
      `move_stop=${say} stop %s`,
    ],
    ...[`move_preset=${say} preset %d`, `goto_home_position=${say} home`, `set_preset=${say} keep %d %s`],
    ...[`set_home_position=${say} keep-home`, `remove_preset=${say} remove %d`, `jump_to_abs=${say} to %f,%f,%f`],
    ...[`jump_to_rel=${say} by %f,%f,%f`, `get_presets=${join(own, 'presets')}`],
    ...['events=1', 'topic=tns1:VideoSource/MotionAlarm', 'source_name=Source', 'source_type=tt:ReferenceToken'],
    ...['source_value=VideoSourceToken', `input_file=${motion}`],
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const notify = new Child(
    join(folder, 'onvif_notify_server'),
    ['-c', config, '-p', notifier, '-t', join(folder, 'notify_files'), '-f'],
    // Its own address is that on the way to there.
    { cwd: folder, env: { ...process.env, REMOTE_ADDR: '127.0.0.1' } },
  );
  const discovery = new Child(
    join(folder, 'wsd_simple_server'),
    [
      '-i',
      network,
      '-x',
      `http://%s:${port}/onvif/device_service`,
      '-m',
      'SmallCam',
      '-n',
      'Others',
      '-p',
      `${notifier}2`,
      ...['-t', join(folder, 'wsd_files')],
      '-f',
    ],
    { cwd: folder },
  );
  return {
    ...{ port, model: 'SmallCam', ...LOGIN, sizes: ['1280x720', '640x360'], hasPtz: true },
    motion: async isOn => {
      if (isOn) writeFileSync(motion, '');
      else if (existsSync(motion)) rmSync(motion);
    },
    moves: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .flatMap(line => {
          const [, at, command = ''] = /^(\d+) (.*)$/.exec(line) ?? [];
          return at === undefined ? [] : [{ atMs: Number(at), command }];
        }),
    stop: async () => {
      await Promise.all([notify.stop(), discovery.stop()]);
      server.close();
      server.closeAllConnections();
      await run('rm', ['-rf', motion]);
    },
  };
}
