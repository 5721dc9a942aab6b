// Exports of tiny recordings: which samples, when, from where; borders, gaps, cuts, damage.
#include <doctest/doctest.h>

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "export_recording.h"

using namespace thimble;
using namespace thimble::media;
using namespace tiny;

TEST_CASE("export: segments that touch become one file with every sample at its time") {
  Recording recording;
  for (int i = 0; i < 3; ++i) recording.add(i * 4 * kFragmentMs, 4);
  ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + 12 * kFragmentMs));
  add_all(plan, recording.segments);
  REQUIRE(plan.finish());
  const File file = tiny::read_all(plan);
  const Played played = tiny::play(file);
  CHECK(played.gaps.empty());
  CHECK(plan.duration_ms() == 12 * kFragmentMs);
  CHECK(plan.start_ms() == kStartMs);
  const auto& video = played.track("vide");
  const auto& sound = played.track("soun");
  CHECK(numbers(file, video, stored_samples(recording.segments, 1)).size() == 96);
  CHECK(sound.samples.size() == 12 * 15);
  CHECK(video.entries.size() == 1);
  for (size_t i = 0; i < video.samples.size(); ++i) {
    CHECK(video.samples[i].dts == static_cast<int64_t>(i) * tiny::kPictureTicks);
    CHECK(video.samples[i].key == (i % 16 == 0));
  }
  for (size_t i = 0; i < sound.samples.size(); ++i)
    CHECK(sound.samples[i].dts == static_cast<int64_t>(i) * 1024);
  CHECK(video.shown_from == 0);
  CHECK(video.shown == 12 * kFragmentMs * 90);
  CHECK(sound.shown == 12 * kFragmentMs * 90);
  const std::string path = recording.folder.path() + "/export.mp4";
  tiny::write_file(path, file);
  CHECK(tiny::decodes(path));
}

TEST_CASE("export: a range begins and ends exactly where it was asked to") {
  Recording recording;
  for (int i = 0; i < 2; ++i) recording.add(i * 4 * kFragmentMs, 4);
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const int64_t from = static_cast<int64_t>(random() % 1200),
                  to = 1300 + static_cast<int64_t>(random() % 1200);
    CAPTURE(from);
    CAPTURE(to);
    ExportPlan plan(posix_disk(), tiny::export_range(kStartMs + from, kStartMs + to));
    std::vector<ExportSegment> segments = recording.segments;
    segments.front().from_ms = kStartMs + from;
    segments.back().to_ms = kStartMs + to;
    add_all(plan, segments);
    REQUIRE(plan.finish());
    const File file = tiny::read_all(plan);
    const Played played = tiny::play(file);
    const auto& video = played.track("vide");
    const auto kept = numbers(file, video, stored_samples(recording.segments, 1));
    // The keyframes of the first segment are pictures 0 and 16.
    const size_t key = from >= 640 ? 16 : 0;
    CHECK(kept.front() == key);
    CHECK(kept.back() == static_cast<size_t>((to - 1) / 40));
    CHECK(kept.size() == kept.back() - kept.front() + 1);
    CHECK(video.samples.front().key);
    CHECK(video.shown_from == (from - static_cast<int64_t>(key) * 40) * 90);
    CHECK(video.shown == (to - from) * 90);
    CHECK(plan.start_ms() == kStartMs + from);
    const auto& sound = played.track("soun");
    // Where sound frame n is in the export: its time in the recording less what the edit hides, within a
    // tick.
    const double first = static_cast<double>(from) * 48 - static_cast<double>(sound.shown_from);
    CHECK(std::abs(first / 1024 - std::round(first / 1024)) < 0.001);
    CHECK(sound.shown_from < 1024);
    CHECK(sound.wait == 0);
    CHECK(played.gaps.empty());
  }
}

