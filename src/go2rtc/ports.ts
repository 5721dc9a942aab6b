// Ports of this machine: one that is free, and what is wrong with a certain one.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** A port of TCP that was free on 127.0.0.1 a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** What keeps us from listening there (`EADDRINUSE`, ...), for TCP and UDP, on all of the addresses; empty = on any. Never rejects. */
export async function portFault(port: number, addresses: readonly string[]): Promise<string | undefined> {
  const hosts = addresses.length > 0 ? addresses : ['0.0.0.0'];
  const found = await Promise.all(hosts.flatMap(host => [tcpFault(port, host), udpFault(port, host)]));
  return found.find(code => code !== undefined);
}

function tcpFault(port: number, host: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'failed'));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function udpFault(port: number, host: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? 'failed');
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
}
