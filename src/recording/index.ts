// What the rest of the service sees of `recording`.

export type { Stretch } from './coverage.ts';
export type { CameraForecast } from './forecast.ts';
export { type GapCount, GapCounts } from './gap-counts.ts';
export { Recording, type RecordingOptions } from './recording.ts';
export type { RetentionProblem } from './retention.ts';
export { RingBudget, type RingUser } from './ring-budget.ts';
export { ScheduleClock, type ScheduledCamera, scheduledUntilMs } from './schedule.ts';
export { StorageCare, type StorageCareOptions } from './storage-care.ts';
export type { ForecastOverrides, StorageFigures } from './storage-report.ts';
export {
  checkFloors,
  STORAGE_SECTION,
  type StoragePatch,
  type StorageSettings,
  storagePatchSchema,
  storageSettingsSchema,
} from './storage-settings.ts';
export type { CameraTimeline, TimelineGap } from './timeline.ts';
