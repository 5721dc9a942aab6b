// H.265 sequence parameter sets, built field by field.
#include <doctest/doctest.h>

#include "codec_bits.h"
#include "media/codec_parameters.h"

using namespace thimble;
using namespace thimble::media;
using codec_test::BitWriter;

namespace {

ByteView view(const Bytes& bytes) {
  return {bytes.data(), bytes.size()};
}

struct Sps {
  int sub_layers_minus1 = 0;
  int space = 0, tier = 0, profile = 1, level = 93;
  uint32_t compatibility = 0x60000000;
  uint64_t constraints = 0xb00000000000;  // 48 bits
  uint32_t chroma = 1, width = 1920, height = 1088;
  uint32_t window[4] = {0, 0, 0, 4};
  uint32_t depth = 8, reorder = 2, buffering_minus1 = 4;
  bool each_layer = true, scaling = false, pcm = false, long_term = false, vui = false, timing = true;
  uint32_t sets = 3, ticks = 1, scale = 25, poc_minus4 = 4;
};

void write_levels(BitWriter& bits, const Sps& sps) {
  bits.u(2, static_cast<uint64_t>(sps.space)).u(1, static_cast<uint64_t>(sps.tier));
  bits.u(5, static_cast<uint64_t>(sps.profile)).u(32, sps.compatibility).u(48, sps.constraints);
  bits.u(8, static_cast<uint64_t>(sps.level));
  for (int i = 0; i < sps.sub_layers_minus1; i++) bits.u(1, i % 2 == 0).u(1, 1);
  for (int i = sps.sub_layers_minus1; i > 0 && i < 8; i++) bits.u(2, 0);
  for (int i = 0; i < sps.sub_layers_minus1; i++) {
    if (i % 2 == 0) bits.u(40, 0x123456789a).u(48, 0x123456789abc);
    bits.u(8, 90);
  }
}

void write_reference_sets(BitWriter& bits, uint32_t sets) {
  bits.ue(sets);
  for (uint32_t i = 0; i < sets; i++) {
    if (i > 0) bits.u(1, i % 3 != 0);
    if (i % 3 != 0) {
      // Predicted from the 3 pictures of the set before: used, unused but kept, dropped, used; again 3.
      bits.u(1, 1).ue(0);
      bits.u(1, 1).u(2, 1).u(2, 0).u(1, 1);
    } else {
      bits.ue(2).ue(1);
      for (int j = 0; j < 3; j++) bits.ue(0).u(1, 1);
    }
  }
}

void write_vui(BitWriter& bits, const Sps& sps) {
  bits.u(1, 1).u(8, 255).u(16, 4).u(16, 3);
  bits.u(1, 1).u(1, 0);
  bits.u(1, 1).u(3, 5).u(1, 1).u(1, 1).u(24, 0x010101);
  bits.u(1, 1).ue(0).ue(0);
  bits.u(3, 0);
  bits.u(1, 1).ue(8).ue(8).ue(4).ue(4);  // default display window
  bits.u(1, sps.timing);
  if (sps.timing) bits.u(32, sps.ticks).u(32, sps.scale).u(1, 0).u(1, 0);
  bits.u(1, 0);
}

Bytes build(const Sps& sps) {
  BitWriter bits;
  bits.u(4, 0).u(3, static_cast<uint64_t>(sps.sub_layers_minus1)).u(1, 1);
  write_levels(bits, sps);
  bits.ue(0).ue(sps.chroma);
  if (sps.chroma == 3) bits.u(1, 0);
  bits.ue(sps.width).ue(sps.height).u(1, 1);
  for (const uint32_t side : sps.window) bits.ue(side);
  bits.ue(sps.depth - 8).ue(sps.depth - 8).ue(sps.poc_minus4).u(1, sps.each_layer);
  for (int i = sps.each_layer ? 0 : sps.sub_layers_minus1; i <= sps.sub_layers_minus1; i++) {
    bits.ue(sps.buffering_minus1).ue(i == sps.sub_layers_minus1 ? sps.reorder : 0).ue(0);
  }
  for (int i = 0; i < 6; i++) bits.ue(static_cast<uint32_t>(i));
  bits.u(1, sps.scaling);
  if (sps.scaling) {
    bits.u(1, 1);
    for (int size = 0; size < 4; size++) {
      for (int matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
        bits.u(1, matrix % 2 == 0);
        if (matrix % 2) {
          bits.ue(1);
          continue;
        }
        if (size > 1) bits.se(4);
        for (int i = 0; i < (size == 0 ? 16 : 64); i++) bits.se(i % 5 - 2);
      }
    }
  }
  bits.u(2, 1).u(1, sps.pcm);
  if (sps.pcm) bits.u(8, 0x77).ue(0).ue(2).u(1, 1);
  write_reference_sets(bits, sps.sets);
  bits.u(1, sps.long_term);
  if (sps.long_term) {
    bits.ue(2);
    for (int i = 0; i < 2; i++) bits.u(static_cast<int>(sps.poc_minus4 + 4), 5).u(1, 1);
  }
  bits.u(2, 3).u(1, sps.vui);
  if (sps.vui) write_vui(bits, sps);
  bits.u(1, 0);
  return bits.nal({0x42, 0x01});
}

}  // namespace

