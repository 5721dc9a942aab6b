// Pictures out of tiny segments: which keyframe, with how many reads, and what becomes of damage.
#include <doctest/doctest.h>

#include <errno.h>

#include <algorithm>

#include "export_checker.h"
#include "faulty_disk.h"
#include "fuzz/tiny_pictures.h"
#include "media/ffmpeg_log.h"
#include "media/keyframe_finder.h"
#include "media/segment_index.h"
#include "media/segment_picture.h"

using namespace thimble;
using namespace thimble::media;
using tiny::File;

namespace {

constexpr int64_t kTicks = tiny::kPictures * tiny::kPictureTicks;  // of a fragment; every other has a key
constexpr int64_t kKeyTicks = 2 * kTicks;

Fragment sound_only(int n) {
  Fragment made = tiny::fragment(n);
  made.data.erase(made.data.begin(), made.data.begin() + tiny::kPictures);
  made.runs.erase(made.runs.begin());
  made.data_bytes = 0;
  for (const Slice& slice : made.data) made.data_bytes += slice.size();
  made.has_video = made.begins_with_key = false;
  return made;
}

/// A segment of `count` fragments with keyframes each kKeyTicks.
class Recording {
 public:
  explicit Recording(int count, bool with_sound_only = false) {
    for (int n = 0; n < count; ++n) {
      fragments_.push_back(tiny::fragment(n));
      if (with_sound_only) fragments_.push_back(sound_only(n));
    }
    const ExportSegment made = tiny::make_segment(path(), tiny::spec(tiny::kStartMs), fragments_);
    size_ = made.size_bytes;
  }
  std::string path() const { return folder_.path() + "/segment.mp4"; }
  uint64_t size() const { return size_; }
  File file() const { return tiny::read_file(path()); }
  void replace(const File& file) { tiny::write_file(path(), file); }

  /// Writes the sidx, with `each` fragments to a reference.
  void close(size_t each = 1) {
    SegmentIndex index;
    FragmentSummary sum;
    for (size_t i = 0; i < fragments_.size(); ++i) {
      const Fragment& next = fragments_[i];
      if (i % each == 0) sum = {0, false, next.begins_with_key, next.earliest_pts90k, 0};
      sum.size_bytes += encode_moof(next, static_cast<uint32_t>(i + 1)).size() + next.data_bytes;
      sum.has_video = sum.has_video || next.has_video;
      sum.duration90k += next.has_video ? next.duration90k : 0;
      if (i % each == each - 1 || i + 1 == fragments_.size()) index.add(sum);
    }
    File bytes = file();
    const SegmentLayout layout = parse_segment_header({bytes.data(), bytes.size()}).layout;
    const File sidx = index.encode(layout.reserved_bytes);
    REQUIRE_FALSE(sidx.empty());
    std::copy(sidx.begin(), sidx.end(), bytes.begin() + layout.reserved_offset);
    replace(bytes);
  }
  SegmentPictureRequest request(int64_t after_ms, int width = 640) const {
    SegmentPictureRequest made;
    made.path = path();
    made.identity = tiny::spec(tiny::kStartMs).identity;
    made.size_bytes = size_;
    made.at_ms = tiny::kStartMs + after_ms;
    made.most_width = width;
    return made;
  }
  /// Time of the keyframe nearest to `at`, -1 when there is none, else -errno.
  int64_t nearest(int64_t at, Disk& disk = posix_disk(), uint64_t size = UINT64_MAX) const {
    ExportSource source(disk);
    REQUIRE(source.open(path(), tiny::spec(tiny::kStartMs).identity, size) == 0);
    KeyframePlace place;
    const int found = find_keyframe(source, at, &place);
    if (found == 0) return -1;
    return found < 0 ? found : place.pts90k;
  }

