// The list of fault tests, in the order in which they run.
import { cameraRestarts } from './cameras.ts';
import { clockSteps } from './clock.ts';
import { diskFaults } from './disk.ts';
import type { FaultTest } from './fault.ts';
import { kills } from './kill.ts';
import { eventKills, eventPowerCuts } from './kill-events.ts';
import { powerCuts } from './power-cut.ts';
import { soak } from './soak.ts';
import { killSteps } from './steps.ts';
import { systemCalls } from './syscalls.ts';
import { missingVolume } from './volume.ts';

export const FAULT_TESTS: readonly FaultTest[] = [
  kills,
  eventKills,
  killSteps,
  powerCuts,
  eventPowerCuts,
  systemCalls,
  diskFaults,
  missingVolume,
  clockSteps,
  cameraRestarts,
  soak,
];
