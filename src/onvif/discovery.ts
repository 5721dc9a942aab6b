// WS-Discovery, only when somebody asks: one probe per network, answers bounded in number, size and time, and believed about their sender only.
import { randomUUID } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { addressKind, type Clock } from '../core/index.ts';
import { DEVICE_PATH, type DeviceAddress, readAddress } from './address.ts';
import { parseXml, type XmlElement, XmlError } from './xml.ts';
import { children, find, isOfProtocol, label, textAt } from './xml-find.ts';

export interface FoundCamera {
  device: DeviceAddress;
  name?: string;
  hardware?: string;
  location?: string;
  /** Its own mark, for telling that two addresses are one camera. */
  endpoint?: string;
}

export interface DiscoveryOptions {
  clock: Clock;
  signal: AbortSignal;
  allowLoopback: boolean;
  /** How long answers are waited for, at most 5 s; default 3 s. */
  waitMs?: number;
  /** IPv4 addresses of the networks to ask; default: all of this machine's that can. */
  interfaces?: readonly string[];
}

export interface DiscoveryResult {
  cameras: FoundCamera[];
  /** Networks that could not be asked: their address and the system's word. */
  failed: { address: string; reason: string }[];
}

const GROUP = '239.255.255.250';
const PORT = 3702;
const MAX_INTERFACES = 16;
const MAX_CAMERAS = 256;
const MAX_ANSWERS = 1024;
/** One camera answers once or twice for each probe, on each of its addresses. */
const MAX_ANSWERS_OF_ONE = 32;
const MAX_MATCHES = 8;
const MAX_ANSWER_BYTES = 16 * 1024;
const DEFAULT_WAIT_MS = 3000;
const MAX_WAIT_MS = 5000;
/** UDP loses packets. */
const REPEAT_MS = 500;

export async function discover(options: DiscoveryOptions): Promise<DiscoveryResult> {
  const { clock, signal, interfaces = ownNetworks(options.allowLoopback), waitMs = DEFAULT_WAIT_MS } = options;
  signal.throwIfAborted();
  const search = new Search(options.allowLoopback);
  const failed: DiscoveryResult['failed'] = [];
  const sockets: Socket[] = [];
  try {
    await Promise.all(
      interfaces.slice(0, MAX_INTERFACES).map(async address => {
        try {
          sockets.push(await openSocket(address, search));
        } catch (error) {
          failed.push({ address, reason: (error as NodeJS.ErrnoException).code ?? 'unknown' });
        }
      }),
    );
    const ask = () => {
      for (const socket of sockets) for (const probe of search.probes) socket.send(probe, PORT, GROUP, () => undefined);
    };
    ask();
    const limitMs = Math.min(waitMs, MAX_WAIT_MS);
    if (limitMs > REPEAT_MS) {
      await clock.sleep(REPEAT_MS, signal);
      ask();
    }
    await clock.sleep(Math.max(limitMs - REPEAT_MS, 0), signal);
  } finally {
    for (const socket of sockets) socket.close();
  }
  return { cameras: search.cameras, failed };
}

/** Answers go to the probe's own port, so nothing of ours can be reached by strangers on 3702. */
function openSocket(address: string, search: Search): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 256 * 1024 });
    socket.once('error', error => {
      socket.close();
      reject(error);
    });
    socket.bind(0, address, () => {
      try {
        socket.setMulticastInterface(address);
        socket.setMulticastTTL(1);
      } catch (error) {
        socket.close();
        reject(error);
        return;
      }
      socket.removeAllListeners('error');
      socket.on('error', () => undefined);
      socket.on('message', (message, from) => search.hear(message, from));
      resolve(socket);
    });
  });
}

function ownNetworks(allowLoopback: boolean): string[] {
  return Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && (allowLoopback || !internal))
    .map(({ address }) => address);
}

