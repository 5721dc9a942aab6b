// What each problem on the way to a camera means, in words for its owner.
import type { CameraProblem } from './camera.ts';

interface Words {
  message: string;
  cure: string;
  /** It will not heal by itself: the camera counts as failed, though it is tried again from time to time. */
  lasting?: true;
}

const WORDS: Record<CameraProblem, Words> = {
  refused: {
    message: 'The camera refuses the connection.',
    cure: 'Check that RTSP is switched on in the camera and that the port is right.',
  },
  unreachable: {
    message: 'There is no way to the camera.',
    cure: 'Check its power, its cable or Wi-Fi, and the address.',
  },
  'unknown-host': {
    message: 'The name of the camera is not known in this network.',
    cure: 'Check the spelling, or use its IP address.',
  },
  'address-forbidden': {
    message: 'The name leads to this machine or to a link-local address.',
    cure: 'Use the address that the camera has in your network.',
    lasting: true,
  },
  unauthorized: {
    message: 'The camera does not accept the user name and password.',
    cure: 'Enter them again; some cameras have a separate user for RTSP or ONVIF.',
    lasting: true,
  },
  'not-found': {
    message: 'The camera has no stream under this path.',
    cure: 'Look the path up in the manual of the camera.',
    lasting: true,
  },
  'no-video': {
    message: 'There is no video in this stream.',
    cure: 'Use the path of a video stream.',
    lasting: true,
  },
  'unsupported-codec': {
    message: 'The video is coded in a way that cannot be recorded.',
    cure: 'Set the camera to H.264 or H.265.',
    lasting: true,
  },
  'unsupported-transport': {
    message: 'The camera does not send over TCP.',
    cure: 'Switch RTSP over TCP (interleaved) on in the camera, or set "transport" to udp, which takes go2rtc.',
    lasting: true,
  },
  busy: {
    message: 'The camera serves as many viewers as it can.',
    cure: 'Close other viewers of this camera.',
  },
  'not-rtsp': {
    message: 'What answers there does not speak RTSP.',
    cure: 'Check address and port; the usual port is 554.',
    lasting: true,
  },
  'server-error': {
    message: 'The camera answers with an error of its own.',
    cure: 'If it lasts, restart the camera.',
  },
  timeout: {
    message: 'The camera does not answer in time.',
    cure: 'Check its network connection; if it lasts, restart the camera.',
  },
  closed: {
    message: 'The camera closed the connection.',
    cure: 'It is tried again; if it happens often, check its network connection.',
  },
  stalled: {
    message: 'No pictures arrive any more.',
    cure: 'Check the network connection of the camera.',
  },
  'no-keyframe': {
    message: 'Pictures arrive, but none from which decoding could begin.',
    cure: 'Set a key frame interval of 1 to 4 seconds in the camera.',
  },
  'password-unreadable': {
    message: 'The stored password cannot be read.',
    cure: 'Enter the password again.',
    lasting: true,
  },
  hub: {
    message: 'go2rtc, which stands between us and the camera, does not answer.',
    cure: 'It is started again by itself; if that happens often, look at the log.',
  },
  'demo-off': {
    message: 'This camera belongs to the demo.',
    cure: 'Start with --demo, or remove the camera.',
  },
  'not-listed': {
    message: 'The configuration file does not list this camera any more.',
    cure: 'List it again, or enable or remove it here; its footage is kept.',
  },
};

export function problemWords(problem: CameraProblem): { message: string; cure: string } {
  const { message, cure } = WORDS[problem];
  return { message, cure };
}

export function isLasting(problem: CameraProblem): boolean {
  return WORDS[problem].lasting === true;
}
