// The part of the contract about go2rtc: how it goes, how it is installed, and what the owner has chosen.
import type { Go2rtcState, InstallState } from '../go2rtc/index.ts';

export type { Go2rtcPatch, Go2rtcPreferences, Go2rtcState, InstallState } from '../go2rtc/index.ts';

/** `GET /api/go2rtc`. Settings stand in `GET /api/settings`. */
export interface Go2rtcInfo {
  state: Go2rtcState;
  install: InstallState;
  /** What an installation would bring; absent where there is nothing for this machine. The program takes about 20 MB, as a packed file a third of that. */
  offered?: { version: string; file: string };
}

export interface Go2rtcRoutes {
  'GET /api/go2rtc': { answer: Go2rtcInfo };
  /** 202: it has begun; `GET /api/go2rtc` tells how it goes. What is there already stays until the new one has proved itself. */
  'POST /api/go2rtc/install': { answer: Go2rtcInfo };
}
