// What sort of absence a gap is: it decides how the gap is drawn.
import type { Gap } from '../../../src/api/contract.ts';

export type GapReason = Gap['reason'];

/** `fault`: nobody wanted it (hatched); `intended`: somebody did (dotted); `deleted`: it was there (blank). */
export type GapKind = 'fault' | 'intended' | 'deleted';

const KINDS: Readonly<Record<GapReason, GapKind>> = {
  offline: 'fault',
  refused: 'fault',
  hub: 'fault',
  stalled: 'fault',
  'slow-disk': 'fault',
  'disk-full': 'fault',
  'no-volume': 'fault',
  crash: 'fault',
  'power-cut': 'fault',
  restart: 'fault',
  memory: 'fault',
  clock: 'fault',
  schedule: 'intended',
  stopped: 'intended',
  disabled: 'intended',
  privacy: 'intended',
  quiet: 'intended',
  deleted: 'deleted',
};

/** A reason of a newer service counts as a fault: it is shown rather than hidden. */
export function gapKind(reason: string): GapKind {
  return KINDS[reason as GapReason] ?? 'fault';
}
