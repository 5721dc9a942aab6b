// Whose clock the pages show: this device's time zone or the board's, and the board's time as far as this device can tell.
import { signal } from '@preact/signals';
import { preferences } from './preferences.ts';
import { me } from './state.ts';
import { isZone, viewerZone } from './time.ts';

/** How far the board's clock is ahead of this device's. */
export const boardAheadMs = signal(0);

/** IANA name of the zone in which times are shown; subscribes to the choice. */
export function zone(): string {
  const board = me.value?.timeZone;
  if (preferences.value.zone === 'board' && board && isZone(board)) return board;
  return viewerZone();
}

/** The time that recordings bear: the board's clock. */
export function now(): number {
  return Date.now() + boardAheadMs.value;
}
