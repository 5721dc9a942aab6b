// Makes a JPEG of one coded keyframe: decodes it, scales it down, encodes it. Whatever it takes is free again
// when it is done.
#pragma once

#include <cstdint>
#include <vector>

#include "rtsp/bytes.h"

namespace thimble::media {

/// A keyframe larger than this is refused: at 30 Mbit/s one is about 1 MiB.
inline constexpr uint32_t kMaxPictureSampleBytes = 8u << 20;

enum class PictureProblem {
  kNone,
  kDamaged,      ///< the bytes are not a whole keyframe
  kTooLarge,     ///< more bytes or pixels than a picture is made of
  kUnsupported,  ///< no decoder or no encoder for it in this build
  kNoMemory
};

/// A keyframe as it stands in a file: NAL units behind lengths of four bytes.
struct CodedKeyframe {
  ByteView sample_entry;  ///< the whole avc1 or hvc1 box, as in an init segment
  ByteView sample;
};

struct Picture {
  std::vector<uint8_t> jpeg;  ///< JFIF: BT.601, full range, square pixels
  int width = 0, height = 0;
};

/// Never enlarges; the shape is that in which players show it. `most_width` from 16 on. Bounded, whatever the
/// keyframe holds: 8192x8192, 36 million pixels, 192 MiB of decoded pictures. From any thread.
PictureProblem make_picture(const CodedKeyframe& keyframe, int most_width, Picture* picture);

}  // namespace thimble::media
