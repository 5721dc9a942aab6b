// The numbers that stand for gap reasons on disk, for ever; new reasons take new numbers.
import { GAP_REASONS, type GapReason } from '../core/index.ts';

export const GAP_REASON_CODES: Record<GapReason, number> = {
  offline: 0,
  refused: 1,
  hub: 2,
  stalled: 3,
  'slow-disk': 4,
  'disk-full': 5,
  'no-volume': 6,
  crash: 7,
  'power-cut': 8,
  restart: 9,
  memory: 10,
  clock: 11,
  schedule: 12,
  stopped: 13,
  disabled: 14,
  privacy: 15,
  quiet: 16,
  deleted: 17,
};

export const GAP_REASONS_BY_CODE = new Map(GAP_REASONS.map(reason => [GAP_REASON_CODES[reason], reason]));
