// The words for what cannot be done over WebRTC. What go2rtc says itself is for the log: it holds addresses.
import type { Hindrance } from '../cameras/index.ts';
import { NvrError, type StreamName } from '../core/index.ts';
import { SdpError } from './sdp.ts';

const USUAL_WAY = 'Watch the usual way.';

export const DISABLED: Hindrance = {
  reason: 'disabled',
  message: 'The camera is disabled.',
  cure: 'Enable it in its settings.',
};

export const NO_SPEAKER: Hindrance = { reason: 'no-speaker', message: 'The camera has no speaker.' };

export const SPEAKER_UNKNOWN: Hindrance = {
  reason: 'unknown',
  message: 'It is not known yet whether the camera has a speaker.',
  cure: 'It is asked while it delivers pictures, and later again where it does not answer.',
};

export const SPEAKER_UNREACHABLE: Hindrance = {
  reason: 'unknown',
  message: 'Speakers are known of cameras with RTSP only.',
  cure: 'Give the camera an address that begins with rtsp://.',
};

export function speakerCodecs(codecs: readonly string[]): Hindrance {
  return {
    reason: 'speaker-codec',
    message: `The speaker of the camera takes ${codecs.join(', ').toUpperCase()} only, which browsers do not send.`,
    cure: 'Set its sound to G.711 (PCMA or PCMU) in the camera, then disable and enable it here, so that it is asked again.',
  };
}

export const SWITCHED_OFF: Hindrance = {
  reason: 'go2rtc',
  message: 'WebRTC is switched off.',
  cure: 'Choose a port for it in the settings of go2rtc.',
};

export const NO_PORT: Hindrance = {
  reason: 'go2rtc',
  message: 'go2rtc cannot serve browsers at present.',
  cure: 'Look at the problems of the service.',
};

export function noGo2rtc({ message, cure }: { message?: string; cure?: string }): Hindrance {
  return {
    reason: 'go2rtc',
    message: message ? `${message.replace(/\.$/, '')}.` : 'There is no go2rtc that works.',
    cure: cure ?? 'Install it on the page of settings.',
  };
}

export function hindered({ message, cure }: Hindrance): NvrError {
  return new NvrError('failed-precondition', message.replace(/\.$/, ''), cure === undefined ? {} : { cure });
}

export function badOffer(error: unknown): unknown {
  if (!(error instanceof SdpError)) return error;
  return new NvrError('invalid-argument', `"sdp" cannot be used: ${error.message}`, {
    field: 'sdp',
    cure: 'Send the whole offer of a browser.',
  });
}

export function unplayable(codec: string, stream: StreamName): NvrError {
  const name = codec === 'h265' ? 'H.265' : codec.toUpperCase();
  return new NvrError('failed-precondition', `this browser takes no ${name} over WebRTC`, {
    cure: stream === 'main' ? `Use the sub stream, or another browser. ${USUAL_WAY}` : USUAL_WAY,
  });
}

export function noCamera(): NvrError {
  return new NvrError('not-found', 'there is no such camera');
}

export function noPictures(): NvrError {
  return new NvrError('unavailable', 'the camera delivers no pictures at present', { cure: 'Try again in a moment.' });
}

export function noAddress(): NvrError {
  return new NvrError('failed-precondition', 'this machine has no IPv4 address at which a browser could reach WebRTC', {
    cure: 'Open this page by its IPv4 address.',
  });
}

export function tooSlow(): NvrError {
  return new NvrError('unavailable', 'go2rtc took too long', { cure: `${USUAL_WAY} If it lasts, look at the log.` });
}

/** Nobody reads it. */
export function nobodyWaits(): NvrError {
  return new NvrError('unavailable', 'the browser went away');
}

export function stopping(): NvrError {
  return new NvrError('unavailable', 'the service is stopping');
}

export function tooMany(why: string): NvrError {
  return new NvrError('resource-exhausted', `too many use WebRTC: ${why}`, {
    retryAfterS: 5,
    cure: `${USUAL_WAY} Or wait.`,
  });
}

export function talking(who: string): NvrError {
  return new NvrError('failed-precondition', `${who} talks to this camera`, { cure: 'Wait until it is over.' });
}

/** Of whatever went wrong behind a good offer. */
export function failed(error: unknown, kind: 'view' | 'talk'): NvrError {
  if (error instanceof NvrError && error.kind !== 'internal' && !isOfGo2rtc(error)) return error;
  if (kind === 'talk') {
    return new NvrError('unavailable', 'go2rtc gets no sound to the camera', {
      cure: 'Try again. Some cameras let one speak at a time only.',
      cause: error,
    });
  }
  return new NvrError('unavailable', 'go2rtc could not take the pictures', { cure: USUAL_WAY, cause: error });
}

/** It rejects with words of its own, about sources that the user never heard of. */
export class Go2rtcError extends NvrError {}

function isOfGo2rtc(error: NvrError): boolean {
  return error instanceof Go2rtcError;
}
