// The flags about HTTP and HTTPS: which server, where it listens encrypted, with what, and behind whom.
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type Flag, invalid, nonEmpty, parseAddress, parseSwitch, type Values } from './option-values.ts';

export interface HttpsOptions {
  /** Without brackets. */
  host: string;
  /** 0 = chosen by the system. */
  port: number;
  /** The owner's certificate; absolute paths of PEM files. Absent: one that the service makes for itself. */
  files?: { certificate: string; key: string };
  /** Plain requests are sent there. */
  redirect: boolean;
}

export interface ServerChoice {
  /** `auto`: uWebSockets.js where there is a binary of it for this machine. */
  http: 'auto' | 'uws' | 'node';
  https?: HttpsOptions;
  /** Addresses of proxies whose word about their clients counts. */
  trustedProxies: string[];
}

export const SERVER_FLAGS: readonly Flag[] = [
  {
    name: '--http',
    variable: 'THIMBLE_HTTP',
    value: 'auto|uws|node',
    help: 'which HTTP server: uWebSockets.js, or that of Node.js (default: auto)',
  },
  {
    name: '--https',
    variable: 'THIMBLE_HTTPS',
    value: 'HOST:PORT',
    help: 'encrypted address, beside the plain one (default: none)',
  },
  {
    name: '--tls-cert',
    variable: 'THIMBLE_TLS_CERT',
    value: 'FILE.pem',
    help: 'certificate and its chain for --https (default: one made at the first start)',
  },
  { name: '--tls-key', variable: 'THIMBLE_TLS_KEY', value: 'FILE.pem', help: 'its private key' },
  {
    name: '--https-redirect',
    variable: 'THIMBLE_HTTPS_REDIRECT',
    help: 'sends whoever comes to the plain address to the encrypted one',
  },
  {
    name: '--trusted-proxy',
    variable: 'THIMBLE_TRUSTED_PROXY',
    value: 'ADDRESS[,ADDRESS]',
    help: 'proxies that say who their clients are (default: none is believed)',
  },
];

/** Throws `invalid-argument` with `field` = the flag or variable, and a cure. */
export function parseServerChoice(values: Values): ServerChoice {
  const https = parseHttps(values);
  return { http: parseHttp(values), trustedProxies: parseProxies(values), ...(https && { https }) };
}

function parseHttp(values: Values): ServerChoice['http'] {
  const value = values['--http'];
  if (!value || value.text === 'auto') return 'auto';
  if (value.text === 'uws' || value.text === 'node') return value.text;
  throw invalid(value.source, `${value.source} cannot be ${value.text}`, 'Use auto, uws or node.');
}

function parseHttps(values: Values): HttpsOptions | undefined {
  const address = values['--https'];
  const [certificate, key] = [values['--tls-cert'], values['--tls-key']];
  const redirect = parseSwitch(values['--https-redirect']);
  if (!address) {
    const idle = certificate ?? key ?? (redirect ? values['--https-redirect'] : undefined);
    if (idle) throw invalid(idle.source, `${idle.source} means nothing without --https`, 'Add --https HOST:PORT.');
    return undefined;
  }
  const lone = certificate && !key ? certificate : key && !certificate ? key : undefined;
  if (lone) {
    throw invalid(
      lone.source,
      'a certificate needs its key, and a key its certificate',
      'Give --tls-cert and --tls-key.',
    );
  }
  const cure = 'Write the path of a PEM file.';
  const files = certificate &&
    key && { certificate: resolve(nonEmpty(certificate, cure) as string), key: resolve(nonEmpty(key, cure) as string) };
  return { ...parseAddress(address, '0.0.0.0:8443'), redirect, ...(files && { files }) };
}

function parseProxies(values: Values): string[] {
  const value = values['--trusted-proxy'];
  if (!value) return [];
  const addresses = value.text.split(',').map(one => one.trim());
  const wrong = addresses.find(one => isIP(one) === 0);
  if (wrong !== undefined || addresses.length > 16) {
    throw invalid(value.source, `${value.source} is not a list of addresses`, 'Write for example 192.168.1.2.');
  }
  return addresses;
}