TEST_CASE("H.265 SPS: size, profile, level, reordering") {
  const auto facts = parse_h265_sps(view(build(Sps())));
  REQUIRE(facts);
  CHECK(facts->width == 1920);
  CHECK(facts->height == 1080);
  CHECK(facts->profile == 1);
  CHECK(facts->level == 93);
  CHECK(facts->constraints == 0xb0);
  CHECK(facts->reorder_frames == 2);
  CHECK(facts->bit_depth == 8);
  CHECK(facts->fps == 0);
}

TEST_CASE("H.265 SPS: the conformance window's units depend on the chroma format") {
  const int widths[] = {1920 - 3, 1920 - 6, 1920 - 6, 1920 - 3},
            heights[] = {1088 - 3, 1088 - 6, 1088 - 3, 1088 - 3};
  for (uint32_t chroma = 0; chroma < 4; chroma++) {
    Sps sps;
    sps.chroma = chroma;
    sps.window[0] = sps.window[2] = 1, sps.window[1] = sps.window[3] = 2;
    const auto facts = parse_h265_sps(view(build(sps)));
    REQUIRE(facts);
    CHECK(facts->width == widths[chroma]);
    CHECK(facts->height == heights[chroma]);
  }
}

TEST_CASE("H.265 SPS: the frame rate is found behind every optional part") {
  for (int mask = 0; mask < 64; mask++) {
    Sps sps;
    sps.vui = true;
    sps.ticks = 1001, sps.scale = 30000;
    sps.scaling = mask & 1;
    sps.pcm = mask & 2;
    sps.long_term = mask & 4;
    sps.sets = mask & 8 ? 0 : 5;
    sps.sub_layers_minus1 = mask & 16 ? 6 : 0;
    sps.each_layer = mask & 32;
    CAPTURE(mask);
    const auto facts = parse_h265_sps(view(build(sps)));
    REQUIRE(facts);
    CHECK(facts->width == 1920);
    CHECK(facts->height == 1080);
    CHECK(facts->fps == doctest::Approx(29.97).epsilon(0.001));
    CHECK(facts->reorder_frames == 2);
  }
}

TEST_CASE("H.265 SPS: what cannot be is refused") {
  const Bytes good = build(Sps());
  for (size_t size = 0; size < 16; size++) CHECK_FALSE(parse_h265_sps(view(good).sub(0, size)));
  Bytes pps = good;
  pps[0] = 0x44;
  CHECK_FALSE(parse_h265_sps(view(pps)));
  Sps sps;
  sps.sub_layers_minus1 = 7;
  CHECK_FALSE(parse_h265_sps(view(build(sps))));
  for (const uint32_t width : {0u, 16385u, 0xfffffffeu}) {
    sps = Sps();
    sps.width = width;
    CHECK_FALSE(parse_h265_sps(view(build(sps))));
  }
  sps = Sps();
  sps.window[0] = 960;
  CHECK_FALSE(parse_h265_sps(view(build(sps))));
  sps.window[0] = 0xfffffffe;
  CHECK_FALSE(parse_h265_sps(view(build(sps))));
  sps = Sps();
  sps.reorder = 17;
  CHECK_FALSE(parse_h265_sps(view(build(sps))));
}

TEST_CASE("H.265 SPS: more reference sets than there can be cost only the frame rate") {
  Sps sps;
  sps.vui = true;
  sps.sets = 65;
  const auto facts = parse_h265_sps(view(build(sps)));
  REQUIRE(facts);
  CHECK(facts->width == 1920);
  CHECK(facts->fps == 0);
}

TEST_CASE("H.265 parameters: complete, same, and their name") {
  VideoParameters video;
  video.codec = rtsp::Codec::kH265;
  Sps sps;
  sps.constraints = 0xb00000000000;
  const Bytes set = build(sps);
  video.sps = {set};
  video.pps = {{0x44, 0x01, 0xc1}};
  video.sequence = *parse_h265_sps(view(set));
  CHECK_FALSE(video.complete());
  video.vps = {{0x40, 0x01, 0x0c}};
  CHECK(video.complete());
  CHECK(video.codec_string() == "hvc1.1.6.L93.B0");
  VideoParameters other = video;
  CHECK(video.same(other));
  other.vps[0][2] = 0x0d;
  CHECK_FALSE(video.same(other));

  sps.space = 2, sps.tier = 1, sps.profile = 4, sps.level = 120, sps.compatibility = 0x08000000;
  sps.constraints = 0x9d0800000100;
  video.sps = {build(sps)};
  CHECK(video.codec_string() == "hvc1.B4.10.H120.9D.8.0.0.1");
  sps.constraints = 0;
  video.sps = {build(sps)};
  CHECK(video.codec_string() == "hvc1.B4.10.H120");
}