 private:
  tiny::TempFolder folder_;
  std::vector<Fragment> fragments_;
  uint64_t size_ = 0;
};

void check_choice(const Recording& recording, int64_t keys) {
  const int64_t last = (keys - 1) * kKeyTicks;
  CHECK(recording.nearest(INT64_MIN) == 0);
  CHECK(recording.nearest(0) == 0);
  CHECK(recording.nearest(last) == last);
  CHECK(recording.nearest(INT64_MAX) == last);
  for (int64_t key = 0; key < last; key += kKeyTicks) {
    CAPTURE(key);
    CHECK(recording.nearest(key) == key);
    CHECK(recording.nearest(key + 1) == key);
    CHECK(recording.nearest(key + kKeyTicks / 2) == key);
    CHECK(recording.nearest(key + kKeyTicks / 2 + 1) == key + kKeyTicks);
    CHECK(recording.nearest(key + kKeyTicks - 1) == key + kKeyTicks);
  }
}

PictureProblem decode(const fuzz::Bytes& entry, const fuzz::Bytes& sample, Picture* picture,
                      int width = 640) {
  return make_picture({{entry.data(), entry.size()}, {sample.data(), sample.size()}}, width, picture);
}

/// The sample entry of tiny videos with another sequence parameter set.
fuzz::Bytes entry_with(const Bytes& sps) {
  VideoParameters video = tiny::video_parameters();
  video.sps = {sps};
  std::string error;
  const auto init = make_init_segment(video, nullptr, &error);
  REQUIRE_MESSAGE(init.has_value(), error);
  const ByteView moov = child_box({init->data(), init->size()}, "moov");
  const ByteView entry = read_moov_tracks(moov).front().sample_entry;
  return {entry.data, entry.data + entry.size};
}

}  // namespace

TEST_CASE("picture: the nearest keyframe, with and without index, with fragments of sound alone") {
  for (const bool sound_only : {false, true}) {
    CAPTURE(sound_only);
    Recording recording(10, sound_only);
    check_choice(recording, 5);
    recording.close();
    check_choice(recording, 5);
  }
  for (const size_t each : {size_t{2}, size_t{3}, size_t{10}}) {
    CAPTURE(each);
    Recording recording(10);
    recording.close(each);
    check_choice(recording, 5);
  }
}

TEST_CASE("picture: an index saves reading the file") {
  Recording recording(120);
  tiny::FaultyDisk open_disk(tiny::FaultyDisk::Fault::kNone, 0),
      closed_disk(tiny::FaultyDisk::Fault::kNone, 0);
  const int64_t at = 100 * kTicks + 5;
  CHECK(recording.nearest(at, open_disk) == 100 * kTicks);
  CHECK(open_disk.calls() > 100);
  recording.close();
  CHECK(recording.nearest(at, closed_disk) == 100 * kTicks);
  CHECK(closed_disk.calls() < 12);
}

TEST_CASE("picture: only whole fragments of an open file count") {
  Recording recording(4);
  const File bytes = recording.file();
  const uint64_t start = parse_segment_header({bytes.data(), bytes.size()}).layout.fragments_offset();
  CHECK(recording.nearest(INT64_MAX, posix_disk(), start) == -1);
  StoredFragment fragment;
  ExportSource source(posix_disk());
  REQUIRE(source.open(recording.path(), tiny::spec(tiny::kStartMs).identity, UINT64_MAX) == 0);
  uint64_t end = start;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(source.read(end, &fragment) == 1);
    end = fragment.end;
  }
  CHECK(recording.nearest(INT64_MAX, posix_disk(), end) == 0);
  CHECK(recording.nearest(INT64_MAX) == kKeyTicks);
  SegmentPictureRequest request = recording.request(0);
  request.size_bytes = start;
  CHECK(make_segment_picture(posix_disk(), request).state == SegmentPicture::State::kNone);
}

