// What the rest of the service sees of `go2rtc`.
export { findBinary, ownBinary, probeBinary } from './binary.ts';
export { SOURCE_SCHEMES } from './configuration.ts';
export { Go2rtc } from './go2rtc.ts';
export { runtimeFolders } from './runtime-folder.ts';
export {
  DEFAULT_SETTINGS,
  type Go2rtcOptions,
  type Go2rtcProblem,
  type Go2rtcSettings,
  type Go2rtcState,
  type StreamClaim,
  type StreamName,
  type StreamState,
  type Words,
} from './state.ts';
