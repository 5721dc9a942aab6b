// A segment file of the smallest kind, made without writer and encoder: a few bytes a picture.
#pragma once

#include <string>

#include "fuzz/target.h"
#include "media/segment.h"

namespace thimble::fuzz {

struct TinySegment {
  Bytes bytes;
  Bytes moof;                ///< of the first fragment, the whole box
  Bytes moov;                ///< content of the box
  uint64_t media_bytes = 0;  ///< of the first fragment
};

/// Sound and pictures, `fragments` of 4 pictures; `closed` with its sidx.
TinySegment tiny_segment(int fragments, bool closed);

/// Whose it is, and under which path it lies.
media::SegmentIdentity tiny_identity();
std::string tiny_path();

}  // namespace thimble::fuzz
