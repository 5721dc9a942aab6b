// Knows which programs and libraries of the system are needed to build and to test, finds out what is missing by
// trying it, and has apt install it where that is possible.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run, SetupError, say, succeeds } from './terminal.mjs';

/**
 * @typedef {object} Need
 * @property {string} name for people on other systems than Debian
 * @property {string[]} packages Debian's names
 * @property {() => boolean} isThere
 */

/** @param {string} program @returns {Need['isThere']} */
const onPath = program => () =>
  (process.env.PATH ?? '').split(delimiter).some(folder => folder !== '' && existsSync(join(folder, program)));

/** Of programs for root, which others do not have on their PATH. @param {string} program @returns {(folder: string) => boolean} */
const has = program => folder => existsSync(join(folder, program));

/** @param {string} header @returns {Need['isThere']} */
const hasHeader = header => () =>
  spawnSync('g++', ['-x', 'c++', '-E', '-'], { input: `#include <${header}>\n`, stdio: ['pipe', 'ignore', 'ignore'] })
    .status === 0;

/** @type {Need[]} */
const BUILD_NEEDS = [
  { name: 'g++ (C++17)', packages: ['g++', 'libc6-dev'], isThere: onPath('g++') },
  { name: 'make', packages: ['make'], isThere: onPath('make') },
  { name: 'python3', packages: ['python3'], isThere: onPath('python3') },
  { name: 'pkg-config', packages: ['pkg-config'], isThere: onPath('pkg-config') },
  {
    name: 'the FFmpeg 5.1 or newer libraries libavformat, libavcodec, libswscale and libavutil with headers',
    packages: ['libavformat-dev', 'libavcodec-dev', 'libswscale-dev', 'libavutil-dev'],
    isThere: () =>
      succeeds('pkg-config', [
        ...['--exists', 'libavformat >= 59.27', 'libavcodec >= 59.37'],
        ...['libswscale >= 6.7', 'libavutil >= 57.28'],
      ]),
  },
];

/** What scripts/build-ffmpeg.sh needs beside a compiler. @type {Need[]} */
const RELEASE_NEEDS = [
  { name: 'xz', packages: ['xz-utils'], isThere: onPath('xz') },
  { name: 'nasm', packages: ['nasm'], isThere: () => !['x64', 'ia32'].includes(process.arch) || onPath('nasm')() },
];

