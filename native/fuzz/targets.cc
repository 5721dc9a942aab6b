// The list of all fuzz targets, and what they share.
#include <cstdio>
#include <cstdlib>

#include "fuzz/target.h"

namespace thimble::fuzz {

std::vector<Target> targets() {
  std::vector<Target> all = {rtsp_target(), server_target(), sdp_target(), segment_target(), export_target()};
  for (const auto& some : {rtp_targets(), codec_targets(), box_targets(), picture_targets()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

void expect(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "a promise is broken: %s\n", promise);
  std::abort();
}

void touch(ByteView bytes) {
  uint8_t sum = 0;
  for (size_t i = 0; i < bytes.size; i++) sum = static_cast<uint8_t>(sum ^ bytes[i]);
  volatile uint8_t sink = sum;
  static_cast<void>(sink);
}

}  // namespace thimble::fuzz
