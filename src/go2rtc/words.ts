// The words for everything that can be wrong with go2rtc or with a source behind it.
import type { SourceFault, SourceWords, Words } from './state.ts';

/** Oldest release that has everything our configuration relies on: `local_auth`, `allow_paths` and the list of modules. */
export const LEAST_VERSION = [1, 9, 12] as const;

const INSTALL = 'Install it with "thimble go2rtc install", or on the page of settings.';

export const ABSENT: Words = { message: 'There is no go2rtc on this machine', cure: INSTALL };
export const STARTING: Words = { message: 'go2rtc is starting', cure: 'Wait a moment.' };
export const IDLE: Words = { message: 'go2rtc is not running', cure: 'Wait a moment.' };

/** Why a program cannot be used. */
export type BinaryFault =
  | 'missing'
  | 'not-a-file'
  | 'not-executable'
  | 'unsafe'
  | 'wrong-architecture'
  | 'too-old'
  | 'not-go2rtc'
  | 'crashed'
  | 'silent'
  | 'not-startable';

export function binaryWords(fault: BinaryFault, path: string, detail = ''): Words {
  const least = LEAST_VERSION.join('.');
  switch (fault) {
    case 'missing':
      return { message: `${path} does not exist`, cure: `Correct the setting, or leave it out. ${INSTALL}` };
    case 'not-a-file':
      return { message: `${path} is not a file`, cure: 'Write the path of the program itself.' };
    case 'not-executable':
      return { message: `${path} may not be executed`, cure: `Run chmod +x ${path}; its volume must allow programs.` };
    case 'unsafe':
      return { message: `${path} can be changed by every user of this machine`, cure: `Run chmod o-w ${path}.` };
    case 'wrong-architecture':
      return { message: `${path} is not a program for this machine`, cure: INSTALL };
    case 'too-old':
      return { message: `${path} is go2rtc ${detail}; ${least} or newer is needed`, cure: INSTALL };
    case 'not-go2rtc':
      return { message: `${path} is another program`, cure: `Correct the setting, or remove it. ${INSTALL}` };
    case 'crashed':
      return { message: `${path} ends when it is asked for its version${detail && ` (${detail})`}`, cure: INSTALL };
    case 'silent':
      return { message: `${path} does not tell its version`, cure: INSTALL };
    case 'not-startable':
      return { message: `${path} cannot be started${detail && `: ${detail}`}`, cure: INSTALL };
  }
}

export function folderWords(reason: string): Words {
  return {
    message: `go2rtc has no place for its configuration: ${reason}`,
    cure: 'Let the service write to /dev/shm or to its runtime directory.',
  };
}

export const LOCKED: Words = {
  message: 'Another service on this machine runs a go2rtc of the same data directory',
  cure: 'Stop it.',
};

export function portWords(port: number): Words {
  return {
    message: `Port ${port}, on which browsers are served over WebRTC, is in use`,
    cure: 'End the other program, or choose another port in the settings of go2rtc.',
  };
}

export function freeWords(port: number): Words {
  return {
    message: `Port ${port}, on which browsers are served over WebRTC, is free again, and go2rtc runs without it`,
    cure: 'It takes it as soon as nothing is recorded through it; to have it at once, restart the service.',
  };
}

export const NO_WEBRTC: Words = {
  message: 'go2rtc offers no WebRTC at present',
  cure: 'Check that this machine has an address, and look at the log.',
};

export function restingWords(reason: string): Words {
  return { message: `go2rtc keeps failing and rests: ${reason}`, cure: 'Look at the log, and install it anew.' };
}

export function quarantineWords(reason: string): Words {
  return {
    message: `Its source was set aside for a while, because ${reason}`,
    cure: 'Choose another stream or codec in the camera; changing its address tries it at once.',
  };
}

export const SPINNING: SourceWords = {
  passing: true,
  message: 'The source changed what it delivers; it is opened anew',
  cure: 'Wait a moment.',
};

export const STRAYED: Words = {
  message: 'The camera sends go2rtc on to this machine or to a link-local address',
  cure: 'Write the address of the stream itself, and look at what the camera is set to.',
};

export const RENAMED: Words = {
  message: 'The address ends like a stream of go2rtc itself, which would be taken for it',
  cure: 'Give the stream of the camera another path.',
};

/** `text` is what go2rtc answered: it decides, and is not shown. */
export function refusedWords(text: string): Words {
  if (text.includes('not supported')) {
    return {
      message: 'go2rtc does not know this kind of address',
      cure: 'Write one that begins with rtsp:// or http://.',
    };
  }
  if (text.includes('insecure')) {
    return { message: 'go2rtc takes no address with spaces', cure: 'Write %20 for a space.' };
  }
  return { message: 'go2rtc does not take this address', cure: 'Check how it is written.' };
}

export const NOT_KEPT: Words = {
  message: 'go2rtc keeps another source than it was given',
  cure: 'If it lasts, restart the service.',
};

const FAULT_WORDS: Readonly<Record<SourceFault, Words>> = {
  unauthorized: { message: 'The camera refuses the login', cure: 'Check user name and password.' },
  refused: { message: 'Nothing answers at the address of the camera', cure: 'Check address and port.' },
  unreachable: { message: 'There is no way to the camera', cure: 'Check that it is switched on and in this network.' },
  'unknown-host': {
    message: 'The name of the camera is not known',
    cure: 'Check its spelling, or write its IP address.',
  },
  timeout: { message: 'The camera does not answer', cure: 'Check that it is switched on, and its address.' },
  closed: { message: 'The camera closed the connection', cure: 'Check whether it serves too many others.' },
  'not-found': { message: 'The camera has no such stream', cure: 'Check the path of the address.' },
  'other-codecs': {
    message: 'The source has no video that can be recorded',
    cure: 'Set the camera to H.264 or H.265.',
  },
  certificate: { message: 'The certificate of the camera is not valid', cure: 'Write rtspx:// in place of rtsps://.' },
  other: { message: 'go2rtc cannot open the source', cure: 'Look at the log.' },
};

export function faultWords(fault: SourceFault): SourceWords {
  return { ...FAULT_WORDS[fault], fault };
}

/** Texts of Go's network library and of go2rtc's clients. The first that fits counts. */
const FAULTS: readonly (readonly [RegExp, SourceFault])[] = [
  [/codecs not matched/i, 'other-codecs'],
  [/wrong user|unauthori[sz]ed|\b401\b|\b403\b|forbidden/i, 'unauthorized'],
  [/connection refused/i, 'refused'],
  [/no route to host|network is unreachable|host is down/i, 'unreachable'],
  [/no such host|server misbehaving|temporary failure in name/i, 'unknown-host'],
  [/i\/o timeout|deadline exceeded|timed out/i, 'timeout'],
  [/x509|certificate|tls:/i, 'certificate'],
  [/\b404\b|not found/i, 'not-found'],
  [/\bEOF\b|connection reset|broken pipe|closed network connection/i, 'closed'],
];

/** What a text of go2rtc about a source means. */
export function sourceFault(text: string): SourceFault {
  return FAULTS.find(([pattern]) => pattern.test(text))?.[1] ?? 'other';
}
