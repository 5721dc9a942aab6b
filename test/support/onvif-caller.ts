// Asks the simulated ONVIF camera without a network, unsigned, for tests whose clock stands still.

import { AddressBook } from '../../src/onvif/address.ts';
import { expectAnswer, makeEnvelope, readEnvelope } from '../../src/onvif/envelope.ts';
import { DEVICE_PATH } from '../../src/onvif/index.ts';
import { OnvifError } from '../../src/onvif/problem.ts';
import type { SoapCaller } from '../../src/onvif/soap-client.ts';
import type { OnvifSimulator } from './onvif-simulator.ts';

export interface SimulatedCaller extends SoapCaller {
  addresses: AddressBook;
  /** In place of a call, while set. */
  failure: Error | undefined;
}

export function callerOf(camera: OnvifSimulator): SimulatedCaller {
  const device = { host: '127.0.0.1', port: 80, tls: false, path: DEVICE_PATH };
  return {
    addresses: new AddressBook(device),
    failure: undefined,
    async call({ target, prefix, operation, inside = '', header = '' }, signal) {
      signal.throwIfAborted();
      if (this.failure) throw this.failure;
      const body = makeEnvelope(`<${prefix}:${operation}>${inside}</${prefix}:${operation}>`, header);
      const answer = await orAborted(camera.answer({ path: target.path, body }), signal);
      const envelope = readEnvelope(Buffer.from(answer.body));
      if (!envelope) throw new OnvifError('bad-answer');
      if ('fault' in envelope) throw new OnvifError('fault', { codes: envelope.fault.codes });
      return expectAnswer(envelope.answer, operation);
    },
  };
}

function orAborted<T>(task: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const done = () => signal.removeEventListener('abort', onAbort);
    task.then(resolve, reject).finally(done).catch(reject);
  });
}
