// What is kept of a camera's ONVIF abilities between runs: how much, and when it is worth writing anew.
import { isDeepStrictEqual } from 'node:util';
import type { OnvifCapabilities } from '../onvif/index.ts';

/** A camera's whole record has 64 KiB. */
const MAX_CHARS = 16 * 1024;
/** The offset is measured anew each time, to about a second. */
const OFFSET_STEP_MS = 5000;

/** As much of it as is kept: of recorders with very many profiles the first. */
export function fitting(found: OnvifCapabilities): OnvifCapabilities {
  let kept = found;
  while (kept.profiles.length + kept.relays.length > 0 && JSON.stringify(kept).length > MAX_CHARS) {
    const { profiles, relays } = kept;
    kept = {
      ...kept,
      profiles: profiles.slice(0, Math.floor(profiles.length / 2)),
      relays: relays.slice(0, Math.floor(relays.length / 2)),
    };
  }
  return kept;
}

export function isNews(found: OnvifCapabilities, known: OnvifCapabilities | undefined): boolean {
  if (!known || Math.abs(found.clockOffsetMs - known.clockOffsetMs) > OFFSET_STEP_MS) return true;
  const same = { ...fitting(found), clockOffsetMs: known.clockOffsetMs };
  return !isDeepStrictEqual(JSON.parse(JSON.stringify(same)), JSON.parse(JSON.stringify(known)));
}
