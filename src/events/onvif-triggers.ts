// What a camera itself notices, as triggers: what begins is a start that waits for its own stop, and for no other sensor's.
import { createHash } from 'node:crypto';
import type { CameraId, CameraMessage } from '../core/index.ts';
import type { Trigger } from './trigger.ts';

/** A camera that never says that something is over. */
const MOST_MS = 3_600_000;
const ACTIONS = { begin: 'start', end: 'stop', moment: 'pulse' } as const;

export function onvifTrigger(
  camera: CameraId,
  { kind, change, topic, source, property, timeMs }: CameraMessage,
): Trigger {
  // Two sensors may tell of the same thing, and words of triggers are short.
  const sensor = createHash('sha256')
    .update(JSON.stringify([topic, source, property]))
    .digest('base64url')
    .slice(0, 24);
  const action = ACTIONS[change];
  return {
    ...{ camera, source: 'onvif', action, kind: sensor, label: kind, timeMs },
    ...(action === 'start' ? { durationMs: MOST_MS } : {}),
  };
}
