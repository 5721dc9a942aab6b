// The release of go2rtc that this version of the service installs: its files, their digests, and which of them a machine takes.
import { NvrError } from '../core/index.ts';

export interface Asset {
  /** Name of the file in the release. */
  name: string;
  /** SHA-256 in hex; absent = the release service is asked, which is all there is to trust then. */
  sha256?: string;
}

export interface Release {
  version: string;
  /** By platform, as `platformOf` names it. */
  assets: Readonly<Record<string, Asset>>;
}

/**
 * Files for Linux are bare executables, packed by UPX; zip archives exist for other systems only. The digests are those that GitHub
 * publishes beside each file (`digest` in the JSON of the release). For MIPS none was to be had when this was written.
 */
export const RELEASE: Release = {
  version: '1.9.14',
  assets: {
    'linux-amd64': {
      name: 'go2rtc_linux_amd64',
      sha256: '32d616af226bd731678ffde328b94cfb94e30339bfefc469cfb76323144615a6',
    },
    'linux-arm64': {
      name: 'go2rtc_linux_arm64',
      sha256: '359fabade8a7a51e81a55fe6df6b0ef81764a5e1d63179577534eaaa71904b50',
    },
    'linux-armv7': {
      name: 'go2rtc_linux_arm',
      sha256: '4d7e1639af5a2722a28e864468fd8099b3c1682565446c798bf9e3b38fde12e4',
    },
    'linux-armv6': {
      name: 'go2rtc_linux_armv6',
      sha256: '4dc20370556b29f3a90f4c7a09dcd95472c8f74cca56d4d1fb91f32bdd15174c',
    },
    'linux-386': {
      name: 'go2rtc_linux_i386',
      sha256: '12a114d19fc9fba1b3541cf7c6bb9b01896a6845f31285ec77269e2e7c613885',
    },
    'linux-mipsle': { name: 'go2rtc_linux_mipsel' },
  },
};

export interface Machine {
  /** As Node names them: `process.platform`, `process.arch`. */
  platform: string;
  arch: string;
  /** As `uname -m` says. */
  kernelArch: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386', mipsel: 'mipsle' };

/** What programs are built for, by the name that go2rtc prints: `linux-armv7`. A 32-bit system on a 64-bit kernel is a 32-bit one. */
export function platformOf({ platform, arch, kernelArch }: Machine): string {
  const own = arch === 'arm' ? (kernelArch.startsWith('armv6') ? 'armv6' : 'armv7') : ARCHITECTURES[arch];
  return `${platform}-${own ?? arch}`;
}

/** Throws `failed-precondition` where the release has nothing for this machine. */
export function assetFor(release: Release, machine: Machine): Asset {
  const platform = platformOf(machine);
  const asset = Object.hasOwn(release.assets, platform) ? release.assets[platform] : undefined;
  if (asset) return asset;
  throw new NvrError('failed-precondition', `go2rtc ${release.version} has no file for ${platform}`, {
    cure: 'Build go2rtc for this machine, and name it in the setting "go2rtc.binary".',
  });
}