TEST_CASE("export: gaps collapse and are told of") {
  Recording recording;
  recording.add(0, 2);
  recording.add(10'000, 4);
  recording.add(20'000, 2);
  ExportPlan plan(posix_disk(), tiny::export_range(kStartMs - 3000, kStartMs + 30'000));
  add_all(plan, recording.segments);
  REQUIRE(plan.finish());
  const File file = tiny::read_all(plan);
  const Played played = tiny::play(file);
  const auto& video = played.track("vide");
  REQUIRE(video.samples.size() == 64);
  for (size_t i = 0; i < 64; ++i)
    CHECK(video.samples[i].dts == static_cast<int64_t>(i) * tiny::kPictureTicks);
  const auto& sound = played.track("soun");
  for (size_t i = 0; i < sound.samples.size(); ++i)
    CHECK(sound.samples[i].dts == static_cast<int64_t>(i) * 1024);
  REQUIRE(played.gaps.size() == 4);
  const int64_t expected[4][3] = {
      {-3000, 0, 0}, {640, 10'000, 640}, {11'280, 20'000, 1920}, {20'640, 30'000, 2560}};
  for (size_t i = 0; i < 4; ++i) {
    CHECK(played.gaps[i].start_ms == kStartMs + expected[i][0]);
    CHECK(played.gaps[i].end_ms == kStartMs + expected[i][1]);
    CHECK(played.gaps[i].at_ms == expected[i][2]);
  }
}

TEST_CASE("export: a hole inside a segment collapses like one between two") {
  tiny::TempFolder folder;
  std::vector<Fragment> made = fragments(4);
  for (size_t n = 2; n < 4; ++n) {
    made[n].runs[0].base_time += 5000 * 90;
    made[n].runs[1].base_time += 5000 * 48;
  }
  const ExportSegment segment = tiny::make_segment(folder.path() + "/a.mp4", tiny::spec(kStartMs), made);
  ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + 6280));
  add_all(plan, {segment});
  REQUIRE(plan.finish());
  const Played played = tiny::play(tiny::read_all(plan));
  const auto& video = played.track("vide");
  for (size_t i = 0; i < 32; ++i)
    CHECK(video.samples[i].dts == static_cast<int64_t>(i) * tiny::kPictureTicks);
  const auto& sound = played.track("soun");
  for (size_t i = 0; i < 60; ++i) CHECK(sound.samples[i].dts == static_cast<int64_t>(i) * 1024);
  REQUIRE(played.gaps.size() == 1);
  CHECK(played.gaps[0].start_ms == kStartMs + 640);
  CHECK(played.gaps[0].end_ms == kStartMs + 5640);
  CHECK(played.gaps[0].at_ms == 640);
}

TEST_CASE("export: borders that are a millisecond off keep sound and picture together") {
  Recording recording;
  int64_t at = 0;
  for (int i = 0; i < 20; ++i) {
    recording.add(at, 2);
    at += 640 + (i % 3 - 1);
  }
  ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + at));
  add_all(plan, recording.segments);
  REQUIRE(plan.finish());
  const Played played = tiny::play(tiny::read_all(plan));
  CHECK(played.gaps.empty());
  const auto& video = played.track("vide");
  const auto& sound = played.track("soun");
  for (size_t i = 0; i < recording.segments.size(); ++i) {
    const double utc = static_cast<double>(recording.segments[i].start_ms - kStartMs);
    CHECK(std::abs(static_cast<double>(video.samples[i * 16].dts) / 90 - utc) < 0.1);
    CHECK(std::abs(static_cast<double>(sound.samples[i * 30].dts) / 48 - utc) < 0.1);
  }
}

TEST_CASE("export: reordered pictures, late sound") {
  tiny::TempFolder folder;
  std::vector<Fragment> made = fragments(4);
  for (Fragment& fragment : made) {
    // Shown: second picture of each pair before the first. Sound begins half a second after the pictures.
    for (size_t i = 0; i < 8; ++i) fragment.runs[0].samples[i].composition_offset = i % 2 == 0 ? 7200 : 0;
    fragment.runs[1].base_time += 24'000;
  }
  SegmentSpec spec = tiny::spec(kStartMs);
  spec.identity.pts_offset90k = 7200;
  const ExportSegment segment = tiny::make_segment(folder.path() + "/a.mp4", spec, made);
  ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + 5000));
  add_all(plan, {segment});
  REQUIRE(plan.finish());
  const Played played = tiny::play(tiny::read_all(plan));
  const auto& video = played.track("vide");
  CHECK(video.shown_from == 7200);
  CHECK(video.samples[0].pts == 7200);
  CHECK(video.samples[1].pts == 3600);
  CHECK(video.samples[2].pts == 14'400);
  const auto& sound = played.track("soun");
  // 500 ms in the file; the file begins 80 ms before the first shown picture.
  CHECK(sound.wait == 420 * 90);
  CHECK(sound.shown_from == 0);
}

TEST_CASE("export: any part read alone is the part of the whole") {
  Recording recording;
  for (int i = 0; i < 4; ++i) recording.add(i * 2000, 4);
  ExportPlan plan(posix_disk(), tiny::export_range(kStartMs + 100, kStartMs + 9000));
  std::vector<ExportSegment> segments = recording.segments;
  segments.front().from_ms = kStartMs + 100;
  add_all(plan, segments);
  REQUIRE(plan.finish());
  const File whole = tiny::read_all(plan);
  CHECK(tiny::read_all(plan, 1013) == whole);
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    const size_t at = random() % whole.size();
    File part(std::min<size_t>(whole.size() - at, 1 + random() % (round % 2 ? 40 : 9000)));
    REQUIRE(plan.read(at, part.data(), part.size()) == static_cast<int64_t>(part.size()));
    REQUIRE(std::memcmp(part.data(), &whole[at], part.size()) == 0);
  }
}

