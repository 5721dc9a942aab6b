// Installs the pinned go2rtc: gets it or takes it from a file, compares its digest, tries it, and only then puts it in its place.
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, copyFile, type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { machine as kernelArch } from 'node:os';
import { join } from 'node:path';
import { type Clock, fromSystem, NvrError, syncFolder } from '../core/index.ts';
import { ownBinary, probeBinary } from './binary.ts';
import { type DownloadOptions, downloadJson, downloadTo } from './download.ts';
import { isRecord } from './json.ts';
import { type Asset, assetFor, type Machine, RELEASE, type Release } from './release.ts';
import type { Spawn } from './state.ts';

/** Where releases are. */
export interface ReleaseService {
  /** Address of a file of the release. */
  fileUrl(version: string, name: string): string;
  /** Address of what is told about the release, with the digests of its files. */
  releaseUrl(version: string): string;
  /** All hosts that files may come from. */
  hosts: readonly string[];
  /** As `DownloadOptions.ca`. */
  ca?: string;
}

export const GITHUB: ReleaseService = {
  fileUrl: (version, name) => `https://github.com/AlexxIT/go2rtc/releases/download/v${version}/${name}`,
  releaseUrl: version => `https://api.github.com/repos/AlexxIT/go2rtc/releases/tags/v${version}`,
  hosts: ['github.com', 'api.github.com', 'release-assets.githubusercontent.com', 'objects.githubusercontent.com'],
};

export interface InstallOptions {
  /** Absolute; the binary comes to be `bin/go2rtc` in it. */
  dataDir: string;
  userAgent: string;
  signal: AbortSignal;
  /** A file that somebody brought, in place of the download; the same checks hold for it. */
  from?: string;
  clock: Clock;
  /** As `spawnChild` of native. */
  spawn: Spawn;
  /** Takes the lock of a folder; undefined while another process has it. */
  lock: (folder: string) => { unlock(): void } | undefined;
  onProgress?: (receivedBytes: number, sizeBytes: number | undefined) => void;
  /** In place of what is pinned, of GitHub and of this machine: for tests. */
  release?: Release;
  service?: ReleaseService;
  machine?: Machine;
}

export interface Installed {
  version: string;
  /** Absolute. */
  path: string;
  sizeBytes: number;
  /** False: it was there already. */
  changed: boolean;
}

/** Three times what the largest file of the release has. */
const MAX_BYTES = 64 * 1024 * 1024;
/** A packed program unpacks itself first, which takes a slow board a while. */
const VERSION_MS = 20_000;

/**
 * Resolves when the binary is in its place for good. Nothing is run before its digest is the published one, and what was there before
 * stays until the new one has told its version. What came of an interrupted download is kept for the next attempt.
 * Rejects with words and a cure, `unavailable` where another attempt may help.
 */
export async function installGo2rtc(options: InstallOptions): Promise<Installed> {
  const { dataDir, release = RELEASE, lock, signal } = options;
  const asset = assetFor(release, options.machine ?? thisMachine());
  const folder = join(dataDir, 'bin');
  await inFolder(folder, () => mkdir(folder, { recursive: true, mode: 0o755 }));
  const locked = await inFolder(folder, async () => lock(folder));
  if (!locked)
    throw new NvrError('unavailable', 'go2rtc is being installed already', { cure: 'Wait until it is done.' });
  const part = join(folder, `.${asset.name}-${release.version}.part`);
  try {
    const path = ownBinary(dataDir);
    const sha256 = asset.sha256 ?? (await publishedDigest(asset, release, options));
    if ((await digestOf(path)) === sha256) {
      return { version: release.version, path, sizeBytes: (await stat(path)).size, changed: false };
    }
    await inFolder(folder, () => forget(folder, part));
    if (options.from !== undefined) await takeFrom(options.from, part);
    else if ((await digestOf(part)) !== sha256) await download(part, asset, sha256, options);
    if ((await digestOf(part)) !== sha256) {
      await unlink(part);
      throw wrongDigest(options.from ?? asset.name);
    }
    await inFolder(folder, () => makeRunnable(part));
    signal.throwIfAborted();
    await tryOut(part, release.version, options);
    const sizeBytes = (await stat(part)).size;
    await inFolder(folder, async () => {
      await rename(part, path);
      await syncFolder(folder);
    });
    return { version: release.version, path, sizeBytes, changed: true };
  } finally {
    locked.unlock();
  }
}

export function thisMachine(): Machine {
  return { platform: process.platform, arch: process.arch, kernelArch: kernelArch() };
}

