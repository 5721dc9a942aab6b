#include "media/key_picture.h"

#include <string>

#include "media/init_segment.h"
#include "media/moov_reader.h"

namespace thimble::media {

SegmentPicture make_key_picture(const KeyPicture& key, int most_width) {
  SegmentPicture result;
  result.at_ms = key.at_ms;
  result.state = SegmentPicture::State::kNotDecodable;
  result.problem = PictureProblem::kTooLarge;
  if (key.sample.size() > kMaxPictureSampleBytes) return result;
  result.problem = PictureProblem::kUnsupported;
  std::string error;
  const auto init = make_init_segment(key.parameters, nullptr, &error);
  if (!init) return result;
  const ByteView boxes(init->data(), init->size());
  for (const MoovTrack& track : read_moov_tracks(child_box(boxes, "moov"))) {
    if (track.id != kVideoTrackId) continue;
    const CodedKeyframe keyframe{track.sample_entry, {key.sample.data(), key.sample.size()}};
    result.problem = make_picture(keyframe, most_width, &result.picture);
    if (result.problem == PictureProblem::kNone) result.state = SegmentPicture::State::kMade;
    break;
  }
  return result;
}

}  // namespace thimble::media
