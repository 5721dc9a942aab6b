// What the rest of the service sees of `cameras`.
export type { Camera, CameraProblem, CameraState, RecordMode, RecordSettings, StreamFacts } from './camera.ts';
export { type CameraPatch, cameraPatchSchema, type NewCamera, newCameraSchema } from './camera-schema.ts';
export { type CameraStore, Cameras, type CamerasOptions, type DemoCamera } from './cameras.ts';
export type { CameraEngine, RecordingPlan } from './connection.ts';
export { type ProbeInput, type ProbeResult, Prober, type ProberOptions, probeSchema } from './probe.ts';
