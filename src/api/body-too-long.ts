// The words for a body beyond its limit.
import { NvrError } from '../core/index.ts';

export function bodyTooLong(maxBytes: number): NvrError {
  return new NvrError('invalid-argument', `the body is longer than ${maxBytes} bytes`, { cure: 'Send less.' });
}
