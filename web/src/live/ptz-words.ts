// Texts of moving a camera, of its relays, and of day and night.
import { words } from '../words.ts';

export const ptzWords = words('ptz', {
  title: 'Move the camera',
  switches: 'Switch outputs, day and night',
  hint: 'Hold a button, or an arrow key while one of them has the focus. It stops when you let go.',
  hintStep: 'Each press is one step.',
  stop: 'Stop',
  home: 'Home',
  speed: 'Speed',
  presets: 'Presets',
  none: 'None is kept yet.',
  edit: 'Edit presets',
  name: 'Keep this view as',
  nameHint: 'A name that there is takes this view from now on.',
  keep: 'Keep',
  kept: 'The view is kept as {name}.',
  keepHome: 'Keep it as home',
  homeKept: 'This view is home now.',
  remove: 'Remove {name}',
  removed: '{name} is removed.',
  relay: 'Output {name}',
  on: 'On',
  off: 'Off',
  pulse: 'Switch for a moment',
  switched: 'Output {name} is switched.',
  dayNight: 'Day or night',
});

/** Texts that are asked for by a value: keys, speeds, filters. */
export const ptzNames = words('ptz', {
  ArrowUp: 'Up',
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
  ArrowDown: 'Down',
  '+': 'Nearer',
  '-': 'Farther',
  slow: 'slow',
  medium: 'medium',
  fast: 'fast',
  day: 'day',
  night: 'night',
  auto: 'automatic',
});
