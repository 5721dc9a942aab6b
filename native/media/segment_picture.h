// A picture out of a segment file: the keyframe nearest to a moment, as a JPEG.
#pragma once

#include <cstdint>
#include <string>

#include "media/disk.h"
#include "media/picture.h"
#include "media/segment.h"

namespace thimble::media {

struct SegmentPictureRequest {
  std::string path;
  SegmentIdentity identity;  ///< what the file should be; its pts offset does not count
  uint64_t size_bytes = 0;   ///< how much of the file is whole
  int64_t at_ms = 0;         ///< UTC; moments outside of the segment mean its first or last keyframe
  int most_width = 0;
};

struct SegmentPicture {
  enum class State {
    kMade,
    kNone,         ///< there is no keyframe in it (yet)
    kUnreadable,   ///< `error` tells why: -errno, -EBADMSG when the file is damaged or another's
    kNotDecodable  ///< `problem` tells why
  };
  State state = State::kNone;
  int error = 0;
  PictureProblem problem = PictureProblem::kNone;
  int64_t at_ms = 0;  ///< UTC of the keyframe
  Picture picture;
};

/// From any thread. Reads the tables and the one keyframe, at most 8 MiB.
SegmentPicture make_segment_picture(Disk& disk, const SegmentPictureRequest& request);

}  // namespace thimble::media
