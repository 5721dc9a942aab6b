// Runs in a network of its own: cameras that answer a discovery, honest and other ones, and the look for them. Prints what was found.
import { createSocket, type Socket } from 'node:dgram';
import { systemClock } from '../../src/core/index.ts';
import { discover } from '../../src/onvif/index.ts';

const GROUP = '239.255.255.250';

function match(addresses: string, scopes = ''): string {
  return `<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:camera</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>${addresses}</d:XAddrs></d:ProbeMatch>`;
}

function answer(relatesTo: string, matches: string): string {
  return `<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header><a:RelatesTo>${relatesTo}</a:RelatesTo></e:Header><e:Body><d:ProbeMatches>${matches}</d:ProbeMatches></e:Body></e:Envelope>`;
}

const SCOPES =
  'onvif://www.onvif.org/name/Front%20Door onvif://www.onvif.org/hardware/M1 onvif://www.onvif.org/location/%0A%3Cb%3E onvif://www.onvif.org/name/second';

/** What each address answers to a probe with this id. */
const ANSWERS: Record<string, (id: string) => string[]> = {
  '10.77.0.2': id => [answer(id, match('http://169.254.1.1/x http://10.77.0.2:8899/onvif/device_service', SCOPES))],
  // Somebody else's address, and an id without its beginning, as some write it.
  '10.77.0.3': id => [answer(id.replace('urn:', ''), match('http://10.66.0.1/evil'))],
  '10.77.0.4': () => [answer('urn:uuid:00000000-0000-0000-0000-000000000000', match('http://10.77.0.4/x'))],
  '10.77.0.5': id => [
    'garbage',
    `<!DOCTYPE x>${answer(id, match('http://10.77.0.5/x'))}`,
    answer(id, match(`http://10.77.0.5/${'x'.repeat(30_000)}`)),
  ],
  '10.77.0.6': id =>
    Array.from({ length: 500 }, (_, n) =>
      answer(id, Array.from({ length: 20 }, (_, m) => match(`http://10.77.0.6:${n * 20 + m + 1}/x`)).join('')),
    ),
};

const bound = (address: string) =>
  new Promise<Socket>(resolve => {
    const socket = createSocket('udp4');
    socket.bind(0, address, () => resolve(socket));
  });
const senders = await Promise.all(
  Object.entries(ANSWERS).map(async ([address, answers]) => ({ socket: await bound(address), answers })),
);
const listener = createSocket({ type: 'udp4', reuseAddr: true });
const types = new Set<string>();
listener.on('message', (message, from) => {
  const text = message.toString();
  types.add(/Types>([^<]*)</.exec(text)?.[1] ?? '');
  const id = /MessageID>([^<]*)</.exec(text)?.[1] ?? '';
  for (const { socket, answers } of senders)
    for (const one of answers(id)) socket.send(one, from.port, from.address, () => undefined);
});
await new Promise<void>(resolve =>
  listener.bind(3702, () => {
    listener.addMembership(GROUP, '10.77.0.1');
    resolve();
  }),
);
const { signal } = new AbortController();
const options = { clock: systemClock, signal, allowLoopback: false, waitMs: 4000 };
const found = await discover({ ...options, interfaces: ['10.77.0.1', '10.99.99.99'] });
process.stdout.write(JSON.stringify({ ...found, types: [...types] }));
listener.close();
for (const { socket } of senders) socket.close();
