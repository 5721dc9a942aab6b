// Puts go2rtc together with what its owner has chosen, now and later.
import { Go2rtc } from './go2rtc.ts';
import { type Go2rtcPreferencesKeeper, settingsOf } from './preferences.ts';
import { runtimeFolders } from './runtime-folder.ts';
import type { Go2rtcOptions } from './state.ts';

export interface Go2rtcParts
  extends Pick<Go2rtcOptions, 'dataDir' | 'allowLoopback' | 'clock' | 'log' | 'spawn' | 'lock' | 'memoryLimitBytes'> {
  preferences: Go2rtcPreferencesKeeper;
  /** Of the data directory, whose processes are told apart by it. */
  storeUuid: string;
  /** Of this process: where programs and the files of running ones are. */
  environment: NodeJS.ProcessEnv;
}

/** Nothing is started until somebody needs it. */
export function makeGo2rtc({ preferences, storeUuid, environment, ...options }: Go2rtcParts): Go2rtc {
  const { PATH: path, RUNTIME_DIRECTORY: runtimeDirectory, XDG_RUNTIME_DIR: userDirectory } = environment;
  const userId = process.getuid?.() ?? 0;
  const go2rtc = new Go2rtc({
    ...settingsOf(preferences.get()),
    ...options,
    runtimeDirs: runtimeFolders({ runtimeDirectory, userDirectory, userId, storeUuid }),
    ...(path !== undefined && { path }),
  });
  preferences.onChange(() => go2rtc.configure(settingsOf(preferences.get())));
  return go2rtc;
}
