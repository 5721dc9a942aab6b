// Collecting sets, and the verdict on those of a keyframe.
#include "media/parameter_sets.h"

#include <algorithm>
#include <utility>

namespace thimble::media {

namespace {
/// Parameter sets are small; whoever sends more is not believed.
constexpr size_t kMostSets = 16, kMostSetBytes = 4096;
constexpr int64_t kLeastApartUs = 10'000'000;

/// Can pictures of `b` go on in a file of `a`, when decoders are told of the new sets?
bool same_format(const SequenceParameters& a, const SequenceParameters& b) {
  return a.width == b.width && a.height == b.height && a.profile == b.profile &&
         a.chroma_format == b.chroma_format && a.bit_depth == b.bit_depth &&
         a.reorder_frames == b.reorder_frames && a.frame_mbs_only == b.frame_mbs_only;
}
}  // namespace

bool is_parameter_set(rtsp::Codec codec, uint8_t nal_type) {
  return codec == rtsp::Codec::kH264 ? nal_type == 7 || nal_type == 8 : nal_type >= 32 && nal_type <= 34;
}

void ParameterSets::begin(const rtsp::Track& video) {
  *this = ParameterSets();
  in_force_.codec = video.codec;
  announced_.vps = video.vps;
  announced_.sps = video.sps;
  announced_.pps = video.pps;
}

void ParameterSets::collect(const rtsp::AccessUnit& unit) {
  std::vector<Bytes> vps, sps, pps;
  for (size_t i = 0; i < unit.nal_count; ++i) {
    const rtsp::Nal& nal = unit.nals[i];
    if (!is_parameter_set(in_force_.codec, nal.type) || nal.size > kMostSetBytes) continue;
    std::vector<Bytes>& sets = nal.type == 32 ? vps : nal.type == 7 || nal.type == 33 ? sps : pps;
    const uint8_t* data = unit.data.data + nal.offset;
    Bytes set(data, data + nal.size);
    if (sets.size() < kMostSets && std::find(sets.begin(), sets.end(), set) == sets.end())
      sets.push_back(std::move(set));
  }
  if (!vps.empty()) announced_.vps = std::move(vps);
  if (!sps.empty()) announced_.sps = std::move(sps);
  if (!pps.empty()) announced_.pps = std::move(pps);
}

ParameterSets::Verdict ParameterSets::on_keyframe(int64_t now_us) {
  VideoParameters next = in_force_;
  if (!announced_.vps.empty()) next.vps = announced_.vps;
  if (!announced_.sps.empty()) next.sps = announced_.sps;
  if (!announced_.pps.empty()) next.pps = announced_.pps;
  const bool first = !in_force_.complete();
  if (next.sps.empty() || (!first && next.same(in_force_))) return Verdict::kInForce;
  const ByteView sps{next.sps[0].data(), next.sps[0].size()};
  const auto sequence = next.codec == rtsp::Codec::kH265 ? parse_h265_sps(sps) : parse_h264_sps(sps);
  // Sets that cannot be read are not followed.
  if (!sequence) return Verdict::kInForce;
  next.sequence = *sequence;
  if (!next.complete()) return Verdict::kInForce;
  if (!first && changed_us_ > 0 && now_us - changed_us_ < kLeastApartUs) {
    if (!same_format(next.sequence, in_force_.sequence)) return Verdict::kUnfit;
    in_band_ = true;
    return Verdict::kInBand;
  }
  if (!first) changed_us_ = now_us;
  in_force_ = std::move(next);
  announced_ = VideoParameters();
  in_band_ = false;
  return Verdict::kChanged;
}

}  // namespace thimble::media
