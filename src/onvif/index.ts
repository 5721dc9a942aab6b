// What the rest of the service sees of `onvif`: one object per camera, a look for cameras, and words for what goes wrong.
export type { AddressRules, DeviceAddress } from './address.ts';
export { DEVICE_PATH, readDeviceAddress, writeDeviceAddress } from './address.ts';
export type { OnvifCapabilities, OnvifStreams } from './description.ts';
export { chooseChallenge, digestAuthorization, type Login } from './digest.ts';
export { type DiscoveryOptions, type DiscoveryResult, discover, type FoundCamera } from './discovery.ts';
export { ONVIF_EVENT_KINDS, type OnvifEventKind } from './event-kind.ts';
export type { OnvifEvent } from './event-states.ts';
export type { DayNight } from './imaging.ts';
export type { OnvifCodec, OnvifProfile } from './media.ts';
export { OnvifCamera, type OnvifCameraOptions, type OnvifEventsState, type OnvifState } from './onvif-camera.ts';
export { ONVIF_PROBLEMS, OnvifError, type OnvifProblem, onvifProblemWords } from './problem.ts';
export type { Ptz, PtzAbilities, PtzPlace, PtzPreset, PtzVelocity } from './ptz.ts';
export type { PullPointFigures } from './pull-point.ts';
export type { Relay } from './relay.ts';
export type { SoapLog, SoapLogEntry } from './soap-log.ts';
