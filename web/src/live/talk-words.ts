// Texts of speaking to a camera.
import { words } from '../words.ts';

export const talkWords = words('talk', {
  talk: 'Talk',
  how: 'Talk: hold, or tap to stay on',
  level: 'How loud you are',
  cannot: 'Talk: {why}',
  other: '{name} talks to this camera.',
  https: 'Talk needs HTTPS: open',
  settings: 'go2rtc',
  httpsOff: 'Talk needs HTTPS, which is switched off on this board.',
  ended: 'The talk has ended. {why}',
  failed: 'Nobody was heard at the camera. {why}',
});

/** Texts that are asked for by a value: what goes on, why there is no microphone. */
export const talkNames = words('talk', {
  asking: 'Microphone…',
  connecting: 'Connecting…',
  talking: 'Speak now',
  denied: 'This browser was not allowed to use the microphone: allow it beside the address.',
  none: 'This device has no microphone.',
  busy: 'Another program has the microphone.',
});
