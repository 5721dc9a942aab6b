// Opens the encrypted address of the service; what it needs is only loaded then.
import type { Clock, HttpsOptions, Logger } from '../core/index.ts';
import type { Api } from './api.ts';
import type { HttpsFacts } from './contract.ts';
import type { HttpServer } from './server.ts';
import type { KnownIdentity } from './tls-identity.ts';

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
 * What it gives back follows a certificate of the owner that is renewed on disk. Rejects with `failed-precondition` when the address or
 * the certificate cannot be used. The server is Node's: TLS is loaded
 * for the webhooks anyway, while that of uWebSockets.js would be a second one.
 */
export async function startHttps({ api, https, dataDir, proxies, log, clock }: HttpsParts): Promise<HttpsFacts> {
  const [{ NodeServer }, { keptIdentity }, { TlsRenewal }] = await Promise.all([
    import('./node-server.ts'),
    import('./tls-identity.ts'),
    import('./tls-renewal.ts'),
  ]);
  const { host, port, redirect, files } = https;
  const use = (renewed: KnownIdentity) => {
    server.renew(renewed);
    Object.assign(facts, factsOf(renewed));
  };
  const renewal = files && new TlsRenewal({ files, use, clock, log });
  const identity = renewal ? await renewal.begin() : await keptIdentity(dataDir, clock.nowMs(), log);
  const { certificate, key } = identity;
  const server = new NodeServer({ host, port, proxies, log, clock, tls: { certificate, key } });
  const followed: HttpServer = {
    start: (handler, upgrade) => server.start(handler, upgrade),
    stop: graceMs => {
      renewal?.stop();
      return server.stop(graceMs);
    },
  };
  const { url } = await api.startSecure(followed, redirect);
  const facts: HttpsFacts = { url, ...factsOf(identity) };
  log.info('HTTPS', { ...facts });
  return facts;
}

function factsOf({ fingerprint, selfSigned, validUntilMs }: KnownIdentity): Omit<HttpsFacts, 'url'> {
  return { fingerprint, selfSigned, validUntilMs };
}
