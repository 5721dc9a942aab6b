// Reads the sidx of a closed segment: where its fragments stand and when. What it says is a hint, no proof.
#pragma once

#include <cstdint>
#include <vector>

#include "media/disk.h"
#include "media/segment_header.h"

namespace thimble::media {

/// What one reference says: one or more fragments that stand together.
struct IndexedPart {
  uint64_t offset = 0, end = 0;  ///< in the file, within what may be read of it
  int64_t start90k = 0;          ///< of its first picture, on the file's time line
  uint32_t duration90k = 0;      ///< of its pictures together
  bool begins_with_key = false;  ///< its first picture is a keyframe
};

/// Of a file of which `size_bytes` may be read. Parts in file order, one behind the other from the first
/// fragment on; none when there is no index (yet), when it contradicts itself or is not as SegmentIndex
/// writes it. Reads no more than the reserved box, usually once. 0 or -errno.
int read_segment_index(Disk& disk, int fd, const SegmentLayout& layout, uint64_t size_bytes,
                       std::vector<IndexedPart>* parts);

}  // namespace thimble::media
