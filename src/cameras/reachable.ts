// Refuses settings with which a stream could never be reached, before they are stored.
import { NvrError } from '../core/index.ts';
import type { CameraRecord } from './camera.ts';
import type { Hub } from './hub.ts';

/** The fields that say how a camera is reached. */
export const EVERY_WAY: readonly string[] = ['hub', 'main', 'sub'];

/** Throws `invalid-argument` when what was written, by the names of its fields, makes a stream one that the hub can never reach. */
export function refuseUnreachable(record: CameraRecord, written: readonly string[], hub: Pick<Hub, 'refusal'>): void {
  for (const stream of ['main', 'sub'] as const) {
    const where = record[stream];
    if (!where || !(written.includes('hub') || written.includes(stream))) continue;
    const choice = record.hub === undefined ? {} : { hub: record.hub };
    const refusal = hub.refusal({ ...choice, ...where, username: '', password: '', ours: false });
    if (!refusal?.field) continue;
    const field = refusal.field === 'hub' ? 'hub' : `${stream}.${refusal.field}`;
    throw new NvrError('invalid-argument', `"${field}" is no way to the camera: ${refusal.message}`, {
      field,
      cure: refusal.cure,
    });
  }
}
