// What the rest of the service sees of `storage`: the store and the shapes that it takes and gives.
export type { AccountChange, AccountKind, AccountRow, AccountTable } from './accounts.ts';
export type { AuditLine, AuditTable } from './audit.ts';
export type { BootFacts } from './boot.ts';
export type { CameraRow } from './cameras.ts';
export { type CheckOptions, checkStore } from './check.ts';
export {
  type EventBox,
  type EventFields,
  type EventPage,
  type EventPatch,
  type EventQuery,
  parseEventId,
  type StoredEvent,
  TRIGGER_SOURCES,
  type TriggerSource,
} from './event.ts';
export { isReviewedBy, type Reviewers, withReview } from './event-reviewers.ts';
export { type Gap, MIN_GAP_MS } from './gaps.ts';
export type { Inspection, StoreFault, StoreFaultKind } from './inspection.ts';
export type { Mended } from './mending.ts';
export type { StoreProblem } from './problems.ts';
export type { Purged } from './purge.ts';
export type {
  AgedSegment,
  ClosedSegment,
  Examination,
  ExamineSegment,
  FootageEnd,
  Segment,
  SegmentFacts,
  SegmentPage,
  SegmentQuery,
  Totals,
} from './segment.ts';
export { formatCursor as segmentCursor, isAfterCursor } from './segments.ts';
export { openStore, type Store } from './store.ts';
export type { StoreOptions } from './store-options.ts';
