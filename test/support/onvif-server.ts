// Puts the simulated ONVIF camera on a port of the loopback address.
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { systemClock } from '../../src/core/index.ts';
import { type OnvifQuirks, OnvifSimulator } from './onvif-simulator.ts';

export interface OnvifServer {
  camera: OnvifSimulator;
  port: number;
  /** Connections so far. */
  connections(): number;
  close(): Promise<void>;
}

/** With `tls` it speaks HTTPS. */
export async function startOnvifServer(
  quirks: Partial<OnvifQuirks> = {},
  port = 0,
  tls?: { certificate: string; key: string },
): Promise<OnvifServer> {
  const camera = new OnvifSimulator(systemClock, quirks);
  const sockets = new Set<Socket>();
  let connections = 0;
  const listener: RequestListener = (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', async () => {
      const { url = '', headers } = request;
      const body = Buffer.concat(pieces).toString();
      const answer = await camera.answer({ path: url, body, authorization: headers.authorization });
      response.writeHead(answer.status, { 'Content-Type': 'application/soap+xml', ...answer.headers });
      response.end(answer.body);
    });
  };
  const server = tls ? createTlsServer({ cert: tls.certificate, key: tls.key }, listener) : createServer(listener);
  server.on('connection', socket => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  const own = (server.address() as AddressInfo).port;
  camera.authority = `127.0.0.1:${own}`;
  return {
    camera,
    port: own,
    connections: () => connections,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
