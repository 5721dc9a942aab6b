// Keyframes: found in files that nobody can trust, and decoded whatever they hold.
#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "fuzz/tiny_pictures.h"
#include "fuzz/tiny_segment.h"
#include "media/ffmpeg_log.h"
#include "media/keyframe_finder.h"
#include "media/picture.h"

namespace thimble::fuzz {

namespace {

bool check_finder(ByteView input) {
  MemoryFile file(input);
  bool all_found = true;
  {
    media::ExportSource source(file);
    if (source.open(tiny_path(), tiny_identity(), input.size) < 0) return false;
    for (const int64_t at : {int64_t{0}, int64_t{30000}, INT64_MIN, INT64_MAX}) {
      media::KeyframePlace place;
      if (media::find_keyframe(source, at, &place) <= 0) {
        all_found = false;
        continue;
      }
      expect(place.offset <= input.size && place.size_bytes <= input.size - place.offset,
             "a keyframe lies in the file");
    }
  }
  expect(file.opened() == 0, "files are closed");
  return all_found;
}

std::vector<Bytes> segments() {
  return {tiny_segment(4, true).bytes, tiny_segment(3, false).bytes};
}

/// The sample entry, whose size stands in it, and behind it the sample.
bool check_picture(ByteView input) {
  media::silence_ffmpeg();
  constexpr int kWidth = 48;
  const uint32_t entry_bytes = input.size >= 8 ? read_be32(input.data) : 0;
  if (entry_bytes < 8 || entry_bytes > input.size) return false;
  media::Picture picture;
  const media::CodedKeyframe keyframe{input.sub(0, entry_bytes), input.sub(entry_bytes)};
  if (media::make_picture(keyframe, kWidth, &picture) != media::PictureProblem::kNone) return false;
  const ByteView jpeg = view(picture.jpeg);
  touch(jpeg);
  expect(picture.width >= 2 && picture.width <= kWidth, "no wider than asked");
  expect(picture.height >= 2 && picture.height <= 8192, "no higher than pictures are");
  expect(jpeg.size > 4 && read_be16(jpeg.data) == 0xffd8 && read_be16(jpeg.data + jpeg.size - 2) == 0xffd9,
         "a whole JPEG");
  return true;
}

std::vector<Bytes> pictures() {
  std::vector<Bytes> seeds;
  for (const TinyPicture& picture : {tiny_h264_picture(), tiny_h265_picture()}) {
    seeds.push_back(picture.sample_entry);
    seeds.back().insert(seeds.back().end(), picture.sample.begin(), picture.sample.end());
  }
  return seeds;
}

}  // namespace

std::vector<Target> picture_targets() {
  return {{"keyframe", check_finder, segments}, {"picture", check_picture, pictures}};
}

}  // namespace thimble::fuzz
