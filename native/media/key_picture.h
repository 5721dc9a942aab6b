// A keyframe taken out of a stream's memory, and the picture that is made of it.
#pragma once

#include <cstdint>
#include <vector>

#include "media/codec_parameters.h"
#include "media/segment_picture.h"

namespace thimble::media {

struct KeyPicture {
  std::vector<uint8_t> sample;  ///< NAL units behind lengths of four bytes
  VideoParameters parameters;
  int64_t at_ms = 0;  ///< UTC
};

/// As make_segment_picture; from any thread.
SegmentPicture make_key_picture(const KeyPicture& key, int most_width);

}  // namespace thimble::media
