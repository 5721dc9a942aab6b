// What the rest of the service sees of `go2rtc`.
export { findBinary, ownBinary, probeBinary } from './binary.ts';
export { SOURCE_SCHEMES } from './configuration.ts';
export { Go2rtc } from './go2rtc.ts';
export { GITHUB, type Installed, type InstallOptions, installGo2rtc, type ReleaseService } from './install.ts';
export { Installer, type InstallState } from './installer.ts';
export { makeGo2rtc } from './make.ts';
export {
  GO2RTC_SECTION,
  type Go2rtcPatch,
  type Go2rtcPreferences,
  Go2rtcPreferencesKeeper,
  go2rtcPatchSchema,
  go2rtcPreferencesSchema,
  KEEP_CHOICES,
  settingsOf,
} from './preferences.ts';
export { RELEASE, type Release } from './release.ts';
export { runtimeFolders } from './runtime-folder.ts';
export {
  DEFAULT_SETTINGS,
  type Go2rtcOptions,
  type Go2rtcProblem,
  type Go2rtcSettings,
  type Go2rtcState,
  type SourceFault,
  type SourceWords,
  type StreamClaim,
  type StreamName,
  type StreamState,
  type Words,
} from './state.ts';