/** Collects the answers to one set of probes. */
class Search {
  readonly probes: readonly Buffer[];
  readonly #ids: ReadonlySet<string>;
  readonly #allowLoopback: boolean;
  readonly #found = new Map<string, FoundCamera>();
  readonly #answersOf = new Map<string, number>();
  #answers = 0;

  constructor(allowLoopback: boolean) {
    this.#allowLoopback = allowLoopback;
    // Some answer only when asked for the one kind, some only for the other.
    const probes = ['dn:NetworkVideoTransmitter', 'tds:Device'].map(type => ({ id: `urn:uuid:${randomUUID()}`, type }));
    this.#ids = new Set(probes.map(one => bareId(one.id)));
    this.probes = probes.map(({ id, type }) => Buffer.from(probeMessage(id, type)));
  }

  get cameras(): FoundCamera[] {
    return [...this.#found.values()];
  }

  hear(message: Buffer, from: RemoteInfo): void {
    const { address } = from;
    const count = (this.#answersOf.get(address) ?? 0) + 1;
    if (message.length > MAX_ANSWER_BYTES || count > MAX_ANSWERS_OF_ONE || ++this.#answers > MAX_ANSWERS) return;
    this.#answersOf.set(address, count);
    const kind = addressKind(address);
    if (kind === 'other' || (kind === 'loopback' && !this.#allowLoopback)) return;
    const matches = this.#matches(message);
    this.#answersOf.set(address, count + matches.length);
    for (const match of matches) {
      const found = readMatch(match, address);
      const { host, port } = found.device;
      const key = `${host}:${port}`;
      if (this.#found.size < MAX_CAMERAS && !this.#found.has(key)) this.#found.set(key, found);
    }
  }

  #matches(message: Buffer): XmlElement[] {
    let root: XmlElement;
    try {
      root = parseXml(message);
    } catch (error) {
      if (error instanceof XmlError) return [];
      throw error;
    }
    const related = bareId(textAt(root, 'Header/RelatesTo') ?? '');
    if (root.name !== 'Envelope' || !isOfProtocol(root) || !this.#ids.has(related)) return [];
    return children(find(root, 'Body/ProbeMatches'), 'ProbeMatch').slice(0, MAX_MATCHES);
  }
}

/** Cameras drop parts of the "urn:uuid:". */
function bareId(id: string): string {
  return id.replace(/^(urn:)?(uuid:)?/i, '').toLowerCase();
}

/** The address that it was heard from; of those that it names only port and path count, best of the one that is the same. */
function readMatch(match: XmlElement, host: string): FoundCamera {
  const sent = (textAt(match, 'XAddrs') ?? '').split(/\s+/).slice(0, 16).map(readAddress);
  const own = sent.find(one => one?.host === host) ?? sent.find(one => one !== undefined);
  const scopes = (textAt(match, 'Scopes') ?? '').split(/\s+/).slice(0, 64);
  const values = {
    name: scopeValue(scopes, 'name'),
    hardware: scopeValue(scopes, 'hardware'),
    location: scopeValue(scopes, 'location'),
    endpoint: label(textAt(match, 'EndpointReference/Address'), 128),
  };
  const present = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  const device = own
    ? { host, port: own.port, tls: own.tls, path: own.path }
    : { host, port: 80, tls: false, path: DEVICE_PATH };
  return { device, ...present };
}

function scopeValue(scopes: readonly string[], name: string): string | undefined {
  const prefix = `onvif://www.onvif.org/${name}/`;
  const scope = scopes.find(one => one.toLowerCase().startsWith(prefix))?.slice(prefix.length);
  if (scope === undefined) return undefined;
  try {
    return label(decodeURIComponent(scope).replaceAll('_', ' '));
  } catch {
    return label(scope);
  }
}

function probeMessage(id: string, type: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">' +
    `<s:Header><a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action><a:MessageID>${id}</a:MessageID>` +
    '<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>' +
    '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>' +
    `<s:Body><d:Probe><d:Types>${type}</d:Types></d:Probe></s:Body></s:Envelope>`
  );
}
