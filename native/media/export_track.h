// The sample tables of one track of an export while they are collected.
#pragma once

#include <cstdint>
#include <vector>

#include "media/export_column.h"

namespace thimble::media {

/// Times are in the track's timescale; 0 = where the export was asked to begin.
struct ExportTrack {
  /// `keys_only`: every sample is a sync sample, which is then not noted for each.
  ExportTrack(PagePool& pool, bool keys_only)
      : keys_only(keys_only),
        sizes(pool),
        durations(pool),
        offsets(pool),
        keys(pool),
        chunks(pool),
        chunk_offsets(pool) {}

  enum class Added { kYes, kNoMemory, kHole };
  /// In decode order. A time that does not rise is moved up by one tick; what is presented stays when it was.
  /// kHole: the sample before would have to last longer than players take.
  Added add(int64_t dts, int64_t pts, uint32_t duration, uint32_t size, bool key);
  /// `samples` samples just added lie together at `offset` of the media; `entry` = their sample entry, from
  /// 0.
  bool add_chunk(uint32_t samples, uint32_t entry, uint64_t offset);
  /// After the last sample.
  bool finish();

  uint64_t samples() const { return sizes.size(); }
  bool empty() const { return samples() == 0; }
  bool all_keys() const { return keys_only || keys.size() == samples(); }
  /// Sum of all durations.
  uint64_t duration() const { return static_cast<uint64_t>(last_dts - first_dts) + last_duration; }

  const bool keys_only;
  uint32_t timescale = 0;
  std::vector<std::vector<uint8_t>> entries;  ///< sample entries, whole boxes
  Column sizes;
  Column durations;
  Column offsets;        ///< pts - dts + kOffsetBias
  Column keys;           ///< numbers of the sync samples, from 1
  Column chunks;         ///< samples in the chunk | entry << 32
  Column chunk_offsets;  ///< from the first byte of media
  bool reordered = false;
  int64_t first_dts = 0, last_dts = 0;
  int64_t end = INT64_MIN;  ///< latest pts + duration
  uint32_t last_duration = 0;

  static constexpr int64_t kOffsetBias = int64_t{1} << 31;
};

}  // namespace thimble::media
