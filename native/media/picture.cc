#include "media/picture.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "media/picture_decoder.h"
#include "media/picture_jpeg.h"

namespace thimble::media {

PictureProblem make_picture(const CodedKeyframe& keyframe, int most_width, Picture* picture) {
  PictureProblem problem;
  {
    FramePointer frame;
    problem = decode_keyframe(keyframe, most_width, &frame);
    if (problem == PictureProblem::kNone) problem = encode_jpeg(*frame, most_width, picture);
  }
#ifdef __GLIBC__
  // glibc keeps large blocks for itself from the second time on, and pictures are rare.
  malloc_trim(0);
#endif
  return problem;
}

}  // namespace thimble::media
