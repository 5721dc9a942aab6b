// H.264 sequence parameter sets, built field by field.
#include <doctest/doctest.h>

#include "codec_bits.h"
#include "media/codec_parameters.h"
#include "rtsp/bit_reader.h"

using namespace thimble;
using namespace thimble::media;
using codec_test::BitWriter;

namespace {

ByteView view(const Bytes& bytes) {
  return {bytes.data(), bytes.size()};
}

struct Sps {
  int profile = 66, constraints = 0, level = 30;
  uint32_t chroma = 1, depth = 8, poc_type = 0, refs = 1;
  bool separate = false, scaling = false;
  uint32_t width_mbs = 40, height_units = 23;
  bool frame_mbs_only = true;
  uint32_t crop[4] = {0, 0, 0, 4};
  bool vui = false, hrd = false, restriction = false;
  uint32_t ticks = 1, scale = 50, reorder = 0;
};

bool high(int profile) {
  return profile == 100 || profile == 110 || profile == 122 || profile == 244;
}

void write_vui(BitWriter& bits, const Sps& sps) {
  bits.u(1, 1).u(8, 255).u(16, 4).u(16, 3);              // aspect
  bits.u(1, 1).u(1, 0);                                  // overscan
  bits.u(1, 1).u(3, 5).u(1, 1).u(1, 1).u(24, 0x010101);  // signal type
  bits.u(1, 1).ue(0).ue(0);                              // chroma location
  bits.u(1, 1).u(32, sps.ticks).u(32, sps.scale).u(1, 1);
  bits.u(1, sps.hrd);
  if (sps.hrd) {
    bits.ue(1).u(8, 0x24);
    for (int i = 0; i < 2; i++) bits.ue(1000).ue(2000).u(1, 0);
    bits.u(20, 0xaaaaa);
  }
  bits.u(1, 0);
  if (sps.hrd) bits.u(1, 0);
  bits.u(1, 1);
  bits.u(1, sps.restriction);
  if (sps.restriction) bits.u(1, 1).ue(0).ue(0).ue(10).ue(10).ue(sps.reorder).ue(4);
}

Bytes build(const Sps& sps) {
  BitWriter bits;
  bits.u(8, static_cast<uint64_t>(sps.profile)).u(8, static_cast<uint64_t>(sps.constraints));
  bits.u(8, static_cast<uint64_t>(sps.level)).ue(0);
  if (high(sps.profile)) {
    bits.ue(sps.chroma);
    if (sps.chroma == 3) bits.u(1, sps.separate);
    bits.ue(sps.depth - 8).ue(sps.depth - 8).u(1, 0).u(1, sps.scaling);
    if (sps.scaling) {
      for (int i = 0; i < (sps.chroma == 3 ? 12 : 8); i++) {
        bits.u(1, i % 2 == 0);
        if (i % 2) continue;
        if (i == 0) {
          bits.se(-8);  // next scale 0: the list ends here
        } else {
          for (int j = 0; j < (i < 6 ? 16 : 64); j++) bits.se(j % 3 - 1);
        }
      }
    }
  }
  bits.ue(4).ue(sps.poc_type);
  if (sps.poc_type == 0) bits.ue(4);
  if (sps.poc_type == 1) bits.u(1, 0).se(-3).se(5).ue(2).se(1).se(-1);
  bits.ue(sps.refs).u(1, 0).ue(sps.width_mbs - 1).ue(sps.height_units - 1).u(1, sps.frame_mbs_only);
  if (!sps.frame_mbs_only) bits.u(1, 1);
  bits.u(1, 1);
  const bool cropped = sps.crop[0] || sps.crop[1] || sps.crop[2] || sps.crop[3];
  bits.u(1, cropped);
  if (cropped) {
    for (const uint32_t side : sps.crop) bits.ue(side);
  }
  bits.u(1, sps.vui);
  if (sps.vui) write_vui(bits, sps);
  return bits.nal({0x67});
}

}  // namespace

TEST_CASE("H.264 SPS: size with cropping, profile, level") {
  Sps sps;
  const auto facts = parse_h264_sps(view(build(sps)));
  REQUIRE(facts);
  CHECK(facts->width == 640);
  CHECK(facts->height == 360);
  CHECK(facts->profile == 66);
  CHECK(facts->level == 30);
  CHECK(facts->fps == 0);
  CHECK(facts->reorder_frames == 0);
  CHECK(facts->chroma_format == 1);
  CHECK(facts->bit_depth == 8);
  CHECK(facts->frame_mbs_only);
}

