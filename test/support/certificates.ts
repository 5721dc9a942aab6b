// Certificates for tests of TLS, made by openssl: an authority, and those that it has signed.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp.ts';

export interface SignedCertificate {
  /** Paths. */
  certFile: string;
  keyFile: string;
  /** PEM. */
  cert: string;
  key: string;
}

/** Why none can be made; undefined when they can. */
export function certificateProblem(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed';
}

/** Signs certificates; its own is `cert`. */
export class Authority {
  readonly #dir = tempDir('certificates');
  readonly certFile = join(this.#dir, 'ca.pem');
  readonly cert: string;

  constructor(name: string) {
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      this.#path('ca.key'),
    ];
    this.#openssl(['req', '-x509', '-subj', `/CN=${name}`, '-days', '30', ...key, '-out', this.certFile]);
    this.cert = readFileSync(this.certFile, 'utf8');
  }

  /** `names` as in an extension: `IP:127.0.0.1`. */
  sign(name: string, names: string): SignedCertificate {
    const [keyFile, certFile, request, extension] = ['key', 'pem', 'csr', 'ext'].map(end =>
      this.#path(`${name}.${end}`),
    );
    writeFileSync(String(extension), `subjectAltName=${names}\n`);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', String(keyFile)];
    this.#openssl(['req', '-new', '-subj', `/CN=${name}`, ...key, '-out', String(request)]);
    const by = ['-CA', this.certFile, '-CAkey', this.#path('ca.key'), '-CAcreateserial', '-days', '30'];
    const made = ['-in', String(request), '-out', String(certFile), '-extfile', String(extension)];
    this.#openssl(['x509', '-req', ...made, ...by]);
    const read = (path: string | undefined) => readFileSync(String(path), 'utf8');
    return { certFile: String(certFile), keyFile: String(keyFile), cert: read(certFile), key: read(keyFile) };
  }

  #path(name: string): string {
    return join(this.#dir, name);
  }

  #openssl(args: readonly string[]): void {
    const { status, stderr } = spawnSync('openssl', args);
    if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  }
}
