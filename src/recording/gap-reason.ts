// Why a stream does not record, in the words of the timeline.
import type { CameraProblem } from '../cameras/index.ts';
import type { GapReason } from '../core/index.ts';
import type { LinkProblem } from '../native/index.ts';

const LINK_REASONS: Record<LinkProblem, GapReason> = {
  // Nobody listens at the address: the camera is off or starting.
  refused: 'offline',
  unreachable: 'offline',
  'unknown-host': 'offline',
  timeout: 'offline',
  closed: 'offline',
  'address-forbidden': 'refused',
  unauthorized: 'refused',
  'not-found': 'refused',
  'no-video': 'refused',
  'unsupported-codec': 'refused',
  'unsupported-transport': 'refused',
  busy: 'refused',
  'not-rtsp': 'refused',
  'server-error': 'refused',
  stalled: 'stalled',
  'no-keyframe': 'stalled',
  hub: 'hub',
};

export function reasonOfLink(problem: LinkProblem): GapReason {
  return LINK_REASONS[problem];
}

const UNTRIED_REASONS: Partial<Record<string, GapReason>> = {
  'password-unreadable': 'refused',
  hub: 'hub',
  // These three also where the hub says so, and nothing is heard of the engine.
  unauthorized: 'refused',
  'address-forbidden': 'refused',
  'unknown-host': 'offline',
} satisfies Partial<Record<CameraProblem, GapReason>>;

/** Of a camera that is not even tried; undefined for what the engine tells of, and for cameras that are meant to rest. */
export function reasonOfUntried(problem: string | undefined): GapReason | undefined {
  return problem === undefined ? undefined : UNTRIED_REASONS[problem];
}

/** `code` = errno name of the step that failed, or `slow-disk`. */
export function reasonOfStorage(code: string): GapReason {
  if (code === 'slow-disk') return 'slow-disk';
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'disk-full';
  // No file can hold what the camera sends.
  if (code === 'EINVAL') return 'refused';
  return 'no-volume';
}

const LINK_GAPS: ReadonlySet<GapReason> = new Set(['offline', 'refused', 'stalled', 'hub']);
/** Over as soon as this service runs and wants to record. */
const PAST_GAPS: ReadonlySet<GapReason> = new Set([
  'crash',
  'power-cut',
  'memory',
  'restart',
  'stopped',
  'disabled',
  'schedule',
  'privacy',
  'quiet',
]);

export function isPast(reason: GapReason): boolean {
  return PAST_GAPS.has(reason);
}

/** True when a gap that goes on is to end, and another to begin, because of what was heard now. */
export function replaces(ongoing: GapReason, heard: GapReason): boolean {
  if (ongoing === heard) return false;
  if (isPast(ongoing)) return true;
  // A camera that froze and then drops the connection, or cannot be reached again, has one gap.
  if (ongoing === 'stalled' && heard === 'offline') return false;
  return LINK_GAPS.has(ongoing) && LINK_GAPS.has(heard);
}
