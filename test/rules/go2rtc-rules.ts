// What our code has to do because of how go2rtc behaves, by number, and which test cases prove it: cases name their numbers at
// their beginning, as in `go2rtc rule S1: …` or `go2rtc rules S3 and R4: …`. S = supervisor, R = reader, P = what we let through.
import type { TextFile } from './tree.ts';

/** All of them; a number is never given twice. */
export const GO2RTC_RULES: Readonly<Record<string, string>> = {
  S1: 'one call for streams at a time, whoever asks',
  S2: 'never DELETE, never PUT: what is removed gets a source that refuses, and is forgotten at the next start',
  S3: 'exit 2: started again, all streams put back',
  S4: 'names of streams are ours alone, with exactly one source each',
  S5: 'a source is read back after it was set',
  S6: 'ready when all listen and the API answers; an error or 5 s without: stopped, started on other ports',
  S7: 'a lock of ours before the socket is taken: never two at once',
  S8: 'its lines, JSON or not, come to our log bounded and without secrets',
  S9: 'a stream that spins is closed, rested and opened anew',
  S10: 'variables for long random secrets only, addresses of cameras literally',
  S11: 'counters count as alive when they change, in either direction',
  S12: 'every call has a time limit',
  S13: 'go2rtc never publishes for us',
  R1: 'tracks by codec, whatever their order',
  R2: 'nothing before the first keyframe; times by our own clock of arrival',
  R3: 'OPTIONS as a sign of life, no wait for answers that never come',
  R4: '5 s without a packet: closed, the reason asked for, opened by the rule of retries',
  R5: 'a description without packets is a dead camera; who else reads it goes first',
  R6: 'a splice ends the segment, and the session is opened anew',
  R7: 'the disk never holds the reader up; a reader that paused opens anew',
  R8: 'talking is a stream of its own',
  P1: 'our stream name, our user agent, nothing of the query, the origin or the cookies of whoever asks',
  P2: 'no addresses of clients, in offers or later',
  P3: 'errors in our words',
  P4: 'an empty snapshot is a failure',
  P5: 'pictures by our own decoder first; viewers are limited',
  P6: 'from another network nothing answers but our ports',
};

/** Those without a case yet, with the reason. */
export const WAITING_GO2RTC: Readonly<Record<string, string>> = {};

/** Those that no case proves with a real go2rtc, with the reason. */
export const STAND_IN_ONLY: Readonly<Record<string, string>> = {
  S11: 'the counters of a program for 64 bits do not wrap',
  P1: 'what it is asked is seen from its side only',
  P2: 'what it is asked is seen from its side only',
  P3: 'browsers need a network of their own: test/e2e/webrtc.test.ts',
  P5: 'browsers need a network of their own: test/e2e/webrtc.test.ts',
};

const CASE = /(\w+|\))\(\s*['"`]go2rtc rules? ([SRP]\d+(?:(?:, | and )[SRP]\d+)*): /g;

/** The numbers that the names of test cases begin with; of cases for the stand-in and a real one when `both`. */
export function go2rtcRulesOf(files: readonly TextFile[], both = false): Set<string> {
  const found = new Set<string>();
  // As test/support/go2rtc/both.ts registers them: each('...') or both(test, ...)('...').
  for (const { text } of files)
    for (const [, caller = '', list = ''] of text.matchAll(CASE))
      if (!both || caller === 'each' || caller === ')') for (const number of list.split(/, | and /)) found.add(number);
  return found;
}

/** What is wrong, one sentence each. */
export function go2rtcRuleFaults(files: readonly TextFile[], waiting = WAITING_GO2RTC): string[] {
  const found = go2rtcRulesOf(files);
  const faults: string[] = [];
  for (const [number, what] of Object.entries(GO2RTC_RULES)) {
    const isWaiting = waiting[number] !== undefined;
    if (!found.has(number) && !isWaiting) faults.push(`no test case for go2rtc rule ${number}: ${what}`);
    if (found.has(number) && isWaiting) faults.push(`go2rtc rule ${number} has a test case and is said to wait`);
  }
  const proved = go2rtcRulesOf(files, true);
  for (const number of found)
    if (proved.has(number) === number in STAND_IN_ONLY && number in GO2RTC_RULES)
      faults.push(`go2rtc rule ${number} ${proved.has(number) ? 'has' : 'lacks'} a case with a real go2rtc`);
  for (const number of found) if (!(number in GO2RTC_RULES)) faults.push(`there is no go2rtc rule ${number}`);
  return faults;
}
