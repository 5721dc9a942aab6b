// Cases that the stand-in and a real go2rtc have to pass alike: a difference is a fault of the stand-in.
import type { Test } from '../suite.ts';
import { type Program, programs, realGo2rtc } from './peer.ts';
import type { StandInOptions } from './stand-in.ts';

export type Both = (title: string, body: (program: Program) => Promise<void>) => void;

/** Registers each case twice; without a real one that is skipped by name. */
export function both(test: Test, options: StandInOptions & { timeScale: number }): Both {
  const found = programs(options);
  return (title, body) => {
    for (const program of found) test(`${program.name}: ${title}`, () => body(program));
    if (realGo2rtc() === undefined) {
      test.needs(false, 'no go2rtc here (GO2RTC_BIN or PATH)', `real: ${title}`, () => undefined);
    }
  };
}
