// Why a broker cannot be used, in words with a cure: from what the system, TLS or the broker itself says.
import { NvrError } from '../core/index.ts';

export const BROKER_FAULTS = [
  'unknown-host',
  'refused',
  'unreachable',
  'timeout',
  'address-forbidden',
  'tls',
  'certificate',
  'client-certificate',
  'not-mqtt',
  'unauthorized',
  'forbidden',
  'topic-forbidden',
  'prefix-in-use',
  'password-unreadable',
  'no-retain',
  'closed',
] as const;
export type BrokerFaultKind = (typeof BROKER_FAULTS)[number];

/** What went wrong, for people. */
export interface BrokerProblem {
  kind: BrokerFaultKind;
  message: string;
  cure: string;
}

const WORDS: Record<BrokerFaultKind, [message: string, cure: string]> = {
  'unknown-host': ['the name of the broker has no address', 'Check its name, or write its IP address.'],
  refused: [
    'nothing listens at this address and port',
    'Check the port (1883, with TLS 8883), and that the broker runs.',
  ],
  unreachable: ['there is no way to the address of the broker', 'Check the address and the network.'],
  timeout: [
    'the broker does not answer within 10 seconds',
    'Check the address, the port, and whether it is mqtt or mqtts.',
  ],
  'address-forbidden': [
    'the address is a link-local one or no single machine',
    'Write the ordinary address of the broker.',
  ],
  tls: [
    'the broker does not speak TLS here',
    'Use mqtt:// in place of mqtts://, or the port of the broker for TLS (8883).',
  ],
  certificate: [
    'the certificate of the broker is not trusted',
    'Give the CA that signed it as "ca", and use the name that stands in it.',
  ],
  'client-certificate': [
    'the broker refuses our certificate',
    'Give a client certificate that it knows as "cert" and "key".',
  ],
  'not-mqtt': ['what answers is no MQTT broker', 'Check the address and port, and whether it is mqtt or mqtts.'],
  unauthorized: ['the broker refuses user name or password', 'Correct them, or allow them in the broker.'],
  forbidden: ['the broker refuses the connection', 'Check its rules for this user and for the client id.'],
  'topic-forbidden': [
    'the broker does not let this user use our topics',
    'Allow reading and writing below the prefix and writing below the discovery prefix.',
  ],
  'prefix-in-use': ['another recorder uses this prefix at the same broker', 'Choose another prefix for one of them.'],
  'password-unreadable': ['the stored password or key cannot be read any more', 'Enter it again.'],
  'no-retain': [
    'the broker keeps no retained messages',
    'Allow them in the broker: Home Assistant finds nothing without them.',
  ],
  closed: ['the broker closed the connection', 'See the log of the broker, and check whether it is mqtt or mqtts.'],
};

/** A failure of the broker that is expected to happen. */
export class BrokerFault extends Error {
  readonly problem: BrokerProblem;

  /** `detail` says more than the kind does; never a secret. */
  constructor(kind: BrokerFaultKind, detail?: string) {
    const [message, cure] = WORDS[kind];
    super(detail === undefined ? message : `${message} (${detail})`);
    this.name = 'BrokerFault';
    this.problem = { kind, message: this.message, cure };
  }
}

const BY_CODE: Record<string, BrokerFaultKind> = {
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  EPROTO: 'tls',
};
/** OpenSSL's words for what is wrong with a certificate, as Node hands them on. */
const CERTIFICATE_CODE =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH)/;
/** Alerts by which a broker refuses a client's certificate, or asks for one. */
const CLIENT_ALERT = /ALERT_(BAD_CERTIFICATE|CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED|UNSUPPORTED_CERT)/;

/** Of an error of a socket. */
export function faultOf(error: unknown): BrokerFault {
  if (error instanceof BrokerFault) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (CERTIFICATE_CODE.test(code)) return new BrokerFault('certificate', code);
  if (/CERTIFICATE_REQUIRED/.test(code) || CLIENT_ALERT.test(code)) return new BrokerFault('client-certificate', code);
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_OSSL_')) return new BrokerFault('tls', code);
  const kind = BY_CODE[code];
  if (kind) return new BrokerFault(kind);
  return new BrokerFault('closed', error instanceof NvrError || code === '' ? undefined : code);
}

/** Of the code of a CONNACK: below 128 as in MQTT 3.1.1, table 3.1, else as in MQTT 5, table 3-1. */
export function refusalOf(code: number): BrokerFault {
  if (code === 4 || code === 5 || code === 0x86 || code === 0x87 || code === 0x8c)
    return new BrokerFault('unauthorized');
  return new BrokerFault('forbidden', `code ${code}`);
}

/** The broker does not know the version of the protocol that we offered. */
export function isVersionRefusal(code: number): boolean {
  return code === 1 || code === 0x84;
}
