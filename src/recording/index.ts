// What the rest of the service sees of `recording`.
export type { CameraForecast } from './forecast.ts';
export { Recording, type RecordingOptions } from './recording.ts';
export { StorageCare, type StorageCareOptions } from './storage-care.ts';
export type { ForecastOverrides, StorageFigures } from './storage-report.ts';
export { type StoragePatch, type StorageSettings, storagePatchSchema } from './storage-settings.ts';
export type { CameraTimeline, TimelineGap } from './timeline.ts';
