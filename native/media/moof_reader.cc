// The strict counterpart of encode_moof.
#include "media/moof_reader.h"

#include <cstring>

namespace thimble::media {
namespace {

constexpr uint64_t kMaxTime = uint64_t{1} << 52;  // leaves room for sums and products in 64 bits
constexpr size_t kMaxRuns = 4;

/// Takes boxes and fields off the front; once something does not fit, everything after fails too.
class Cursor {
 public:
  explicit Cursor(ByteView bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && bytes_.empty(); }
  uint32_t u32() {
    if (bytes_.size < 4) {
      ok_ = false;
      return 0;
    }
    const uint32_t value = read_be32(bytes_.data);
    bytes_ = bytes_.sub(4);
    return value;
  }
  uint64_t u64() {
    const uint64_t high = u32();
    return high << 32 | u32();
  }
  /// The content of the next box, which must be of this type.
  Cursor box(const char* type) {
    const uint32_t size = bytes_.size >= 8 ? read_be32(bytes_.data) : 0;
    if (!ok_ || size < 8 || size > bytes_.size || std::memcmp(bytes_.data + 4, type, 4) != 0) {
      ok_ = false;
      Cursor none{ByteView()};
      none.ok_ = false;
      return none;
    }
    const Cursor content(bytes_.sub(8, size - 8));
    bytes_ = bytes_.sub(size);
    return content;
  }
  size_t left() const { return bytes_.size; }

 private:
  ByteView bytes_;
  bool ok_ = true;
};

bool parse_samples(Cursor& trun, uint32_t count, FragmentRun* run, uint64_t* run_bytes) {
  if (count == 0 || trun.left() != size_t{count} * 16) return false;
  run->samples.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    FragmentSample sample;
    sample.duration = trun.u32();
    sample.size = trun.u32();
    sample.key = trun.u32() == 0x02000000;
    sample.composition_offset = static_cast<int32_t>(trun.u32());
    *run_bytes += sample.size;
    run->samples.push_back(sample);
  }
  return trun.at_end();
}

bool parse_track(Cursor traf, uint64_t data_offset, FragmentRun* run, uint64_t* run_bytes) {
  Cursor tfhd = traf.box("tfhd");
  if (tfhd.u32() != 0x020000) return false;
  run->track_id = tfhd.u32();
  Cursor tfdt = traf.box("tfdt");
  if (tfdt.u32() != 0x01000000) return false;
  run->base_time = tfdt.u64();
  Cursor trun = traf.box("trun");
  if (trun.u32() != 0x01000f01) return false;
  const uint32_t count = trun.u32();
  if (trun.u32() != data_offset || run->base_time >= kMaxTime) return false;
  if (run->track_id != 1 && run->track_id != 2) return false;
  return tfhd.at_end() && tfdt.at_end() && traf.at_end() && parse_samples(trun, count, run, run_bytes);
}

}  // namespace

std::optional<std::vector<FragmentRun>> parse_moof(ByteView moof, uint64_t media_bytes) {
  if (moof.size > kMaxMoofBytes || media_bytes > kMaxFragmentBytes) return std::nullopt;
  Cursor file(moof);
  Cursor content = file.box("moof");
  Cursor mfhd = content.box("mfhd");
  if (mfhd.u32() != 0) return std::nullopt;
  mfhd.u32();
  if (!mfhd.at_end() || !file.at_end()) return std::nullopt;
  std::vector<FragmentRun> runs;
  uint64_t found_bytes = 0;
  while (content.ok() && !content.at_end()) {
    if (runs.size() == kMaxRuns) return std::nullopt;
    FragmentRun run;
    uint64_t run_bytes = 0;
    if (!parse_track(content.box("traf"), moof.size + 8 + found_bytes, &run, &run_bytes)) return std::nullopt;
    found_bytes += run_bytes;
    runs.push_back(std::move(run));
  }
  if (!content.ok() || runs.empty() || found_bytes != media_bytes) return std::nullopt;
  return runs;
}

}  // namespace thimble::media
