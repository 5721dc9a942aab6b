// Throws changed parameter sets and configs at the parsers; the sanitizers are the judges.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "codec_bits.h"
#include "media/codec_parameters.h"

using namespace thimble;
using namespace thimble::media;

namespace {

uint32_t mutation_seed() {
  const char* given = std::getenv("THIMBLE_SEED");
  return given ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device()();
}

/// Sets that reach deep into the parsers. Their own tests build them field by field.
std::vector<Bytes> beginnings() {
  return {
      {0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00,
       0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x83, 0x19, 0x60},
      {0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0x88},
      {0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00,
       0x03, 0x00, 0x00, 0x03, 0x00, 0x5d, 0xa0, 0x02, 0x80, 0x80, 0x2d, 0x16,
       0x59, 0x59, 0xa4, 0x93, 0x2b, 0xc0, 0x5a, 0x70, 0x80, 0x80, 0x80, 0x82},
      {0x11, 0x90, 0x56, 0xe5, 0x00},
      {0x2b, 0x11, 0x88, 0x00},
      {0xeb, 0x09, 0x88, 0x00},
      {0x11, 0x80, 0x04, 0xc8, 0x44, 0x00, 0x20, 0x00, 0xc4, 0x0d},
  };
}

void parse_everything(const Bytes& set) {
  // A heap copy of the exact size, so that a read behind the end is seen.
  const Bytes exact(set.begin(), set.end());
  const ByteView view(exact.data(), exact.size());
  for (const auto& parsed : {parse_h264_sps(view), parse_h265_sps(view)}) {
    if (!parsed) continue;
    REQUIRE(parsed->width > 0);
    REQUIRE(parsed->width <= 16384);
    REQUIRE(parsed->height > 0);
    REQUIRE(parsed->height <= 16384);
    REQUIRE(parsed->reorder_frames >= 0);
    REQUIRE(parsed->reorder_frames <= 16);
    REQUIRE(parsed->fps >= 0);
    REQUIRE(parsed->fps <= 1000);
  }
  VideoParameters video;
  video.sps = {exact};
  for (const rtsp::Codec codec : {rtsp::Codec::kH264, rtsp::Codec::kH265}) {
    video.codec = codec;
    REQUIRE_FALSE(video.codec_string().empty());
    REQUIRE(video.same(video));
  }
  if (const auto audio = parse_aac_config(view)) {
    REQUIRE(audio->sample_rate > 0);
    REQUIRE(audio->channels > 0);
    REQUIRE(audio->frame_samples > 0);
    REQUIRE(audio->same(*audio));
  }
}

}  // namespace

TEST_CASE("changed parameter sets and configs never break a parser") {
  const uint32_t seed = mutation_seed();
  MESSAGE("THIMBLE_SEED=" << seed);
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  const std::vector<Bytes> seeds = beginnings();
  for (const Bytes& set : seeds) parse_everything(set);
  uint64_t rounds = 0;
  while (std::chrono::steady_clock::now() < until) {
    Bytes set = seeds[random() % seeds.size()];
    for (uint32_t i = random() % 6; i > 0; i--) {
      const size_t at = random() % set.size();
      switch (random() % 4) {
        case 0:
          set[at] = static_cast<uint8_t>(set[at] ^ 1u << random() % 8);
          break;
        case 1:
          set[at] = static_cast<uint8_t>(random());
          break;
        case 2:
          set.resize(at + 1);
          break;
        default:
          set.insert(set.begin() + static_cast<std::ptrdiff_t>(at), random() % 64,
                     static_cast<uint8_t>(random()));
      }
    }
    parse_everything(set);
    rounds++;
  }
  CHECK(rounds > 100);
}
