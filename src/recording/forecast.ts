// Foretells how many days of footage each camera will keep, from how much it writes and from the rules of retention.
import type { CameraId } from '../core/index.ts';
import { ageWeight, type DeletionCause } from './retention-plan.ts';

export interface ForecastCamera {
  camera: CameraId;
  priority: number;
  /** All that it records is footage of events; of other cameras' footage that part is not known beforehand, and left out. */
  eventsOnly: boolean;
  days: number | null;
  quotaBytes: number | null;
  /** What it writes in a day of recording at present. */
  bytesPerDay: number;
  lockedBytes: number;
}

export interface ForecastInput {
  cameras: ForecastCamera[];
  /** Of the volume: free space and footage together, less the floor. */
  roomBytes: number;
  totalQuotaBytes: number | null;
}

export interface CameraForecast {
  camera: CameraId;
  bytesPerDay: number;
  /** Null for a camera that writes nothing. */
  days: number | null;
  /** The rule that ends them. */
  limit: DeletionCause | null;
}

/**
 * The shared room is dealt out as retention does it: all cameras reach back equally far, weighted by priority and by whether they record events only, unless age or a quota of their
 * own ends one earlier.
 */
export function forecast({ cameras, roomBytes, totalQuotaBytes }: ForecastInput): CameraForecast[] {
  const lockedBytes = cameras.reduce((sum, camera) => sum + camera.lockedBytes, 0);
  const byQuota = totalQuotaBytes !== null && totalQuotaBytes < roomBytes;
  const shared = Math.max(0, (byQuota ? totalQuotaBytes : roomBytes) - lockedBytes);
  const writing = cameras.filter(camera => camera.bytesPerDay > 0).map(camera => ({ camera, own: ownLimit(camera) }));
  const horizon = commonDays(writing, shared);
  return cameras.map(({ camera, bytesPerDay, priority, eventsOnly }): CameraForecast => {
    const own = writing.find(entry => entry.camera.camera === camera)?.own;
    if (!own) return { camera, bytesPerDay, days: null, limit: null };
    const days = horizon / ageWeight(priority, eventsOnly);
    if (own.days <= days) return { camera, bytesPerDay, days: own.days, limit: own.limit };
    return { camera, bytesPerDay, days, limit: byQuota ? 'total-quota' : 'floor' };
  });
}

interface OwnLimit {
  days: number;
  limit: DeletionCause | null;
}

function ownLimit({ days, quotaBytes, bytesPerDay, lockedBytes }: ForecastCamera): OwnLimit {
  const byQuota = quotaBytes === null ? Number.POSITIVE_INFINITY : Math.max(0, quotaBytes - lockedBytes) / bytesPerDay;
  const byAge = days ?? Number.POSITIVE_INFINITY;
  return byAge <= byQuota ? { days: byAge, limit: 'age' } : { days: byQuota, limit: 'camera-quota' };
}

/** How far back a camera of middle priority reaches when all together fill `bytes`: what one does not take is left to the others. */
function commonDays(writing: readonly { camera: ForecastCamera; own: OwnLimit }[], bytes: number): number {
  let left = bytes;
  let open = writing.map(({ camera, own }) => {
    const weight = ageWeight(camera.priority, camera.eventsOnly);
    const perDay = camera.bytesPerDay / weight;
    return { perDay, untilDays: own.days * weight, bytes: own.days * camera.bytesPerDay };
  });
  for (;;) {
    const rate = open.reduce((sum, camera) => sum + camera.perDay, 0);
    if (rate === 0) return Number.POSITIVE_INFINITY;
    const days = left / rate;
    const ended = open.filter(camera => camera.untilDays <= days);
    if (ended.length === 0) return days;
    left -= ended.reduce((sum, camera) => sum + camera.bytes, 0);
    open = open.filter(camera => !ended.includes(camera));
  }
}
