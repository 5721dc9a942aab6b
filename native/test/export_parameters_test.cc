// Exports of ranges in which the parameter sets change.
#include <doctest/doctest.h>

#include <algorithm>

#include "export_recording.h"

using namespace thimble;
using namespace thimble::media;
using namespace tiny;

namespace {

/// SPS and PPS of an init segment behind 32-bit lengths, found by their place behind avcC's fixed fields.
File sets_in(const std::vector<uint8_t>& init) {
  const std::string text(init.begin(), init.end());
  size_t at = text.find("avcC") + 4 + 6;
  File sets;
  for (int unit = 0; unit < 2; ++unit) {
    const size_t size = tiny::be(init, at, 2);
    sets.insert(sets.end(), {0, 0});
    sets.insert(sets.end(), init.begin() + static_cast<ptrdiff_t>(at),
                init.begin() + static_cast<ptrdiff_t>(at + 2 + size));
    at += 2 + size + (unit == 0 ? 1 : 0);
  }
  return sets;
}

}  // namespace

TEST_CASE(
    "export: new parameters make a second sample entry and stand before keyframes, another codec ends the "
    "plan") {
  Recording recording;
  recording.add(0, 2);
  // Another level in the avcC, which begins with version and profile, and in the SPS in it.
  std::vector<uint8_t> changed = init_with("avcC\x01\x42\xc0\x0a", "avcC\x01\x42\xc0\x0b", 8);
  changed = replaced(changed, "\x67\x42\xc0\x0a", "\x67\x42\xc0\x0b", 4);
  recording.add(640, 2, &changed);
  recording.add(1280, 2);
  const std::vector<uint8_t> other = init_with("avc1", "hvc1", 4);
  recording.add(1920, 2, &other);
  ExportRange range = tiny::export_range(kStartMs, kStartMs + 2000);
  int error = 0;
  ExportPlan first(posix_disk(), range);
  REQUIRE(first.add(recording.segments[0], &error) == ExportPlan::Added::kYes);
  CHECK(first.add(recording.segments[1], &error) == ExportPlan::Added::kNewParameters);

  range.repeat_parameters = true;
  ExportPlan plan(posix_disk(), range);
  add_all(plan, {recording.segments.begin(), recording.segments.begin() + 3});
  CHECK(plan.add(recording.segments[3], &error) == ExportPlan::Added::kOtherCodec);

  const std::vector<ExportSegment> good_segments(recording.segments.begin(), recording.segments.begin() + 3);
  range.end_ms = kStartMs + 1920;
  ExportPlan good(posix_disk(), range);
  add_all(good, good_segments);
  REQUIRE(good.finish());
  const File file = tiny::read_all(good);
  const Played played = tiny::play(file);
  const auto& video = played.track("vide");
  REQUIRE(video.entries.size() == 2);
  CHECK(video.entries[0] != video.entries[1]);
  CHECK(played.track("soun").entries.size() == 1);
  const std::vector<File> stored = stored_samples(good_segments, 1);
  REQUIRE(video.samples.size() == stored.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    const auto& sample = video.samples[i];
    CHECK(sample.entry == (i / 16 == 1 ? 2 : 1));
    File wanted;
    if (sample.key) wanted = i / 16 == 1 ? sets_in(changed) : sets_in(tiny::init_bytes());
    wanted.insert(wanted.end(), stored[i].begin(), stored[i].end());
    CHECK(File(file.begin() + static_cast<ptrdiff_t>(sample.offset),
               file.begin() + static_cast<ptrdiff_t>(sample.offset + sample.size)) == wanted);
  }
  const auto& sound = played.track("soun");
  CHECK(numbers(file, sound, stored_samples(good_segments, 2)).size() == sound.samples.size());
  for (const size_t at : {size_t{0}, played.media_offset - 1, played.media_offset + 1, file.size() - 9}) {
    File part(200);
    part.resize(static_cast<size_t>(good.read(at, part.data(), part.size())));
    CHECK(std::equal(part.begin(), part.end(), file.begin() + static_cast<ptrdiff_t>(at)));
  }
}

TEST_CASE("export: sound with other parameters ends the plan, pictures alone would go on") {
  Recording recording;
  recording.add(0, 2);
  // Another rate in the mp4a entry (16.16), as for 16 kHz; the AAC configuration of tiny cameras follows in
  // esds.
  std::vector<uint8_t> changed = tiny::init_bytes();
  const std::string text(changed.begin(), changed.end());
  changed[text.find("mp4a") + 4 + 24] ^= 0x10;
  recording.add(640, 2, &changed);
  recording.add(1280, 2);
  ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + 1920));
  add_all(plan, {recording.segments[0], recording.segments[2]});
  int error = 0;
  ExportPlan broken(posix_disk(), tiny::export_range(kStartMs, kStartMs + 1920));
  REQUIRE(broken.add(recording.segments[0], &error) == ExportPlan::Added::kYes);
  CHECK(broken.add(recording.segments[1], &error) == ExportPlan::Added::kOtherSound);
}
