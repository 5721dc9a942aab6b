// Texts of the first run.
import { words } from '../words.ts';

export const setupWords = words('setup', {
  title: 'Set up Thimble',
  intro: 'Nobody has an account on this board yet. The first one is yours, and may do everything.',
  step: 'Step {n} of {of}: {name}',
  code: 'Set-up code',
  codeHint:
    "8 characters, shown where Thimble was started: on the board's screen or console, in the ready line of its log, and in the file setup-code of its data folder.",
  name: 'Your name',
  nameHint: 'You log in with it.',
  password: 'Password',
  passwordHint: 'At least 10 characters; a few words are easy to keep.',
  short: '{n} more {n:character|characters} needed.',
  wait: 'Too many wrong codes. Try again in {n} {n:second|seconds}.',
  continue: 'Continue',
  closed: 'This board is set up already.',
  login: 'Log in',
  clock: 'Clock',
  clockSame: "The board's clock agrees with this device: {time}.",
  clockDiffers:
    "The board's clock shows {board}, this device {here}: they differ by {n}. Set the board's clock, best by NTP: recordings bear its times.",
  zone: 'Time zone',
  zoneSame: 'The board is in {board}, as this device is.',
  zoneDiffers:
    "The board is in {board}, this device in {here}. Schedules follow the board's zone; these pages show times of this device.",
  storage: 'Storage',
  storageFree: '{free} free of {total}, in {place}.',
  storageNone: 'The volume of {place} cannot be asked how much room it has.',
  storageHint: 'Another place is chosen where Thimble is started: --data FOLDER, or THIMBLE_DATA.',
  problems: 'What is wrong with it stands under Health. Set-up goes on without it, and live pictures work.',
  cameras: 'Everything is ready for the first camera.',
  camerasThere: '{n} {n:camera is|cameras are} there already.',
  add: 'Add a camera',
  look: 'Look at the cameras',
  finish: 'Finish',
});

/** Texts of the first run that are asked for by a value. */
export const setupNames = words('setup', {
  stepYou: 'you',
  stepPlace: 'place',
  stepHub: 'go2rtc',
  stepCameras: 'cameras',
  weak: 'Easy to guess.',
  fair: 'Good.',
  strong: 'Very good.',
});
