// Opens the encrypted address of the service; what it needs is only loaded then.
import type { Clock, HttpsOptions, Logger } from '../core/index.ts';
import type { Api } from './api.ts';
import type { HttpsFacts } from './contract.ts';

export interface HttpsParts {
  api: Api;
  https: HttpsOptions;
  /** Absolute; it is ours already. */
  dataDir: string;
  proxies: readonly string[];
  log: Logger;
  clock: Clock;
}

/**
 * Rejects with `failed-precondition` when the address or the certificate cannot be used. The server is Node's: TLS is loaded
 * for the webhooks anyway, while that of uWebSockets.js would be a second one.
 */
export async function startHttps({ api, https, dataDir, proxies, log, clock }: HttpsParts): Promise<HttpsFacts> {
  const [{ NodeServer }, { keptIdentity, readOwnIdentity }] = await Promise.all([
    import('./node-server.ts'),
    import('./tls-identity.ts'),
  ]);
  const identity = https.files ? await readOwnIdentity(https.files) : await keptIdentity(dataDir, clock.nowMs(), log);
  const { host, port, redirect } = https;
  const { certificate, key, fingerprint, selfSigned, validUntilMs } = identity;
  const server = new NodeServer({ host, port, proxies, log, clock, tls: { certificate, key } });
  const { url } = await api.startSecure(server, redirect);
  log.info('HTTPS', { url, fingerprint, selfSigned, validUntilMs });
  return { url, fingerprint, selfSigned, validUntilMs };
}