TEST_CASE("picture: an index that lies does no harm") {
  Recording recording(10);
  recording.close();
  const File good = recording.file();
  const SegmentLayout layout = parse_segment_header({good.data(), good.size()}).layout;
  // Each word of the box and of its first references, with numbers that lead astray.
  for (uint32_t at = layout.reserved_offset; at < layout.reserved_offset + 40 + 24; at += 4) {
    for (const uint32_t value : {0u, 1u, 13u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
      CAPTURE(at - layout.reserved_offset);
      CAPTURE(value);
      File bad = good;
      write_be32(&bad[at], value);
      recording.replace(bad);
      const int64_t found = recording.nearest(4 * kTicks);
      // Times of the index are believed, places are not.
      CHECK(found >= 0);
      CHECK(found % kKeyTicks == 0);
    }
  }
}

TEST_CASE("picture: made of the keyframe, at its time, no larger than the video") {
  Recording recording(4);
  const SegmentPicture made = make_segment_picture(posix_disk(), recording.request(500));
  REQUIRE(made.state == SegmentPicture::State::kMade);
  CHECK(made.at_ms == tiny::kStartMs + 640);
  CHECK(made.picture.width == 64);
  CHECK(made.picture.height == 64);
  CHECK(read_be16(made.picture.jpeg.data()) == 0xffd8);
  const SegmentPicture small = make_segment_picture(posix_disk(), recording.request(500, 33));
  REQUIRE(small.state == SegmentPicture::State::kMade);
  CHECK(small.picture.width == 32);
  CHECK(small.picture.jpeg.size() < made.picture.jpeg.size());
  const SegmentPicture again = make_segment_picture(posix_disk(), recording.request(500, 33));
  CHECK(again.picture.jpeg == small.picture.jpeg);
}

TEST_CASE("picture: damaged and foreign files are told apart from empty ones") {
  silence_ffmpeg();
  Recording recording(4);
  const File good = recording.file();
  const size_t start = parse_segment_header({good.data(), good.size()}).layout.fragments_offset();
  const auto ask = [&](const SegmentPictureRequest& request) {
    return make_segment_picture(posix_disk(), request);
  };
  SegmentPictureRequest foreign = recording.request(0);
  foreign.identity.camera++;
  CHECK(ask(foreign).error == -EBADMSG);
  SegmentPictureRequest gone = recording.request(0);
  gone.path += "x";
  CHECK(ask(gone).error == -ENOENT);

  File bad = good;
  bad[start + 30] ^= 0xff;
  recording.replace(bad);
  CHECK(ask(recording.request(0)).error == -EBADMSG);
  bad = good;
  const size_t media = start + read_be32(&good[start]) + 8;
  std::fill(bad.begin() + static_cast<ptrdiff_t>(media), bad.begin() + static_cast<ptrdiff_t>(media) + 600,
            0);
  recording.replace(bad);
  CHECK(ask(recording.request(0)).problem == PictureProblem::kDamaged);
  CHECK(ask(recording.request(640)).state == SegmentPicture::State::kMade);
}

TEST_CASE("picture: H.264 and H.265; each cut of a keyframe is an error") {
  silence_ffmpeg();
  for (const fuzz::TinyPicture& tiny : {fuzz::tiny_h264_picture(), fuzz::tiny_h265_picture()}) {
    Picture picture;
    REQUIRE(decode(tiny.sample_entry, tiny.sample, &picture) == PictureProblem::kNone);
    CHECK(picture.width == 64);
    CHECK(picture.height == 48);
    for (size_t size = 0; size < tiny.sample.size(); size += 7) {
      CAPTURE(size);
      const fuzz::Bytes cut(tiny.sample.begin(), tiny.sample.begin() + static_cast<ptrdiff_t>(size));
      CHECK(decode(tiny.sample_entry, cut, &picture) == PictureProblem::kDamaged);
    }
    // A sector that was lost in a power cut, behind lengths that are right.
    fuzz::Bytes lost = tiny.sample;
    std::fill(lost.begin() + 200, lost.begin() + 260, uint8_t{0});
    CHECK(decode(tiny.sample_entry, lost, &picture) == PictureProblem::kDamaged);
    for (size_t size = 0; size < tiny.sample_entry.size(); size += 5) {
      CAPTURE(size);
      const fuzz::Bytes cut(tiny.sample_entry.begin(),
                            tiny.sample_entry.begin() + static_cast<ptrdiff_t>(size));
      CHECK(decode(cut, tiny.sample, &picture) == PictureProblem::kDamaged);
    }
  }
}

TEST_CASE("picture: what is too large is refused before it takes memory") {
  silence_ffmpeg();
  Picture picture;
  const Bytes keyframe = tiny::picture(0, 16, 1);
  CHECK(decode(entry_with(tiny::sps(4)), keyframe, &picture) == PictureProblem::kNone);
  CHECK(decode(entry_with(tiny::sps(1024)), keyframe, &picture) == PictureProblem::kTooLarge);
  CHECK(decode(entry_with(tiny::sps()), Bytes(kMaxPictureSampleBytes + 1), &picture) ==
        PictureProblem::kTooLarge);
}