TEST_CASE("export: the same bytes have the same digest, other bytes another") {
  Recording recording;
  recording.add(0, 4);
  recording.add(1280, 4);
  const auto digest = [&](int64_t end, size_t segments, uint64_t size) {
    ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + end));
    std::vector<ExportSegment> some(recording.segments.begin(), recording.segments.begin() + segments);
    if (size > 0) some.back().size_bytes = size;
    add_all(plan, some);
    REQUIRE(plan.finish());
    return plan.digest();
  };
  const std::string once = digest(2560, 2, 0);
  CHECK(once.size() == 32);
  CHECK(digest(2560, 2, 0) == once);
  CHECK(digest(2561, 2, 0) != once);
  CHECK(digest(2560, 1, 0) != once);
}

TEST_CASE("export: of an open segment only what is whole") {
  Recording recording;
  recording.add(0, 4);
  ExportSegment& segment = recording.segments.front();
  const File file = tiny::read_file(segment.path);
  std::vector<size_t> ends;
  for (size_t at = 0; at < file.size(); at += tiny::be(file, at, 4)) {
    if (tiny::be(file, at + 4, 4) == 0x6d6f6f66) ends.push_back(at);
  }
  segment.size_bytes = ends[2];
  ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + 1280));
  add_all(plan, recording.segments);
  REQUIRE(plan.finish());
  const Played played = tiny::play(tiny::read_all(plan));
  CHECK(played.track("vide").samples.size() == 16);
  REQUIRE(played.gaps.size() == 1);
  CHECK(played.gaps[0].start_ms == kStartMs + 640);
}

TEST_CASE("export: files that are gone, cut or others are left out and told of") {
  Recording recording;
  for (int i = 0; i < 4; ++i) recording.add(i * 1280, 4);
  REQUIRE(::unlink(recording.segments[1].path.c_str()) == 0);
  File cut = tiny::read_file(recording.segments[2].path);
  cut.resize(cut.size() - 5);
  tiny::write_file(recording.segments[2].path, cut);
  ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + 5120));
  int error = 0;
  REQUIRE(plan.add(recording.segments[0], &error) == ExportPlan::Added::kYes);
  CHECK(plan.add(recording.segments[1], &error) == ExportPlan::Added::kUnreadable);
  CHECK(error == -ENOENT);
  CHECK(plan.add(recording.segments[2], &error) == ExportPlan::Added::kUnreadable);
  CHECK(error == -EBADMSG);
  ExportSegment renamed = recording.segments[3];
  renamed.path = recording.segments[0].path;
  CHECK(plan.add(renamed, &error) == ExportPlan::Added::kUnreadable);
  CHECK(error == -EBADMSG);
  REQUIRE(plan.add(recording.segments[3], &error) == ExportPlan::Added::kYes);
  REQUIRE(plan.finish());
  const Played played = tiny::play(tiny::read_all(plan));
  CHECK(played.track("vide").samples.size() == 32 + 24 + 32);
  REQUIRE(played.gaps.size() == 2);
  CHECK(played.gaps[0].start_ms == kStartMs + 1280);
  CHECK(played.gaps[0].end_ms == kStartMs + 2560);
  CHECK(played.gaps[1].start_ms == kStartMs + 3520);
  CHECK(played.gaps[1].end_ms == kStartMs + 3840);
  // Gone after it was planned: the reader hears of it.
  File part(100);
  CHECK(plan.read(played.media_offset, part.data(), 100) == 100);
  REQUIRE(::unlink(recording.segments[3].path.c_str()) == 0);
  CHECK(plan.read(plan.size_bytes() - 100, part.data(), 100) == -ENOENT);
}

