// What can go wrong between us and a camera's ONVIF services, in words for its owner.
import { type ErrorKind, NvrError } from '../core/index.ts';

export const ONVIF_PROBLEMS = [
  'refused',
  'unreachable',
  'unknown-host',
  'address-forbidden',
  'timeout',
  'closed',
  'certificate',
  'unauthorized',
  'not-onvif',
  'bad-answer',
  'fault',
  'unsupported',
  'server-error',
] as const;
export type OnvifProblem = (typeof ONVIF_PROBLEMS)[number];

interface Words {
  kind: ErrorKind;
  message: string;
  cure: string;
}

const WORDS: Record<OnvifProblem, Words> = {
  refused: {
    kind: 'unavailable',
    message: 'The camera refuses the connection.',
    cure: 'Switch ONVIF on in the camera and check the port; usual ones are 80, 8000, 8080 and 2020.',
  },
  unreachable: {
    kind: 'unavailable',
    message: 'There is no way to the camera.',
    cure: 'Check its power, its cable or Wi-Fi, and the address.',
  },
  'unknown-host': {
    kind: 'unavailable',
    message: 'The name of the camera is not known in this network.',
    cure: 'Check the spelling, or use its IP address.',
  },
  'address-forbidden': {
    kind: 'permission-denied',
    message: 'The address is one of this machine, or link-local.',
    cure: 'Use the address that the camera has in your network.',
  },
  timeout: {
    kind: 'unavailable',
    message: 'The camera does not answer in time.',
    cure: 'Check its network connection; if it lasts, restart the camera.',
  },
  closed: {
    kind: 'unavailable',
    message: 'The camera closed the connection.',
    cure: 'It is tried again; if it happens often, check its network connection.',
  },
  certificate: {
    kind: 'unavailable',
    message: 'The certificate of the camera cannot be checked.',
    cure: 'Give the camera a certificate that this machine knows, or allow any.',
  },
  unauthorized: {
    kind: 'unauthenticated',
    message: 'The camera does not accept the user name and password for ONVIF.',
    cure: 'Enter them again; many cameras have a separate user for ONVIF, made in their own pages.',
  },
  'not-onvif': {
    kind: 'unavailable',
    message: 'What answers there does not speak ONVIF.',
    cure: 'Switch ONVIF on in the camera and check address and port.',
  },
  'bad-answer': {
    kind: 'unavailable',
    message: 'The camera sends answers that cannot be read.',
    cure: 'Update the software of the camera; its recording does not depend on this.',
  },
  fault: {
    kind: 'failed-precondition',
    message: 'The camera refuses what was asked of it.',
    cure: 'Check the rights of its user; operators and administrators may do more.',
  },
  unsupported: {
    kind: 'failed-precondition',
    message: 'The camera cannot do this over ONVIF.',
    cure: 'Look into the manual of the camera for what it can do.',
  },
  'server-error': {
    kind: 'unavailable',
    message: 'The camera answers with an error of its own.',
    cure: 'If it lasts, restart the camera.',
  },
};

export function onvifProblemWords(problem: OnvifProblem): { message: string; cure: string } {
  const { message, cure } = WORDS[problem];
  return { message, cure };
}

export interface OnvifErrorDetails {
  /** Subcodes of a SOAP fault, outermost first, without prefix. */
  codes?: readonly string[];
  retryAfterS?: number;
  cause?: unknown;
}

/** A call that failed, with the problem that it stands for. */
export class OnvifError extends NvrError {
  readonly problem: OnvifProblem;
  readonly codes: readonly string[];

  constructor(problem: OnvifProblem, details: OnvifErrorDetails = {}) {
    const { kind, message, cure } = WORDS[problem];
    const { codes = [], retryAfterS, cause } = details;
    super(kind, message, {
      cure,
      ...(retryAfterS === undefined ? {} : { retryAfterS }),
      ...(cause === undefined ? {} : { cause }),
    });
    this.problem = problem;
    this.codes = codes;
  }
}

/** Of anything that was thrown; what is no failure of the camera counts as one of its answers. */
export function problemOf(error: unknown): OnvifProblem {
  return error instanceof OnvifError ? error.problem : 'bad-answer';
}
