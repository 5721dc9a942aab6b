// A parser behind one call, for libFuzzer and for the driver of our own.
#pragma once

#include <cstdint>
#include <vector>

#include "rtsp/bytes.h"

namespace thimble::fuzz {

using Bytes = std::vector<uint8_t>;

struct Target {
  const char* name;
  /// Feeds the parser with bytes that end where the memory ends, and checks what comes out. True when the
  /// input got to where good input gets.
  bool (*run)(ByteView input);
  /// Good input to begin with.
  std::vector<Bytes> (*seeds)();
};

std::vector<Target> targets();

/// Ends the process when `holds` is false: what a parser gave out breaks a promise of its header.
void expect(bool holds, const char* promise);

/// Reads all of it, so that the sanitizers see bytes that are not there.
void touch(ByteView bytes);

inline ByteView view(const Bytes& bytes) {
  return {bytes.data(), bytes.size()};
}

Target rtsp_target();
Target server_target();
Target sdp_target();
std::vector<Target> rtp_targets();
std::vector<Target> codec_targets();
std::vector<Target> box_targets();
Target segment_target();
Target export_target();
std::vector<Target> picture_targets();

}  // namespace thimble::fuzz
