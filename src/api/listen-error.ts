// Words for addresses that cannot be listened on.
import { fromSystem, NvrError } from '../core/index.ts';

/** `flag`: where the address comes from. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number, flag: string): NvrError {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (error.code === 'EADDRINUSE') {
    return new NvrError('failed-precondition', `${address} is in use by another program`, {
      field: flag,
      cure: `Stop that program, or choose another port with ${flag}.`,
      cause: error,
    });
  }
  if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL') {
    return new NvrError('failed-precondition', `${address} cannot be listened on: ${error.code}`, {
      field: flag,
      cure: `Choose another address with ${flag}.`,
      cause: error,
    });
  }
  return fromSystem(error, `listening on ${address} failed`);
}
