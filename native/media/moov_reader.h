// Tells from a moov box what a player must know: codecs, picture size. Made for hostile input.
#pragma once

#include <string>

#include "rtsp/bytes.h"

namespace thimble::media {

struct MoovFacts {
  std::string video_codec, audio_codec;  ///< RFC 6381; empty = no such track or not understood
  int width = 0, height = 0;
};

/// `moov` = content of the box. What cannot be read stays empty.
MoovFacts read_moov(ByteView moov);

}  // namespace thimble::media
