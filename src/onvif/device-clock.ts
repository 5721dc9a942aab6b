// Times as cameras write them: their clock, moments in answers, and lengths.
import type { XmlElement } from './xml.ts';
import { find, numberAt, textAt } from './xml-find.ts';

/** UTC of GetSystemDateAndTimeResponse; undefined when the camera says none that exists. */
export function readDeviceTime(answer: XmlElement): number | undefined {
  const at = find(answer, 'SystemDateAndTime');
  // Some give only local time; then that, as UTC, is the best guess at what their tokens are judged by.
  return readParts(find(at, 'UTCDateTime')) ?? readParts(find(at, 'LocalDateTime'));
}

function readParts(at: XmlElement | undefined): number | undefined {
  const [year, month, day] = ['Date/Year', 'Date/Month', 'Date/Day'].map(path => numberAt(at, path));
  const [hour, minute, second] = ['Time/Hour', 'Time/Minute', 'Time/Second'].map(path => numberAt(at, path));
  if (year === undefined || month === undefined || day === undefined || year < 1970 || year > 9999) return undefined;
  const timeMs = Date.UTC(year, month - 1, day, hour ?? 0, minute ?? 0, second ?? 0);
  return Number.isFinite(timeMs) ? timeMs : undefined;
}

/** A moment (xs:dateTime); without a zone it is UTC. Undefined when it is none. */
export function readMoment(text: string | undefined): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/.exec(
    text?.trim() ?? '',
  );
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, part = '', zone = 'Z'] = match;
  const wholeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
  return Number.isFinite(wholeMs) ? wholeMs + Math.floor(Number(`0.${part || 0}`) * 1000) : undefined;
}

/** The granted life of a subscription by the camera's own two times, whatever its clock shows. */
export function readLifeMs(answer: XmlElement): number | undefined {
  const nowMs = readMoment(textAt(answer, 'CurrentTime'));
  const endMs = readMoment(textAt(answer, 'TerminationTime'));
  return nowMs === undefined || endMs === undefined ? undefined : endMs - nowMs;
}

/** xs:duration, in tenths of a second: whole seconds are written without a point, which some cannot read. */
export function writeDuration(ms: number): string {
  return `PT${Math.max(Math.round(ms / 100), 1) / 10}S`;
}