TEST_CASE("export: nothing in the range is no file, too much for the tables is refused") {
  Recording recording;
  recording.add(0, 4);
  ExportPlan empty(posix_disk(), tiny::export_range(kStartMs + 2000, kStartMs + 3000));
  std::vector<ExportSegment> segments = recording.segments;
  segments[0].from_ms = kStartMs + 2000;
  add_all(empty, segments);
  CHECK_FALSE(empty.finish());

  ExportRange range = tiny::export_range(kStartMs, kStartMs + 100'000);
  range.most_table_bytes = 70'000;
  ExportPlan small(posix_disk(), range);
  ExportPlan::Added added = ExportPlan::Added::kYes;
  for (int i = 0; i < 2000 && added == ExportPlan::Added::kYes; ++i) {
    int error = 0;
    added = small.add(recording.segments[0], &error);
  }
  CHECK(added == ExportPlan::Added::kTooLarge);
  CHECK(small.table_bytes() <= 70'000);
}

TEST_CASE("export: a pause of the sound beyond what files can say ends the plan") {
  Recording recording;
  std::vector<Fragment> made = fragments(4);
  // Four pictures of five hours each; sound only in the first and the last fragment.
  for (size_t n = 0; n < made.size(); ++n) {
    made[n].runs[0].base_time = n * 8 * 1'620'000'000ull;
    for (FragmentSample& sample : made[n].runs[0].samples) sample.duration = 1'620'000'000;
    made[n].runs[1].base_time = n * 8 * 864'000'000ull;
  }
  const ExportSegment segment =
      tiny::make_segment(recording.folder.path() + "/a.mp4", tiny::spec(kStartMs), made);
  ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + 1000));
  int error = 0;
  CHECK(plan.add(segment, &error) == ExportPlan::Added::kSoundHole);
}

TEST_CASE("export: damaged files do no harm") {
  Recording recording;
  recording.add(0, 4);
  recording.add(1280, 4);
  const File good = tiny::read_file(recording.segments[0].path);
  const size_t fragments_at = parse_segment_header({good.data(), good.size()}).layout.fragments_offset();
  std::mt19937 random(3);
  int finished = 0;
  for (int round = 0; round < 1500; ++round) {
    File bad = good;
    for (uint32_t i = 0; i <= random() % 4; ++i) {
      // Mostly in the moofs, whose bytes stand at the begin of each fragment.
      const size_t at = round % 4 == 0 ? random() % bad.size() : fragments_at + random() % 700;
      bad[at] = static_cast<uint8_t>(round % 3 == 0 ? 0xff : random());
    }
    if (round % 5 == 0) bad.resize(random() % bad.size());
    tiny::write_file(recording.segments[0].path, bad);
    ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + 2560));
    std::vector<ExportSegment> segments = recording.segments;
    if (round % 2) segments[0].from_ms = kStartMs + 300;
    bool going = true;
    for (const ExportSegment& segment : segments) {
      int error = 0;
      const auto added = plan.add(segment, &error);
      going = added == ExportPlan::Added::kYes || added == ExportPlan::Added::kUnreadable;
      if (!going) break;
    }
    if (!going || !plan.finish()) continue;
    ++finished;
    REQUIRE(plan.size_bytes() < 10 * good.size());
    tiny::play(tiny::read_all(plan));
  }
  CHECK(finished > 1000);
}

TEST_CASE("export: a moov that somebody made up does no harm") {
  Recording recording;
  recording.add(0, 2);
  const std::vector<uint8_t> good = tiny::init_bytes();
  std::mt19937 random(9);
  int finished = 0;
  for (int round = 0; round < 1500; ++round) {
    std::vector<uint8_t> init = good;
    // ftyp and the sizes of ftyp and moov stay, or the file would not be taken for a segment at all.
    const size_t moov = tiny::be(init, 0, 4);
    for (uint32_t i = 0; i <= random() % 6; ++i) {
      init[moov + 8 + random() % (init.size() - moov - 8)] =
          static_cast<uint8_t>(round % 3 ? random() : 0xff);
    }
    SegmentSpec spec = tiny::spec(kStartMs + 640);
    spec.init = init;
    const ExportSegment odd = tiny::make_segment(recording.folder.path() + "/odd.mp4", spec, fragments(2));
    ExportPlan plan(posix_disk(), tiny::export_range(kStartMs, kStartMs + 2000));
    std::vector<ExportSegment> segments = {recording.segments[0], odd};
    if (round % 2) std::reverse(segments.begin(), segments.end());
    bool going = true;
    for (const ExportSegment& segment : segments) {
      int error = 0;
      const auto added = plan.add(segment, &error);
      going = going && (added == ExportPlan::Added::kYes || added == ExportPlan::Added::kUnreadable);
      if (!going) break;
    }
    if (!going || !plan.finish()) continue;
    ++finished;
    tiny::play(tiny::read_all(plan));
  }
  CHECK(finished > 500);
}
