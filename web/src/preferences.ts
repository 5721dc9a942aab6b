// What this device is to do its own way: one object in the browser's storage, which may be refused.
import { signal } from '@preact/signals';

/** `auto`: saver where many moving pictures would be too much for the device. */
export type SaverChoice = 'auto' | 'live' | 'saver';

export interface Preferences {
  /** Absent = as the system. */
  theme?: 'dark' | 'light' | undefined;
  /** Single keys do something. */
  shortcuts: boolean;
  saver: SaverChoice;
  /** Layout of the grid for "All"; groups have their own. */
  layout: string;
  /** Path of the page that opens first, such as `g/2`. */
  start: string;
  /** Times are shown in the zone of the `board`, or of the `viewer`. */
  zone: 'viewer' | 'board';
  /** The rail of a wide screen shows names all the time. */
  pinned: boolean;
  /** Rows are less high, for a mouse. */
  compact: boolean;
  /** 0 to 1. */
  volume: number;
  /** What playback does with a gap: shows why and goes on, or stops. */
  gaps: 'skip' | 'ask';
  /** Seconds between pages of the grid; 0 = stay. */
  tourS: number;
  /** Somebody logged in here and did not log out: asking the board who it is makes sense. */
  wasIn: boolean;
}

const DEFAULTS: Preferences = {
  shortcuts: true,
  saver: 'auto',
  layout: 'auto',
  start: '',
  zone: 'viewer',
  pinned: false,
  compact: false,
  volume: 1,
  gaps: 'skip',
  tourS: 0,
  wasIn: false,
};
const KEY = 'thimble';

export const preferences = signal<Preferences>(read());

/** Takes effect at once, and stays when the browser lets it. */
export function prefer(change: Partial<Preferences>): void {
  preferences.value = { ...preferences.value, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences.value));
  } catch {
    // It holds until the page is left.
  }
}

/** Whether anything stays when the page is left. */
export function isKept(): boolean {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences.value));
    return true;
  } catch {
    return false;
  }
}

function read(): Preferences {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return { ...DEFAULTS, ...fitting(kept as Record<string, unknown>) };
  } catch {
    return DEFAULTS;
  }
}

/** What was kept by an older page may have another shape. */
function fitting(kept: Record<string, unknown>): Partial<Preferences> {
  const known = Object.entries(DEFAULTS).filter(([key, value]) => typeof kept[key] === typeof value);
  const { theme } = kept;
  return {
    ...Object.fromEntries(known.map(([key]) => [key, kept[key]])),
    ...(theme === 'dark' || theme === 'light' ? { theme } : {}),
  };
}
