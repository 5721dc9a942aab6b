// Scales a decoded picture and makes a JPEG of it that looks as players show the video.
#pragma once

#include "media/picture.h"

struct AVFrame;

namespace thimble::media {

/// The frame's colour matrix, range and shape of pixels count; what it does not tell is taken as players take
/// it.
PictureProblem encode_jpeg(const AVFrame& frame, int most_width, Picture* picture);

}  // namespace thimble::media
