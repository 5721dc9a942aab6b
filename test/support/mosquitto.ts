// A real broker, Debian's mosquitto, as a child process on this machine, and a client of ours that listens and speaks to it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../src/core/index.ts';
import { BrokerLink } from '../../src/mqtt/broker-link.ts';
import { Child } from './child.ts';
import { freePort } from './free-port.ts';
import { tempDir } from './temp.ts';

const PROGRAM = '/usr/sbin/mosquitto';

/** Why there is no broker; undefined when there is one. */
export function brokerProblem(): string | undefined {
  return spawnSync(PROGRAM, ['-h']).error ? 'mosquitto is not installed' : undefined;
}

export interface BrokerSetUp {
  /** Users with their passwords; without any, everybody may come. */
  users?: Record<string, string>;
  /** Lines of an ACL file. */
  acl?: string[];
  /** Further lines of its configuration. */
  lines?: string[];
  /** PEM files, for TLS. */
  tls?: { ca: string; cert: string; key: string; asksForCertificate?: boolean };
}

/** A broker that can be killed and come back at the same port, with or without what it had retained. */
export class Mosquitto {
  readonly port: number;
  readonly #dir = tempDir('broker');
  readonly #keeps: boolean;
  #child: Child | undefined;

  private constructor(port: number, keeps: boolean) {
    this.port = port;
    this.#keeps = keeps;
  }

  /** `keeps`: what is retained outlives it. */
  static async start(setUp: BrokerSetUp = {}, keeps = false): Promise<Mosquitto> {
    const port = await freePort();
    const broker = new Mosquitto(port, keeps);
    broker.#write(setUp);
    await broker.start();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const child = new Child(PROGRAM, ['-c', join(this.#dir, 'mosquitto.conf')]);
    this.#child = child;
    for (let n = 0; n < 300; n++) {
      if (await canConnect(this.port)) return;
      if (!child.running) break;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    throw new Error(`mosquitto does not listen: ${child.stderr.join('\n')}`);
  }

  /** As a power cut ends it, or in good order. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child?.kill(signal);
    await this.#child?.exited;
  }

  #write({ users, acl, lines = [], tls }: BrokerSetUp): void {
    const file = (name: string, text: string) => {
      const path = join(this.#dir, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const config = [`listener ${this.port} 127.0.0.1`, 'max_queued_messages 10000', ...lines];
    // It would change to a user of its own, who may not read the folder.
    if (process.getuid?.() === 0) config.push('user root');
    if (users) {
      const path = file(
        'passwords',
        Object.entries(users)
          .map(pair => `${pair.join(':')}\n`)
          .join(''),
      );
      const made = spawnSync('mosquitto_passwd', ['-U', path]);
      if (made.status !== 0) throw new Error(String(made.stderr));
      config.push(`password_file ${path}`, 'allow_anonymous false');
    } else config.push('allow_anonymous true');
    if (acl) config.push(`acl_file ${file('acl', `${acl.join('\n')}\n`)}`);
    if (tls) config.push(`cafile ${tls.ca}`, `certfile ${tls.cert}`, `keyfile ${tls.key}`);
    if (tls?.asksForCertificate) config.push('require_certificate true');
    if (this.#keeps) {
      const kept = join(this.#dir, 'kept');
      mkdirSync(kept);
      config.push('persistence true', `persistence_location ${kept}/`);
    }
    file('mosquitto.conf', `${config.join('\n')}\n`);
  }
}

/** What a client heard. */
export interface Message {
  topic: string;
  text: string;
  payload: Buffer;
  isRetained: boolean;
}

export interface Login {
  username?: string;
  password?: string;
}

/** Somebody else at the broker. */
export class Listener {
  readonly messages: Message[] = [];
  readonly #abort = new AbortController();
  #link: BrokerLink | undefined;

  static async at(broker: Mosquitto, filters: readonly string[], login: Login = {}): Promise<Listener> {
    const listener = new Listener();
    const target = { url: broker.url, clientId: `listener${Math.random().toString(36).slice(2, 10)}`, ...login };
    listener.#link = await BrokerLink.open(
      target,
      5,
      {
        clock: systemClock,
        onMessage: (topic, payload, isRetained) =>
          listener.messages.push({ topic, payload, text: payload.toString('utf8'), isRetained }),
        onOversized: () => undefined,
        onClosed: () => undefined,
        onRoom: () => undefined,
      },
      listener.#abort.signal,
    );
    await listener.#link.subscribe(filters.map(filter => ({ filter, retained: true })));
    await listener.#link.settled();
    return listener;
  }

  async send(topic: string, payload: string | Buffer, retain = false): Promise<void> {
    await this.#link?.publishSurely({ topic, payload: Buffer.from(payload), qos: 1, retain });
  }

  /** The newest of a topic. */
  last(topic: string): Message | undefined {
    return this.messages.findLast(message => message.topic === topic);
  }

  /** Resolves when what was heard satisfies `done`; rejects after `timeoutMs` with what was heard. */
  async until(what: string, done: () => boolean, timeoutMs = 15_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!done()) {
      if (Date.now() > deadline) {
        const heard = this.messages.slice(-40).map(({ topic, text }) => `${topic} ${text.slice(0, 120)}`);
        throw new Error(`${what}: not within ${timeoutMs} ms\n${heard.join('\n')}`);
      }
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  stop(): void {
    this.#link?.leave();
  }
}

/** What a broker has retained, by topic. */
export async function retainedAt(
  broker: Mosquitto,
  filters: readonly string[] = ['#'],
  login: Login = {},
): Promise<Map<string, Message>> {
  const listener = await Listener.at(broker, filters, login);
  listener.stop();
  return new Map(listener.messages.filter(({ isRetained }) => isRetained).map(one => [one.topic, one]));
}

function canConnect(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