async function download(part: string, asset: Asset, sha256: string, options: InstallOptions): Promise<void> {
  const { service = GITHUB, release = RELEASE, onProgress = () => {} } = options;
  const url = service.fileUrl(release.version, asset.name);
  await withPart(part, async (file, haveBytes) => {
    await downloadTo(file, haveBytes, { ...asking(url, options), maxBytes: MAX_BYTES }, onProgress);
    await file.sync();
    if (haveBytes === 0 || (await digestOf(part)) === sha256) return;
    // What an earlier attempt had left was not a part of it.
    await downloadTo(file, 0, { ...asking(url, options), maxBytes: MAX_BYTES }, onProgress);
    await file.sync();
  });
}

function asking(
  url: string,
  { service = GITHUB, userAgent, signal }: InstallOptions,
): Omit<DownloadOptions, 'maxBytes'> {
  const { hosts, ca } = service;
  return { url, hosts, userAgent, signal, ...(ca === undefined ? {} : { ca }) };
}

/** As the release service tells it, for files whose digest is not pinned. */
async function publishedDigest(asset: Asset, release: Release, options: InstallOptions): Promise<string> {
  const { service = GITHUB } = options;
  const told = await downloadJson(asking(service.releaseUrl(release.version), options));
  const assets = isRecord(told) && Array.isArray(told.assets) ? told.assets.filter(isRecord) : [];
  const known = assets.find(({ name }) => name === asset.name);
  const [, sha256] = /^sha256:([0-9a-f]{64})$/.exec(String(known?.digest)) ?? [];
  if (sha256 !== undefined) return sha256;
  throw new NvrError('failed-precondition', `no digest of ${asset.name} is published`, {
    cure: 'Install go2rtc by hand, and name it in the setting "go2rtc.binary".',
  });
}

async function withPart(path: string, work: (file: FileHandle, haveBytes: number) => Promise<void>): Promise<void> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  try {
    const file = await open(path, flags, 0o600);
    try {
      const { size } = await file.stat();
      await work(file, size > MAX_BYTES ? 0 : size);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw ofVolume(error);
  }
}

async function takeFrom(from: string, part: string): Promise<void> {
  const refuse = (message: string, cause?: unknown) =>
    new NvrError('invalid-argument', message, { field: '--from', cure: 'Name the file of the release.', cause });
  const found = await stat(from).catch((error: unknown) => {
    throw refuse(`${from} cannot be read`, error);
  });
  if (!found.isFile() || found.size > MAX_BYTES) throw refuse(`${from} is no file of a release`);
  await copyFile(from, part).catch((error: unknown) => {
    throw ofVolume(error);
  });
}

async function makeRunnable(part: string): Promise<void> {
  await chmod(part, 0o755);
  const file = await open(part, constants.O_RDONLY);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Only what has the published digest gets here. */
async function tryOut(part: string, wanted: string, { dataDir, spawn, clock }: InstallOptions): Promise<void> {
  const found = await probeBinary(part, dataDir, { spawn, clock, limitMs: VERSION_MS });
  if (found.state === 'found' && found.version === wanted) return;
  const why = found.state === 'found' ? `it says that it is version ${found.version}` : found.words.message;
  throw new NvrError('failed-precondition', `go2rtc was not put in place: ${why}`, {
    cure: 'See that the volume of the data directory lets programs run (mount option noexec), and that memory is free.',
  });
}

/** Parts of other releases. */
async function forget(folder: string, part: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (/^\.go2rtc_.*\.part$/.test(name) && path !== part) await unlink(path);
  }
}

/** Undefined when there is no such file. */
async function digestOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw ofVolume(error);
  }
  return hash.digest('hex');
}

function wrongDigest(what: string): NvrError {
  return new NvrError('failed-precondition', `${what} is not the file that was published: its SHA-256 digest differs`, {
    cure: 'Nothing was installed. Try again; if it lasts, somebody changes what comes from the internet.',
  });
}

async function inFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw ofVolume(error, folder);
  }
}

function ofVolume(error: unknown, folder?: string): unknown {
  if (error instanceof NvrError || (error as NodeJS.ErrnoException).code === undefined) return error;
  if (error instanceof Error && error.name === 'AbortError') return error;
  const { kind, message } = fromSystem(error, `go2rtc cannot be stored${folder === undefined ? '' : ` in ${folder}`}`);
  return new NvrError(kind === 'internal' ? 'unavailable' : kind, message, {
    cure: 'See that the volume can be written and has room.',
    cause: error,
  });
}
