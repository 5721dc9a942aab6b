// Sequence parameter sets of H.264 (7.3.2.1.1, Annex E).
#include <algorithm>

#include "media/codec_parameters.h"
#include "rtsp/bit_reader.h"

namespace thimble::media {

namespace {

using rtsp::BitReader;

constexpr size_t kMaxSpsBytes = 4096;
constexpr uint32_t kMaxSide = 16384;  // samples; level 6.2 allows 16 888
constexpr int kBaseline = 66, kExtended = 88;
constexpr double kMaxFps = 1000;  // more is a mistake of the encoder

struct SpsState {
  SequenceParameters facts;
  uint32_t width_mbs = 0, height_mbs = 0;  ///< of a frame
  uint32_t poc_type = 0, reference_frames = 0;
  int reorder = -1;  ///< from bitstream_restriction, -1 = not given
};

bool has_chroma_fields(int profile) {
  static constexpr int kProfiles[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return std::find(std::begin(kProfiles), std::end(kProfiles), profile) != std::end(kProfiles);
}

void skip_scaling_list(BitReader& bits, int size) {
  int last = 8, next = 8;
  for (int i = 0; i < size && bits.ok(); i++) {
    if (next != 0) next = static_cast<int>((last + static_cast<int64_t>(bits.se()) + 256) & 0xff);
    last = next == 0 ? last : next;
  }
}

bool read_chroma(BitReader& bits, SpsState* sps, bool* separate_planes) {
  const uint32_t format = bits.ue();
  if (format > 3) return false;
  sps->facts.chroma_format = static_cast<int>(format);
  if (format == 3) *separate_planes = bits.bit();
  const uint32_t luma = bits.ue(), chroma = bits.ue();
  if (luma > 6 || chroma > 6) return false;
  sps->facts.bit_depth = 8 + static_cast<int>(luma);
  bits.bit();  // qpprime_y_zero_transform_bypass_flag
  if (bits.bit()) {
    for (int i = 0; i < (format == 3 ? 12 : 8); i++) {
      if (bits.bit()) skip_scaling_list(bits, i < 6 ? 16 : 64);
    }
  }
  return bits.ok();
}

bool read_picture_order(BitReader& bits, SpsState* sps) {
  if (bits.ue() > 12) return false;  // log2_max_frame_num_minus4
  sps->poc_type = bits.ue();
  if (sps->poc_type > 2) return false;
  if (sps->poc_type == 0) return bits.ue() <= 12;
  if (sps->poc_type == 1) {
    bits.bit();
    bits.se();
    bits.se();
    const uint32_t cycle = bits.ue();
    if (cycle > 255) return false;
    for (uint32_t i = 0; i < cycle; i++) bits.se();
  }
  return bits.ok();
}

bool read_size(BitReader& bits, SpsState* sps, bool separate_planes) {
  const uint32_t width = bits.ue(), height = bits.ue();
  if (width >= kMaxSide / 16 || height >= kMaxSide / 16) return false;
  sps->facts.frame_mbs_only = bits.bit();
  const uint32_t fields = sps->facts.frame_mbs_only ? 1 : 2;
  if (!sps->facts.frame_mbs_only) bits.bit();  // mb_adaptive_frame_field_flag
  sps->width_mbs = width + 1;
  sps->height_mbs = (height + 1) * fields;
  bits.bit();  // direct_8x8_inference_flag
  uint64_t left = 0, right = 0, top = 0, bottom = 0;
  if (bits.bit()) {
    left = bits.ue(), right = bits.ue(), top = bits.ue(), bottom = bits.ue();
  }
  const int format = separate_planes ? 0 : sps->facts.chroma_format;
  const uint64_t unit_x = format == 1 || format == 2 ? 2 : 1;
  const uint64_t unit_y = (format == 1 ? 2 : 1) * fields;
  const int64_t w = 16 * static_cast<int64_t>(sps->width_mbs) - static_cast<int64_t>((left + right) * unit_x);
  const int64_t h =
      16 * static_cast<int64_t>(sps->height_mbs) - static_cast<int64_t>((top + bottom) * unit_y);
  if (!bits.ok() || w <= 0 || h <= 0 || h > static_cast<int64_t>(kMaxSide)) return false;
  sps->facts.width = static_cast<int>(w);
  sps->facts.height = static_cast<int>(h);
  return true;
}

void skip_hrd(BitReader& bits) {
  const uint32_t count = bits.ue();
  bits.skip(8);
  for (uint32_t i = 0; i <= count && i < 32 && bits.ok(); i++) {
    bits.ue();
    bits.ue();
    bits.bit();
  }
  bits.skip(20);
}

void read_vui(BitReader& bits, SpsState* sps) {
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
  if (bits.bit()) {
    const uint32_t ticks = bits.bits(32), scale = bits.bits(32);
    bits.bit();
    const double fps = ticks > 0 ? scale / (2.0 * ticks) : 0;  // a tick is a field
    if (bits.ok() && fps <= kMaxFps) sps->facts.fps = fps;
  }
  const bool nal_hrd = bits.bit();
  if (nal_hrd) skip_hrd(bits);
  const bool vcl_hrd = bits.bit();
  if (vcl_hrd) skip_hrd(bits);
  if (nal_hrd || vcl_hrd) bits.bit();
  bits.bit();  // pic_struct_present_flag
  if (bits.bit()) {
    bits.bit();
    for (int i = 0; i < 4; i++) bits.ue();
    const uint32_t reorder = bits.ue(), buffering = bits.ue();
    if (bits.ok() && reorder <= 16 && reorder <= buffering) sps->reorder = static_cast<int>(reorder);
  }
}

/// MaxDpbFrames (A.3.1 h, Table A-1).
int max_dpb_frames(const SpsState& sps) {
  struct Row {
    int level;
    uint32_t max_dpb_mbs;
  };
  static constexpr Row kRows[] = {{10, 396},   {11, 900},    {12, 2376},   {20, 2376},  {21, 4752},
                                  {22, 8100},  {30, 8100},   {31, 18000},  {32, 20480}, {41, 32768},
                                  {42, 34816}, {50, 110400}, {52, 184320}, {62, 696320}};
  const SequenceParameters& facts = sps.facts;
  const bool is_1b =
      facts.level == 9 || (facts.level == 11 && (facts.constraints & 0x10) && facts.profile <= kExtended);
  const int level = is_1b ? 10 : facts.level;
  uint32_t max_mbs = kRows[std::size(kRows) - 1].max_dpb_mbs;
  for (const Row& row : kRows) {
    if (level <= row.level) {
      max_mbs = row.max_dpb_mbs;
      break;
    }
  }
  return static_cast<int>(std::min<uint32_t>(max_mbs / (sps.width_mbs * sps.height_mbs), 16));
}

/// Without bitstream_restriction the standard lets as many pictures wait as the level has room for: 0.6 s of
/// a small picture, by which each file would begin late. But pictures wait for others that lie between them
/// and a reference shown before, so encoders keep one reference more than they reorder (x264 in so many
/// words). One that did not would have pictures shown before their decode time, which files can say.
int reorder_frames(const SpsState& sps) {
  if (sps.reorder >= 0) return sps.reorder;
  const int profile = sps.facts.profile;
  const bool intra_only =
      (sps.facts.constraints & 0x10) && (profile == 44 || profile == 86 || profile == 100 || profile == 110 ||
                                         profile == 122 || profile == 244);
  if (profile == kBaseline || sps.poc_type == 2 || intra_only) return 0;
  const int references = static_cast<int>(sps.reference_frames);
  return std::min(max_dpb_frames(sps), std::max(references - 1, 0));
}

}  // namespace

std::optional<SequenceParameters> parse_h264_sps(ByteView nal) {
  if (nal.size < 4 || (nal[0] & 0x1f) != 7) return std::nullopt;
  const Bytes rbsp = rtsp::remove_emulation_prevention(nal.sub(1), kMaxSpsBytes);
  BitReader bits({rbsp.data(), rbsp.size()});
  SpsState sps;
  sps.facts.profile = static_cast<int>(bits.bits(8));
  sps.facts.constraints = static_cast<int>(bits.bits(8));
  sps.facts.level = static_cast<int>(bits.bits(8));
  if (bits.ue() > 31) return std::nullopt;  // seq_parameter_set_id
  bool separate_planes = false;
  if (has_chroma_fields(sps.facts.profile) && !read_chroma(bits, &sps, &separate_planes)) return std::nullopt;
  if (!read_picture_order(bits, &sps)) return std::nullopt;
  sps.reference_frames = bits.ue();
  if (sps.reference_frames > 16) return std::nullopt;
  bits.bit();  // gaps_in_frame_num_value_allowed_flag
  if (!read_size(bits, &sps, separate_planes)) return std::nullopt;
  // A VUI that is cut is no reason to refuse the picture: what was read of it up to there counts.
  if (bits.bit()) read_vui(bits, &sps);
  sps.facts.reorder_frames = reorder_frames(sps);
  return sps.facts;
}

}  // namespace thimble::media
