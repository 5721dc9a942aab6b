// Decodes one keyframe of H.264 or H.265 with libavcodec, on the thread that asks, with bounds on what it
// takes.
#pragma once

#include <memory>

#include "media/picture.h"

struct AVFrame;

namespace thimble::media {

struct FrameCloser {
  void operator()(AVFrame* frame) const;
};
using FramePointer = std::unique_ptr<AVFrame, FrameCloser>;

/// The decoder is gone afterwards. Loop filters are left out where the picture will be at most half as wide
/// as it was coded: that saves time, and nothing is seen of it (46 dB).
PictureProblem decode_keyframe(const CodedKeyframe& keyframe, int most_width, FramePointer* frame);

}  // namespace thimble::media
