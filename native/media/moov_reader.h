// Tells from a moov box what a player must know: codecs, picture size, sample entries. Made for hostile
// input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rtsp/bytes.h"

namespace thimble::media {

struct MoovFacts {
  std::string video_codec, audio_codec;  ///< RFC 6381; empty = no such track or not understood
  int width = 0, height = 0;
};

/// `moov` = content of the box. What cannot be read stays empty.
MoovFacts read_moov(ByteView moov);

/// Content of the first box of `type` among `boxes`; empty when there is none.
ByteView child_box(ByteView boxes, const char* type);

/// One track of a moov, with views into it.
struct MoovTrack {
  uint32_t id = 0;
  uint32_t timescale = 0;
  ByteView sample_entry;  ///< the first box of the stsd, whole; at least a header
};

/// The tracks that have a sample entry; at most four.
std::vector<MoovTrack> read_moov_tracks(ByteView moov);

}  // namespace thimble::media
