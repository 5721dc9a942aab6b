// What the pages have to do before they are done, by number, and which test cases prove it: cases name their numbers at their
// beginning, as in `check 7: …` or `checks 12 and 13: …`.
import type { TextFile } from './tree.ts';

/** Everything that is promised of the pages; a number is never given twice. */
export const CHECKS: Readonly<Record<number, string>> = {
  1: 'no foreign origin, no breach of the policy, no console error on any page',
  2: 'below a path, and on plain HTTP by address',
  3: 'first run: the code, a live tile, the code is dead',
  4: 'login: countdown; a session that ends keeps the form',
  5: 'a viewer sees the own cameras only',
  6: 'stills before any video byte, then four tiles move',
  7: 'many cameras: at most 16 move, pages, sockets of hidden tiles',
  8: 'saver: no socket while quiet, moves where something happens',
  9: 'a dead camera: last frame, reason, timer, recovers alone',
  10: 'grid and camera page again and again leave nothing behind',
  11: 'small to large stream without a black frame',
  12: 'zoom by every means; swipes only when whole',
  13: 'PTZ: hold, repeat, stop',
  14: 'talk on plain HTTP',
  15: 'H.265 that the browser cannot show',
  16: 'corrupt fragments: rebuild, small stream, stills, never black without text',
  17: 'live delay, also after a stalled network',
  18: 'a hidden page costs nothing and comes back fresh',
  19: 'seeks: near enough, play state as before',
  20: 'the first seek far beyond what is buffered',
  21: 'borders of segments without a step, with the right clock',
  22: 'the segment that is being written',
  23: 'gaps: looks, words, card, jump',
  24: 'scrubbing: one request, one sample, none over gaps',
  25: 'zoom of the timeline keeps its place and survives a reload',
  26: 'fingers on the timeline',
  27: 'days of 23 and 25 hours, two time zones',
  28: 'a day of very many events',
  29: 'one picture forward or back',
  30: 'cameras in sync',
  31: 'jumps between events, filtered',
  32: 'export: handles, file, note, name',
  33: 'deleted footage leaves the lane',
  34: 'events: pill, marks, undo, filters, offline',
  35: 'pre-roll promised and delivered',
  36: 'adding a camera: each fault its sentence',
  37: 'zones by keyboard and by mouse',
  38: 'storage: forecast, red cards',
  39: 'health: one problem each, healed ones go',
  40: 'access: axe, keyboard, narrow, large letters',
  41: 'a board that stops',
  42: 'heap, CPU and long tasks',
};

/** Those whose feature does not exist yet. */
export const WAITING: Readonly<Record<number, string>> = {
  37: 'zones',
};

/** The numbers that the names of test cases begin with. */
export function checksOf(files: readonly TextFile[]): Set<number> {
  const found = new Set<number>();
  for (const { text } of files)
    for (const [, list = ''] of text.matchAll(/['"`]checks? (\d+(?:(?:, | and )\d+)*): /g))
      for (const number of list.split(/, | and /)) found.add(Number(number));
  return found;
}

/** What is wrong, one sentence each. */
export function checkFaults(files: readonly TextFile[]): string[] {
  const found = checksOf(files);
  const faults: string[] = [];
  for (const [number, what] of Object.entries(CHECKS)) {
    const isWaiting = WAITING[Number(number)] !== undefined;
    if (!found.has(Number(number)) && !isWaiting) faults.push(`no test case for check ${number}: ${what}`);
    if (found.has(Number(number)) && isWaiting) faults.push(`check ${number} has a test case and is said to wait`);
  }
  for (const number of found) if (!(number in CHECKS)) faults.push(`there is no check ${number}`);
  return faults;
}
