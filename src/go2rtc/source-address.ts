// Sources as go2rtc tells them: without login, without what stands behind #, with secrets masked.
import type { StreamName } from './state.ts';

/** Where a removed stream leads: a port where nothing listens. Its empty path can be no stream's name. */
export const NOWHERE = 'rtsp://127.0.0.1:1/';

const STREAM_NAME = /^th-\d{1,10}-(?:main|sub|(?:talk|view)(?:-\d{1,3})?)$/;

export function isStreamName(text: string): text is StreamName {
  return STREAM_NAME.test(text);
}

/**
 * True when go2rtc would take the source for one of our streams and let both be the same from then on. It compares the decoded path
 * of RTSP sources, without the first slash, with the names of streams.
 */
export function looksLikeStream(source: string): boolean {
  const path = /^rtsp:\/\/[^/?#]*\/([^?#]*)/i.exec(source)?.[1];
  if (path === undefined) return isStreamName(source);
  try {
    return isStreamName(decodeURIComponent(path));
  } catch {
    // Neither can go2rtc read it then.
    return false;
  }
}

/** Without login and fragment; how a source stands in go2rtc's answers and log lines. */
export function bareSource(source: string): string {
  const [address = ''] = source.split('#', 1);
  return address.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?]*@/i, '$1');
}

/** Whether the source that go2rtc shows is the one that it was given; undefined where masking makes that unknowable. */
export function isSameSource(shown: string, given: string): boolean | undefined {
  const bare = bareSource(shown);
  if (bare === bareSource(given)) return true;
  return bare.includes('***') ? undefined : false;
}

/** For the log: no path and no query, as both may hold passwords. */
export function placeOf(source: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(bareSource(source))?.[0] ?? 'a source';
}
