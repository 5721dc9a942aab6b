#include "media/export_track.h"

#include <algorithm>

namespace thimble::media {

ExportTrack::Added ExportTrack::add(int64_t dts, int64_t pts, uint32_t duration, uint32_t size, bool key) {
  if (empty()) {
    first_dts = dts;
  } else {
    dts = std::max(dts, last_dts + 1);
    // 32 bits in the file, of which players take 31.
    if (dts - last_dts > INT32_MAX) return Added::kHole;
    if (!durations.push(static_cast<uint64_t>(dts - last_dts))) return Added::kNoMemory;
  }
  const int64_t offset = std::clamp<int64_t>(pts - dts, INT32_MIN, INT32_MAX);
  reordered = reordered || offset != 0;
  last_dts = dts;
  last_duration = duration;
  end = std::max(end, pts + duration);
  if (key && !keys_only && !keys.push(samples() + 1)) return Added::kNoMemory;
  if (!offsets.push(static_cast<uint64_t>(offset + kOffsetBias)) || !sizes.push(size))
    return Added::kNoMemory;
  return Added::kYes;
}

bool ExportTrack::add_chunk(uint32_t samples, uint32_t entry, uint64_t offset) {
  return chunks.push(samples | uint64_t{entry} << 32) && chunk_offsets.push(offset);
}

bool ExportTrack::finish() {
  return empty() || durations.push(last_duration);
}

}  // namespace thimble::media
