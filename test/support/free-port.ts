// A port for what has to be told one.
import { type AddressInfo, createServer } from 'node:net';

/** A TCP port of loopback that is free at the moment. One that was asked for can be listened on again at once. */
export function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
