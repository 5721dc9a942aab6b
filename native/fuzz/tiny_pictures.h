// Keyframes that a decoder takes, of a few hundred bytes.
#pragma once

#include "fuzz/target.h"

namespace thimble::fuzz {

/// 64x48, as they stand in a file.
struct TinyPicture {
  Bytes sample_entry, sample;
};
TinyPicture tiny_h264_picture();
TinyPicture tiny_h265_picture();

}  // namespace thimble::fuzz
