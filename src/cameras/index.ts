// What the rest of the service sees of `cameras`.
export type {
  Camera,
  CameraAbilities,
  CameraProblem,
  CameraState,
  EventSettings,
  Hindrance,
  HindranceReason,
  HubChoice,
  MediaAbilities,
  RecordedStreams,
  RecordMode,
  RecordSettings,
  StreamFacts,
  SubState,
  Untried,
} from './camera.ts';
export { HUB_CHOICES, RECORDED_STREAMS, TRANSPORTS } from './camera.ts';
export { type CameraPatch, cameraPatchSchema, type NewCamera, newCameraSchema } from './camera-schema.ts';
export { type CameraStore, Cameras, type CamerasOptions, type DemoCamera, MAX_CAMERAS } from './cameras.ts';
export { type CameraAddress, spokenAddress } from './connection.ts';
export { Go2rtcHub, type Go2rtcHubOptions } from './go2rtc-hub.ts';
export type { HubProcess } from './go2rtc-way.ts';
export {
  DirectHub,
  type Explanation,
  type Hub,
  type NoRoute,
  type Route,
  type StreamKey,
  type StreamSource,
} from './hub.ts';
export { ChosenHub, openHub, refusals } from './hub-choice.ts';
export { newOnvifSchema } from './onvif-schema.ts';
export type {
  OnvifFault,
  OnvifKind,
  OnvifLinkName,
  OnvifLinkState,
  OnvifProbe,
  OnvifSeenEvent,
  OnvifSettings,
  OnvifView,
} from './onvif-settings.ts';
export { type ProbeInput, type ProbeResult, Prober, type ProberOptions, probeSchema } from './probe.ts';
export {
  checkCamera,
  type ProvisionedCamera,
  type ProvisionPlan,
  planProvisioned,
} from './provisioned.ts';
export type { CameraEngine, RecordingPlan } from './stream-link.ts';