/** A clang with libFuzzer: undefined when there is none. @returns {string | undefined} */
export function fuzzCompiler() {
  const program = 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }';
  return ['clang++', ...[19, 18, 17, 16, 15, 14].map(version => `clang++-${version}`)].find(name => {
    const args = ['-x', 'c++', '-fsanitize=fuzzer', '-o', '/dev/null', '-'];
    return spawnSync(name, args, { input: program, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;
  });
}

/** @type {Need[]} */
const FUZZ_NEEDS = [
  {
    name: 'clang 14 or newer with libFuzzer',
    packages: ['clang-14', 'libclang-rt-14-dev'],
    isThere: () => fuzzCompiler() !== undefined,
  },
];

const GSTREAMER_CHECK = `
import gi
for name in ("Gst", "GstApp", "GstRtspServer"):
    gi.require_version(name, "1.0")
from gi.repository import Gst, GstApp, GstRtspServer
Gst.init(None)
elements = "appsrc qtdemux h264parse h265parse aacparse rtph264pay rtph265pay rtpmp4gpay rtpbin"
assert all(Gst.ElementFactory.find(name) for name in elements.split())
`;

/** @type {Need[]} */
const TEST_NEEDS = [
  { name: 'cmake', packages: ['cmake'], isThere: onPath('cmake') },
  { name: 'ninja', packages: ['ninja-build'], isThere: onPath('ninja') },
  { name: 'clang-format', packages: ['clang-format'], isThere: onPath('clang-format') },
  { name: 'doctest', packages: ['doctest-dev'], isThere: hasHeader('doctest/doctest.h') },
  { name: 'nlohmann-json', packages: ['nlohmann-json3-dev'], isThere: hasHeader('nlohmann/json.hpp') },
  { name: 'ffmpeg and ffprobe', packages: ['ffmpeg'], isThere: onPath('ffprobe') },
  {
    name: "GStreamer's RTSP server with its Python bindings and the base, good and bad plugins",
    packages: [
      'python3-gi',
      'gir1.2-gst-rtsp-server-1.0',
      'gir1.2-gst-plugins-base-1.0',
      'gstreamer1.0-plugins-base',
      'gstreamer1.0-plugins-good',
      'gstreamer1.0-plugins-bad',
    ],
    isThere: () => succeeds('/usr/bin/python3', ['-c', GSTREAMER_CHECK]),
  },
];

/** Tests that need one of these are skipped by name without it. @type {Need[]} */
const TEST_WISHES = [
  { name: 'Chromium', packages: ['chromium'], isThere: onPath('chromium') },
  { name: 'mosquitto', packages: ['mosquitto'], isThere: () => ['/sbin', '/usr/sbin'].some(has('mosquitto')) },
];

/** @type {Need[]} */
const FAULT_NEEDS = [
  { name: 'libfaketime', packages: ['faketime'], isThere: onPath('faketime') },
  { name: 'mkfs.ext4', packages: ['e2fsprogs'], isThere: () => ['/sbin', '/usr/sbin'].some(has('mkfs.ext4')) },
  {
    name: 'losetup, mount and fsfreeze',
    packages: ['mount', 'util-linux'],
    isThere: () => ['losetup', 'fsfreeze'].every(program => ['/sbin', '/usr/sbin'].some(has(program))),
  },
];

/** Installs what is missing to build the addon. Throws a SetupError (exit code 2) that says what to type when it cannot. */
export function requireBuildPackages() {
  require(BUILD_NEEDS);
}

/** The same for `npm run build:release`, which brings its own FFmpeg. */
export function requireReleasePackages() {
  require([...BUILD_NEEDS.filter(need => !need.packages.includes('libavformat-dev')), ...RELEASE_NEEDS]);
}

/** The same for everything that `npm test` needs. */
export function requireTestPackages() {
  require([...BUILD_NEEDS, ...TEST_NEEDS]);
}

/** Installs what some tests need and the rest does without; where that cannot be done, one line says what to type. */
export function wishForTestPackages() {
  try {
    require(TEST_WISHES);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`tests will be skipped for want of ${TEST_WISHES.map(wish => wish.name).join(', ')}: ${error.message}`);
  }
}

/** The same for `npm run faults`. */
export function requireFaultPackages() {
  require([...BUILD_NEEDS, ...TEST_NEEDS, ...FAULT_NEEDS]);
}

/** Installs what is missing for `npm run fuzz`. */
export function requireFuzzPackages() {
  require([...BUILD_NEEDS, ...TEST_NEEDS.filter(need => ['cmake', 'ninja'].includes(need.name)), ...FUZZ_NEEDS]);
}

/** @param {Need[]} needs */
function require(needs) {
  const missing = needs.filter(need => !need.isThere());
  if (missing.length === 0) return;
  const packages = missing.flatMap(need => need.packages);
  if (!onPath('apt-get')()) {
    throw new SetupError(`please install first: ${missing.map(need => need.name).join('; ')}.`, 2);
  }
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  if (process.getuid?.() !== 0) {
    throw new SetupError(`please type first: sudo apt-get update && sudo apt-get ${install.join(' ')}`, 2);
  }
  say(`installing system packages with apt (silent for up to a few minutes): ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  run('apt-get update', 'apt-get', [...wait, 'update'], env);
  run('apt-get install', 'apt-get', [...wait, ...install], env);
  const still = missing.filter(need => !need.isThere());
  if (still.length > 0) {
    throw new SetupError(
      `apt installed everything, but these are still missing: ${still.map(need => need.name).join('; ')}.`,
      2,
    );
  }
}
