#!/bin/sh
# Builds the trimmed FFmpeg of the releases into build/ffmpeg: static PIC libraries, headers, licences. Takes about 80 s,
# and only when something changed. LGPL parts only: nothing here may enable --enable-gpl or --enable-nonfree.
#
# The source is Debian's, fetched by apt from the mirror that this machine uses. Without one: put the file named below
# anywhere and say so with FFMPEG_SOURCE=/path/to/it.
set -eu

version=5.1.9
archive=ffmpeg_$version.orig.tar.xz
# As Debian's signed ffmpeg_5.1.9-0+deb12u1.dsc says.
sha256=d9b593bb2ba93d4b50f74177e0cdcd41747e708596367deed0c30348a71dd176

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
result=$root/build/ffmpeg

give_up() {
  echo "thimble: $1" >&2
  exit 2
}

for program in make "${CC:=cc}" xz; do
  command -v "$program" >/dev/null 2>&1 || give_up "$program is needed to build FFmpeg."
done
case $("$CC" -dumpmachine) in
  # Without it the decoders fall back to C, which takes three times as long.
  x86_64* | i?86*) command -v nasm >/dev/null 2>&1 || give_up "nasm is needed to build FFmpeg (apt-get install nasm)." ;;
esac

# What decides the result: this file, the compiler, the flags.
stamp=$({
  cat -- "$0"
  "$CC" --version
  "$CC" -dumpmachine
  printf '%s\n' "${CFLAGS-}" "${LDFLAGS-}"
} | sha256sum | cut -d ' ' -f 1)
if [ "$(cat -- "$result/stamp" 2>/dev/null)" = "$stamp" ]; then exit 0; fi

# FFmpeg's makefiles cannot stand a blank in their path: everything is built elsewhere and copied at the end.
case ${TMPDIR:=/tmp} in *[[:space:]]*) TMPDIR=/tmp ;; esac
work=$(mktemp -d "$TMPDIR/thimble-ffmpeg.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

is_pinned() {
  printf '%s  %s\n' "$sha256" "$1" | sha256sum --check --status 2>/dev/null
}

# fetch: the archive into $work, from the first of the machine's Debian mirrors that has it.
fetch() {
  helper=/usr/lib/apt/apt-helper
  [ -x "$helper" ] || return 1
  mirrors=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | sort -u)
  for mirror in $mirrors; do
    "$helper" download-file "${mirror%/}/pool/main/f/ffmpeg/$archive" "$work/$archive" "SHA256:$sha256" \
      >"$work/fetch.log" 2>&1 && return 0
    # Debian's security archive names its folders otherwise.
    "$helper" download-file "${mirror%/}/pool/updates/main/f/ffmpeg/$archive" "$work/$archive" "SHA256:$sha256" \
      >>"$work/fetch.log" 2>&1 && return 0
  done
  return 1
}

kept=$root/build/$archive
if [ -n "${FFMPEG_SOURCE-}" ]; then
  [ -f "$FFMPEG_SOURCE" ] || give_up "FFMPEG_SOURCE: there is no file $FFMPEG_SOURCE."
  cp -- "$FFMPEG_SOURCE" "$work/$archive"
elif [ -f "$kept" ] && is_pinned "$kept"; then
  cp -- "$kept" "$work/$archive"
elif ! fetch; then
  cat -- "$work/fetch.log" >&2 2>/dev/null || :
  give_up "FFmpeg's source cannot be had from this machine's Debian mirrors. Get $archive (SHA-256 $sha256) elsewhere and set FFMPEG_SOURCE to its path."
fi
is_pinned "$work/$archive" || give_up "$archive is not the pinned one: its SHA-256 should be $sha256."
mkdir -p "$root/build"
cp -- "$work/$archive" "$kept.part"
mv -- "$kept.part" "$kept"

echo "thimble: building FFmpeg $version (silent for one to several minutes)" >&2
tar -C "$work" -xf "$work/$archive"
source=$work/ffmpeg-$version

# build: static pthreads-safe libraries with exactly what is listed, and what those need.
build() {
  cd "$source"
  ./configure --prefix="$work/prefix" --cc="$CC" \
    --disable-everything --disable-autodetect --disable-programs --disable-doc --disable-debug --disable-network \
    --disable-avdevice --disable-avfilter --disable-postproc \
    --enable-pthreads --enable-static --disable-shared --enable-pic --enable-small \
    --enable-muxer=mp4 \
    --enable-decoder=h264,hevc,mjpeg,pcm_alaw,pcm_mulaw \
    --enable-encoder=aac,mjpeg \
    --extra-cflags="-ffunction-sections -fdata-sections -fvisibility=hidden ${CFLAGS-}" --extra-ldflags="${LDFLAGS-}"
  make -j"${JOBS:-2}"
  make install
}
if ! (build) >"$work/build.log" 2>&1; then
  tail -n 60 -- "$work/build.log" >&2
  give_up "building FFmpeg failed; the end of its output stands above."
fi

# The stamp is the last thing written: a copy that was cut off is made anew.
rm -rf -- "$result"
mkdir -p "$result/licences"
cp -R -- "$work/prefix/include" "$work/prefix/lib" "$result/"
# The paths of pkg-config's files lead into the folder that goes now.
rm -rf -- "$result/lib/pkgconfig"
cp -- "$source/COPYING.LGPLv2.1" "$source/LICENSE.md" "$result/licences/"
printf '%s\n' "$stamp" >"$result/stamp"
