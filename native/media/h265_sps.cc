// Sequence parameter sets of H.265 (7.3.2.2, 7.3.3, 7.3.7, Annex E).
#include "media/codec_parameters.h"
#include "rtsp/bit_reader.h"

namespace thimble::media {

namespace {

using rtsp::BitReader;

constexpr size_t kMaxSpsBytes = 4096;
constexpr uint32_t kMaxSide = 16384;
constexpr double kMaxFps = 1000;  // more is a mistake of the encoder
constexpr uint32_t kMaxShortTermSets = 64, kMaxPicturesInSet = 16;

void read_profile_tier_level(BitReader& bits, int sub_layers_minus1, SequenceParameters* facts) {
  bits.skip(3);  // profile space, tier
  facts->profile = static_cast<int>(bits.bits(5));
  bits.skip(32);
  facts->constraints =
      static_cast<int>(bits.bits(8));  // progressive, interlaced, non-packed, frame-only and 4 more
  bits.skip(40);
  facts->level = static_cast<int>(bits.bits(8));
  bool profile_present[8] = {}, level_present[8] = {};
  for (int i = 0; i < sub_layers_minus1; i++) {
    profile_present[i] = bits.bit();
    level_present[i] = bits.bit();
  }
  if (sub_layers_minus1 > 0) bits.skip(2 * static_cast<unsigned>(8 - sub_layers_minus1));
  for (int i = 0; i < sub_layers_minus1; i++) {
    if (profile_present[i]) bits.skip(88);
    if (level_present[i]) bits.skip(8);
  }
}

bool read_size(BitReader& bits, SequenceParameters* facts) {
  const uint32_t format = bits.ue();
  if (format > 3) return false;
  facts->chroma_format = static_cast<int>(format);
  const bool separate_planes = format == 3 && bits.bit();
  const uint32_t width = bits.ue(), height = bits.ue();
  if (width == 0 || height == 0 || width > kMaxSide || height > kMaxSide) return false;
  uint64_t left = 0, right = 0, top = 0, bottom = 0;
  if (bits.bit()) {
    left = bits.ue(), right = bits.ue(), top = bits.ue(), bottom = bits.ue();
  }
  const uint64_t unit_x = !separate_planes && (format == 1 || format == 2) ? 2 : 1;
  const uint64_t unit_y = !separate_planes && format == 1 ? 2 : 1;
  const int64_t w = static_cast<int64_t>(width) - static_cast<int64_t>((left + right) * unit_x);
  const int64_t h = static_cast<int64_t>(height) - static_cast<int64_t>((top + bottom) * unit_y);
  if (!bits.ok() || w <= 0 || h <= 0) return false;
  facts->width = static_cast<int>(w);
  facts->height = static_cast<int>(h);
  return true;
}

void skip_scaling_lists(BitReader& bits) {
  for (int size = 0; size < 4; size++) {
    for (int matrix = 0; matrix < 6 && bits.ok(); matrix += size == 3 ? 3 : 1) {
      if (!bits.bit()) {
        bits.ue();
        continue;
      }
      const int count = size == 0 ? 16 : 64;
      if (size > 1) bits.se();
      for (int i = 0; i < count && bits.ok(); i++) bits.se();
    }
  }
}

/// st_ref_pic_set(index); `counts` holds NumDeltaPocs of the sets before it.
bool skip_short_term_set(BitReader& bits, uint32_t index, uint32_t* counts) {
  if (index > 0 && bits.bit()) {
    bits.bit();
    bits.ue();
    const uint32_t base = counts[index - 1];
    uint32_t count = 0;
    for (uint32_t i = 0; i <= base; i++) {
      const bool used = bits.bit();
      if (used || bits.bit()) count++;
    }
    counts[index] = count;
    return bits.ok() && count <= kMaxPicturesInSet;
  }
  const uint32_t negative = bits.ue(), positive = bits.ue();
  if (negative > kMaxPicturesInSet || positive > kMaxPicturesInSet - negative) return false;
  for (uint32_t i = 0; i < negative + positive; i++) {
    bits.ue();
    bits.bit();
  }
  counts[index] = negative + positive;
  return bits.ok();
}

bool skip_reference_sets(BitReader& bits, uint32_t log2_max_poc) {
  const uint32_t sets = bits.ue();
  if (sets > kMaxShortTermSets) return false;
  uint32_t counts[kMaxShortTermSets] = {};
  for (uint32_t i = 0; i < sets; i++) {
    if (!skip_short_term_set(bits, i, counts)) return false;
  }
  if (bits.bit()) {
    const uint32_t count = bits.ue();
    if (count > 32) return false;
    bits.skip(static_cast<uint64_t>(count) * (log2_max_poc + 1));
  }
  return bits.ok();
}

void read_vui(BitReader& bits, SequenceParameters* facts) {
  if (bits.bit() && bits.bits(8) == 255) bits.skip(32);  // aspect ratio
  if (bits.bit()) bits.bit();                            // overscan
  if (bits.bit()) {                                      // video signal type
    bits.skip(4);
    if (bits.bit()) bits.skip(24);
  }
  if (bits.bit()) {  // chroma location
    bits.ue();
    bits.ue();
  }
  bits.skip(3);  // neutral chroma, field sequence, frame field info
  if (bits.bit()) {
    // The default display window is a wish for showing; the decoded picture is not cut by it.
    for (int i = 0; i < 4; i++) bits.ue();
  }
  if (bits.bit()) {
    const uint32_t ticks = bits.bits(32), scale = bits.bits(32);
    const double fps = ticks > 0 ? static_cast<double>(scale) / ticks : 0;
    if (bits.ok() && fps <= kMaxFps) facts->fps = fps;
  }
}

/// Everything between the order of pictures and the VUI. False when it cannot be.
bool skip_coding_tools(BitReader& bits, uint32_t log2_max_poc) {
  for (int i = 0; i < 6; i++) bits.ue();  // block sizes and depths
  if (bits.bit() && bits.bit()) skip_scaling_lists(bits);
  bits.skip(2);  // amp, sample adaptive offset
  if (bits.bit()) {
    bits.skip(8);
    bits.ue();
    bits.ue();
    bits.bit();
  }
  if (!skip_reference_sets(bits, log2_max_poc)) return false;
  bits.skip(2);  // temporal motion vectors, strong intra smoothing
  return bits.ok();
}

}  // namespace

std::optional<SequenceParameters> parse_h265_sps(ByteView nal) {
  if (nal.size < 4 || (nal[0] >> 1 & 0x3f) != 33) return std::nullopt;
  const Bytes rbsp = rtsp::remove_emulation_prevention(nal.sub(2), kMaxSpsBytes);
  BitReader bits({rbsp.data(), rbsp.size()});
  SequenceParameters facts;
  bits.skip(4);  // sps_video_parameter_set_id
  const int sub_layers_minus1 = static_cast<int>(bits.bits(3));
  if (sub_layers_minus1 > 6) return std::nullopt;  // 7: the form of another layer
  bits.bit();
  read_profile_tier_level(bits, sub_layers_minus1, &facts);
  if (bits.ue() > 15 || !read_size(bits, &facts)) return std::nullopt;
  const uint32_t luma = bits.ue(), chroma = bits.ue(), poc = bits.ue();
  if (luma > 8 || chroma > 8 || poc > 12) return std::nullopt;
  facts.bit_depth = 8 + static_cast<int>(luma);

  const bool each_layer = bits.bit();
  uint32_t reorder = 0;
  for (int i = each_layer ? 0 : sub_layers_minus1; i <= sub_layers_minus1; i++) {
    const uint32_t buffering_minus1 = bits.ue();
    reorder = bits.ue();
    bits.ue();
    if (buffering_minus1 > 15 || reorder > 16) return std::nullopt;
  }
  if (!bits.ok()) return std::nullopt;
  facts.reorder_frames = static_cast<int>(reorder);
  // Behind the sizes and the order only the frame rate is of interest: oddities there are no reason to
  // refuse.
  if (skip_coding_tools(bits, poc + 4) && bits.bit()) read_vui(bits, &facts);
  return facts;
}

}  // namespace thimble::media