TEST_CASE("H.264 SPS: crop units depend on chroma format and fields") {
  Sps sps;
  sps.profile = 244;
  sps.crop[0] = 1, sps.crop[1] = 2, sps.crop[2] = 1, sps.crop[3] = 2;
  int width = 0, height = 0;
  SUBCASE("4:2:0") {
    width = 640 - 6, height = 368 - 6;
  }
  SUBCASE("4:2:0 fields") {
    sps.frame_mbs_only = false;
    width = 640 - 6, height = 2 * 368 - 12;
  }
  SUBCASE("4:2:2") {
    sps.chroma = 2;
    width = 640 - 6, height = 368 - 3;
  }
  SUBCASE("4:4:4") {
    sps.chroma = 3;
    width = 640 - 3, height = 368 - 3;
  }
  SUBCASE("4:4:4 separate planes") {
    sps.chroma = 3, sps.separate = true;
    width = 640 - 3, height = 368 - 3;
  }
  SUBCASE("monochrome fields") {
    sps.chroma = 0, sps.frame_mbs_only = false;
    width = 640 - 3, height = 2 * 368 - 6;
  }
  const auto facts = parse_h264_sps(view(build(sps)));
  REQUIRE(facts);
  CHECK(facts->width == width);
  CHECK(facts->height == height);
  CHECK(facts->chroma_format == static_cast<int>(sps.chroma));
  CHECK(facts->frame_mbs_only == sps.frame_mbs_only);
}

TEST_CASE("H.264 SPS: scaling lists, bit depth and every POC type are read over") {
  for (const uint32_t chroma : {1u, 3u}) {
    for (const uint32_t poc_type : {0u, 1u, 2u}) {
      Sps sps;
      sps.profile = 110, sps.chroma = chroma, sps.depth = 10, sps.scaling = true, sps.poc_type = poc_type;
      sps.crop[3] = chroma == 3 ? 8 : 4;
      const auto facts = parse_h264_sps(view(build(sps)));
      REQUIRE(facts);
      CHECK(facts->width == 640);
      CHECK(facts->height == 360);
      CHECK(facts->bit_depth == 10);
    }
  }
}

TEST_CASE("H.264 SPS: VUI with timing, HRD and reordering") {
  for (const bool hrd : {false, true}) {
    Sps sps;
    sps.profile = 100, sps.vui = true, sps.hrd = hrd, sps.restriction = true, sps.reorder = 2;
    sps.ticks = 1001, sps.scale = 60000;
    const auto facts = parse_h264_sps(view(build(sps)));
    REQUIRE(facts);
    CHECK(facts->fps == doctest::Approx(29.97).epsilon(0.001));
    CHECK(facts->reorder_frames == 2);
  }
}

TEST_CASE(
    "H.264 SPS: without bitstream_restriction profile, POC type, references and level bound the reordering") {
  Sps sps;
  sps.profile = 77, sps.level = 30;
  for (const auto& [refs, depth] : {std::pair{0u, 0}, {1u, 0}, {2u, 1}, {4u, 3}, {9u, 8}, {10u, 8}}) {
    sps.refs = refs;
    CHECK(parse_h264_sps(view(build(sps)))->reorder_frames == depth);
  }
  sps.refs = 16;
  CHECK(parse_h264_sps(view(build(sps)))->reorder_frames == 8);  // 8100 / (40 x 23)
  sps.poc_type = 2;
  CHECK(parse_h264_sps(view(build(sps)))->reorder_frames == 0);
  sps.poc_type = 0, sps.profile = 66;
  CHECK(parse_h264_sps(view(build(sps)))->reorder_frames == 0);
  sps.profile = 100, sps.level = 62;
  CHECK(parse_h264_sps(view(build(sps)))->reorder_frames == 15);
  sps.constraints = 0x10;  // High 10 Intra and its kin
  CHECK(parse_h264_sps(view(build(sps)))->reorder_frames == 0);
  sps.constraints = 0, sps.level = 10;  // smaller than one picture: nothing can wait
  CHECK(parse_h264_sps(view(build(sps)))->reorder_frames == 0);
}

TEST_CASE("H.264 SPS: an unbelievable frame rate counts as not given") {
  Sps sps;
  sps.vui = true, sps.ticks = 0, sps.scale = 50;
  CHECK(parse_h264_sps(view(build(sps)))->fps == 0);
  sps.ticks = 1, sps.scale = 0xffffffff;
  CHECK(parse_h264_sps(view(build(sps)))->fps == 0);
}

