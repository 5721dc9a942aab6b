#include "media/segment_picture.h"

#include <errno.h>

#include "media/export_source.h"
#include "media/init_segment.h"
#include "media/keyframe_finder.h"

namespace thimble::media {
namespace {

/// Rounds down, as the times of segments are.
int64_t floor_ms(int64_t ticks90k) {
  return (ticks90k >= 0 ? ticks90k : ticks90k - 89) / 90;
}

ByteView video_entry(const ExportSource& source) {
  for (const MoovTrack& track : source.tracks()) {
    if (track.id == kVideoTrackId && track.timescale == kVideoTimescale) return track.sample_entry;
  }
  return {};
}

SegmentPicture unreadable(int error) {
  SegmentPicture result;
  result.state = SegmentPicture::State::kUnreadable;
  result.error = error;
  return result;
}

}  // namespace

SegmentPicture make_segment_picture(Disk& disk, const SegmentPictureRequest& request) {
  ExportSource source(disk);
  int error = source.open(request.path, request.identity, request.size_bytes);
  if (error < 0) return unreadable(error);
  const int64_t start_ms = source.identity().start_ms, offset90k = source.identity().pts_offset90k;
  KeyframePlace place;
  const int found = find_keyframe(source, (request.at_ms - start_ms) * 90 + offset90k, &place);
  if (found < 0) return unreadable(found);
  SegmentPicture result;
  if (found == 0) return result;
  result.state = SegmentPicture::State::kNotDecodable;
  result.problem = PictureProblem::kTooLarge;
  if (place.size_bytes > kMaxPictureSampleBytes) return result;
  std::vector<uint8_t> sample(place.size_bytes);
  error = source.read_exactly(place.offset, sample.data(), sample.size());
  if (error < 0) return unreadable(error);
  result.problem = make_picture({video_entry(source), {sample.data(), sample.size()}}, request.most_width,
                                &result.picture);
  if (result.problem == PictureProblem::kNone) result.state = SegmentPicture::State::kMade;
  result.at_ms = start_ms + floor_ms(place.pts90k - offset90k);
  return result;
}

}  // namespace thimble::media
