// Finds in a segment file the keyframe nearest to a moment: with the sidx of a closed one, else from its
// start.
#pragma once

#include <cstdint>

#include "media/export_source.h"

namespace thimble::media {

/// Where a keyframe stands in its file.
struct KeyframePlace {
  uint64_t offset = 0;
  uint32_t size_bytes = 0;
  int64_t pts90k = 0;  ///< on the file's time line
};

/// `at90k` on the file's time line; of two keyframes equally near the earlier one. 1 = found, 0 = there is
/// none in what may be read of the file, negative = -errno (-EBADMSG: damaged before one was found, -EFBIG:
/// more fragments than a segment has).
int find_keyframe(ExportSource& source, int64_t at90k, KeyframePlace* found);

}  // namespace thimble::media
