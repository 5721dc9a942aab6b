// Encodes the moof of a fragment in the one shape that the reader of our files accepts.
#include "media/fragment.h"

#include "rtsp/bytes.h"

namespace thimble::media {
namespace {

constexpr uint32_t kSyncSample = 0x02000000;     // depends on no other
constexpr uint32_t kNonSyncSample = 0x01010000;  // depends on others, is no sync sample

/// Appends big-endian fields and fills in box sizes afterwards.
class BoxWriter {
 public:
  explicit BoxWriter(size_t capacity) { bytes_.reserve(capacity); }
  void u32(uint32_t value) {
    const size_t at = bytes_.size();
    bytes_.resize(at + 4);
    write_be32(&bytes_[at], value);
  }
  void u64(uint64_t value) {
    u32(static_cast<uint32_t>(value >> 32));
    u32(static_cast<uint32_t>(value));
  }
  size_t begin(const char* type) {
    const size_t at = bytes_.size();
    u32(0);
    bytes_.insert(bytes_.end(), type, type + 4);
    return at;
  }
  void end(size_t at) { write_be32(&bytes_[at], static_cast<uint32_t>(bytes_.size() - at)); }
  std::vector<uint8_t>& bytes() { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

/// Writes one traf. Returns where its trun's data_offset stands.
size_t write_track(BoxWriter& out, const FragmentRun& run) {
  const size_t traf = out.begin("traf");
  const size_t tfhd = out.begin("tfhd");
  out.u32(0x020000);  // default-base-is-moof
  out.u32(run.track_id);
  out.end(tfhd);
  const size_t tfdt = out.begin("tfdt");
  out.u32(0x01000000);  // version 1: 64-bit time
  out.u64(run.base_time);
  out.end(tfdt);
  const size_t trun = out.begin("trun");
  out.u32(
      0x01000f01);  // version 1 (signed offsets); data offset, then duration, size, flags, offset per sample
  out.u32(static_cast<uint32_t>(run.samples.size()));
  const size_t data_offset = out.bytes().size();
  out.u32(0);
  for (const FragmentSample& sample : run.samples) {
    out.u32(sample.duration);
    out.u32(sample.size);
    out.u32(sample.key ? kSyncSample : kNonSyncSample);
    out.u32(static_cast<uint32_t>(sample.composition_offset));
  }
  out.end(trun);
  out.end(traf);
  return data_offset;
}

}  // namespace

RunSpan run_span(const FragmentRun& run) {
  RunSpan span;
  for (const FragmentSample& sample : run.samples) {
    const int64_t pts = static_cast<int64_t>(run.base_time + span.duration) + sample.composition_offset;
    if (&sample == &run.samples.front() || pts < span.begin) span.begin = pts;
    if (&sample == &run.samples.front() || pts + sample.duration > span.end) span.end = pts + sample.duration;
    span.duration += sample.duration;
  }
  return span;
}

std::vector<uint8_t> encode_moof(const Fragment& fragment, uint32_t sequence_number) {
  size_t samples = 0;
  for (const FragmentRun& run : fragment.runs) samples += run.samples.size();
  BoxWriter out(32 + fragment.runs.size() * 64 + samples * 16);
  const size_t moof = out.begin("moof");
  const size_t mfhd = out.begin("mfhd");
  out.u32(0);
  out.u32(sequence_number);
  out.end(mfhd);
  std::vector<std::pair<size_t, uint64_t>> offsets;
  uint64_t before = 0;
  for (const FragmentRun& run : fragment.runs) {
    if (run.samples.empty()) continue;
    offsets.emplace_back(write_track(out, run), before);
    for (const FragmentSample& sample : run.samples) before += sample.size;
  }
  out.end(moof);
  const uint64_t data_begin = out.bytes().size() + 8;
  for (const auto& [at, offset] : offsets) {
    write_be32(&out.bytes()[at], static_cast<uint32_t>(data_begin + offset));
  }
  out.u32(static_cast<uint32_t>(fragment.data_bytes + 8));
  out.u32(0x6d646174);  // mdat
  return std::move(out.bytes());
}

}  // namespace thimble::media