TEST_CASE("H.264 SPS: leftovers behind it are ignored, a cut VUI costs only what was cut") {
  Sps sps;
  sps.vui = true, sps.restriction = true, sps.profile = 100, sps.reorder = 1;
  const Bytes whole = build(sps);
  Bytes longer = whole;
  longer.insert(longer.end(), {0x42, 0x00, 0x17});
  REQUIRE(parse_h264_sps(view(longer)));
  CHECK(parse_h264_sps(view(longer))->reorder_frames == 1);
  const auto cut = parse_h264_sps(view(whole).sub(0, 20));
  REQUIRE(cut);
  CHECK(cut->width == 640);
  CHECK(cut->fps == 0);
}

TEST_CASE("H.264 SPS: what cannot be is refused") {
  const Bytes good = build(Sps());
  CHECK_FALSE(parse_h264_sps({}));
  for (size_t size = 0; size < 8; size++) CHECK_FALSE(parse_h264_sps(view(good).sub(0, size)));
  Bytes pps = good;
  pps[0] = 0x68;
  CHECK_FALSE(parse_h264_sps(view(pps)));
  Sps sps;
  sps.width_mbs = 5000;
  CHECK_FALSE(parse_h264_sps(view(build(sps))));
  sps = Sps();
  sps.crop[0] = 400;
  CHECK_FALSE(parse_h264_sps(view(build(sps))));
  sps = Sps();
  sps.crop[1] = 0xfffffffe;
  CHECK_FALSE(parse_h264_sps(view(build(sps))));
  sps = Sps();
  sps.poc_type = 3;
  CHECK_FALSE(parse_h264_sps(view(build(sps))));
  sps = Sps();
  sps.profile = 244, sps.depth = 15;
  CHECK_FALSE(parse_h264_sps(view(build(sps))));
}

TEST_CASE("bits: Exp-Golomb codes and the end of the data") {
  BitWriter writer;
  const std::vector<uint32_t> values = {0, 1, 2, 7, 8, 255, 65535, 0x7fffffff, 0xfffffffe};
  for (const uint32_t value : values) writer.ue(value);
  for (const int32_t value : {0, 1, -1, 77, -32768}) writer.se(value);
  writer.u(32, 0xdeadbeef).u(1, 1);
  rtsp::BitReader reader(view(writer.bytes()));
  for (const uint32_t value : values) CHECK(reader.ue() == value);
  for (const int32_t value : {0, 1, -1, 77, -32768}) CHECK(reader.se() == value);
  CHECK(reader.bits(32) == 0xdeadbeef);
  CHECK(reader.bit());
  CHECK(reader.ok());
  CHECK(reader.bits(8) == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.bits(0) == 0);
  CHECK(reader.left() == 0);

  const Bytes zeros(16);
  rtsp::BitReader endless(view(zeros));
  CHECK(endless.ue() == 0);
  CHECK_FALSE(endless.ok());
}

TEST_CASE("bits: emulation prevention") {
  const Bytes nal = {0, 0, 3, 0, 0, 3, 1, 3, 0, 0, 0, 3, 0, 0, 3};
  CHECK(rtsp::remove_emulation_prevention(view(nal), 100) == Bytes{0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0});
  CHECK(rtsp::remove_emulation_prevention(view(nal), 4) == Bytes{0, 0, 0, 0});
}

TEST_CASE("H.264 parameters: complete, same, and their name") {
  VideoParameters video;
  video.codec = rtsp::Codec::kH264;
  CHECK_FALSE(video.complete());
  CHECK(video.codec_string() == "avc1");
  Sps sps;
  sps.profile = 100, sps.level = 30;
  const Bytes a = build(sps), pps = {0x68, 0xef, 0x3c, 0x80}, other_pps = {0x68, 0xef, 0x3c, 0x90};
  video.sps = {a};
  video.pps = {pps, other_pps};
  CHECK_FALSE(video.complete());
  video.sequence = *parse_h264_sps(view(a));
  CHECK(video.complete());
  CHECK(video.codec_string() == "avc1.64001e");

  VideoParameters other = video;
  other.pps = {other_pps, pps};
  CHECK(video.same(other));
  other.sps[0].push_back(0);
  CHECK(video.same(other));
  other.pps = {pps, pps};
  CHECK_FALSE(video.same(other));
  other = video;
  sps.level = 31;
  other.sps = {build(sps)};
  CHECK_FALSE(video.same(other));
}
