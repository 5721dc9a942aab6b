// What the rest of the service sees of `recording`.
export { Recording, type RecordingOptions } from './recording.ts';
export type { CameraTimeline, TimelineGap } from './timeline.ts';
