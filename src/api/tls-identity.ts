// With what the service shows that it is itself: the owner's certificate, or one that it makes at the first start and keeps.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromSystem, type Logger, NvrError, writeFileAtomic } from '../core/index.ts';
import type { TlsIdentity } from './server-options.ts';
import { makeSelfSigned, ownNames } from './tls-self-signed.ts';

const FOLDER = 'tls';
const MAX_FILE_BYTES = 256 * 1024;

export interface KnownIdentity extends TlsIdentity {
  /** SHA-256 of the certificate, as browsers show it. */
  fingerprint: string;
  selfSigned: boolean;
  validUntilMs: number;
}

/** Rejects with `failed-precondition` when the files cannot be read or do not belong together. Paths are absolute. */
export async function readOwnIdentity(files: { certificate: string; key: string }): Promise<KnownIdentity> {
  const certificate = await readBounded(files.certificate, '--tls-cert');
  const key = await readBounded(files.key, '--tls-key');
  const parsed = attempt(() => new X509Certificate(certificate));
  if (!parsed) throw wrong('--tls-cert', `${files.certificate} holds no certificate`, 'Give a file in PEM.');
  const privateKey = attempt(() => createPrivateKey(key));
  if (!privateKey) {
    throw wrong('--tls-key', `${files.key} holds no private key without a password`, 'Give a file in PEM.');
  }
  if (!parsed.checkPrivateKey(privateKey)) {
    throw wrong(
      '--tls-key',
      'the key does not belong to the certificate',
      'Give the two files that were made together.',
    );
  }
  return known({ certificate, key }, parsed, false);
}

/**
 * The certificate that was made at the first start, as long as it can be used: another one would have to be accepted anew by
 * everybody, so it stays when the machine gets further names. The key is readable by the service only.
 */
export async function keptIdentity(dataDir: string, nowMs: number, log: Logger): Promise<KnownIdentity> {
  const folder = join(dataDir, FOLDER);
  const paths = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  const [certificate, key] = await Promise.all([readIfThere(paths.certificate), readIfThere(paths.key)]);
  if (certificate !== undefined && key !== undefined) {
    const parsed = attempt(() => new X509Certificate(certificate));
    const isWhole = parsed && attempt(() => parsed.checkPrivateKey(createPrivateKey(key)));
    if (isWhole && Date.parse(parsed.validTo) > nowMs) return known({ certificate, key }, parsed, true);
    log.warn('the certificate cannot be used any more: a new one is made', { path: paths.certificate });
  }
  const made = makeSelfSigned(ownNames(), nowMs);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(paths.key, made.key, { mode: 0o600 });
    await writeFileAtomic(paths.certificate, made.certificate, { mode: 0o644 });
  } catch (error) {
    throw fromSystem(error as NodeJS.ErrnoException, 'the certificate cannot be kept');
  }
  return known(made, new X509Certificate(made.certificate), true);
}

function known(identity: TlsIdentity, parsed: X509Certificate, selfSigned: boolean): KnownIdentity {
  return { ...identity, selfSigned, fingerprint: parsed.fingerprint256, validUntilMs: Date.parse(parsed.validTo) };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fromSystem(error as NodeJS.ErrnoException, `${path} cannot be read`);
  }
}

async function readBounded(path: string, field: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const buffer = Buffer.alloc(MAX_FILE_BYTES);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw wrong(field, `${path} cannot be read: ${code}`, 'Check the path and who may read it.');
  }
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function wrong(field: string, message: string, cure: string): NvrError {
  return new NvrError('failed-precondition', message, { field, cure });
}
