// Reads the sidx of a closed segment: where its fragments stand and when. What it says is a hint, no proof.
#pragma once

#include <cstdint>
#include <vector>

#include "media/export_source.h"

namespace thimble::media {

/// One or more fragments that stand together.
struct IndexedPart {
  uint64_t offset = 0, end = 0;  ///< in the file, within what may be read of it
  int64_t start90k = 0;          ///< of its first picture, on the file's time line
};

/// In file order; offsets and times rise. Empty when there is no index (yet) or it contradicts itself.
std::vector<IndexedPart> read_segment_index(ExportSource& source);

}  // namespace thimble::media
