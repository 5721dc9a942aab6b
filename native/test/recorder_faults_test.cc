// The recorder under slow and failing disks, stepping clocks, changing parameters and plans.
#include <doctest/doctest.h>

#include <random>

#include "recorder_rig.h"

using namespace rig;

namespace {

constexpr int64_t kFrameUs = 40'000;
constexpr int kGop = 25;

/// 25 pictures a second with a key each second, and sound when asked for.
struct Camera {
  explicit Camera(Rig& rig, bool with_audio = true) : rig(rig), with_audio(with_audio) {}

  void run_until(int64_t end_us) {
    for (; now_us < end_us; now_us += 20'000) {
      if (now_us % 60'000 == 0) rig.tick(now_us);
      if (now_us % kFrameUs == 0) {
        const bool key = picture % kGop == 0;
        rig.video(picture, now_us + leap_us, now_us, key, key ? key_size : 60, key && damage_keys);
        sent_bytes += key ? key_size : 60;
        ++picture;
      }
      if (with_audio) rig.audio(sound++, now_us, now_us);
    }
  }

  Rig& rig;
  const bool with_audio;
  int64_t now_us = 0, leap_us = 0;
  uint64_t picture = 0, sound = 0, sent_bytes = 0;
  size_t key_size = 60;
  bool damage_keys = false;
};

void start(Rig& rig, bool with_audio = true, int64_t segment_ms = 600'000) {
  rig.recorder.set_plan(RecordPlan{segment_ms, 0}, rig.now_us);
  rig.begin(with_audio);
}

void check_borders(const Rig& rig) {
  const std::vector<File>& files = rig.writer.files;
  for (size_t i = 0; i < files.size(); ++i) {
    if (files[i].pieces.empty()) continue;
    CHECK(files[i].pieces[0].begins_with_key);
    if (i + 1 == files.size()) continue;
    if (files[i + 1].spec.identity.clock_generation != files[i].spec.identity.clock_generation) continue;
    CHECK(files[i + 1].spec.identity.start_ms >=
          (files[i].closed ? files[i].end_ms : files[i].spec.identity.start_ms));
  }
}

}  // namespace

TEST_CASE("recorder: a disk that is too slow costs whole GOPs, told once, and recording resumes at a key") {
  Rig rig;
  Camera camera(rig);
  start(rig);
  camera.run_until(5'500'000);
  rig.writer.full = true;
  rig.writer.counters_.queued_bytes = 8u << 20;
  camera.run_until(9'500'000);
  CHECK(rig.losses.size() == 1);
  CHECK(rig.writer.files.size() == 1);
  rig.writer.full = false;
  // Not before the queue has gone down.
  camera.run_until(11'500'000);
  CHECK(rig.writer.files.size() == 1);
  rig.writer.counters_.queued_bytes = 0;
  camera.run_until(15'000'000);
  rig.recorder.end_session(EndReason::kStop);
  rig.tick(15'000'000);

  REQUIRE(rig.writer.files.size() == 2);
  CHECK(rig.losses.size() == 1);
  const File& before = rig.writer.files[0];
  const File& after = rig.writer.files[1];
  CHECK(before.closed);
  CHECK(after.reason == EndReason::kStop);
  const std::vector<uint64_t> recorded = numbers(rig, true);
  std::vector<uint64_t> expected = range(0, 125);
  for (const uint64_t n : range(300, 375)) expected.push_back(n);
  CHECK(recorded == expected);
  CHECK(before.end_ms == Rig::utc_ms(5'000'000));
  CHECK(rig.losses[0].start_ms == Rig::utc_ms(5'000'000));
  CHECK(after.spec.identity.start_ms == Rig::utc_ms(12'000'000));
  // Every byte of a picture is in a file or counted; the sound of the refused fragment is too.
  uint64_t kept = 0;
  for (const File& file : rig.writer.files) file.each(true, [&](const Sample& s) { kept += s.sample.size; });
  const uint64_t dropped = rig.recorder.counters().dropped_bytes;
  CHECK(kept + dropped >= camera.sent_bytes);
  CHECK(kept + dropped <= camera.sent_bytes + 60 * 16);
  check_borders(rig);
}

TEST_CASE("recorder: a writer that refuses at random never makes it lose order or begin without a key") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    Rig rig;
    Camera camera(rig, round % 2 == 0);
    start(rig, round % 2 == 0, 5000);
    size_t refusals = 0;
    for (int64_t at_us = 0; at_us < 60'000'000; at_us += 500'000) {
      const bool was = rig.writer.full;
      rig.writer.full = random() % 4 == 0;
      if (rig.writer.full && !was) ++refusals;
      camera.run_until(at_us);
    }
    rig.writer.full = false;
    camera.run_until(66'000'000);
    rig.recorder.end_session(EndReason::kStop);
    const std::vector<uint64_t> recorded = numbers(rig, true);
    for (size_t i = 1; i < recorded.size(); ++i) {
      REQUIRE(recorded[i] > recorded[i - 1]);
      if (recorded[i] != recorded[i - 1] + 1) REQUIRE(recorded[i] % kGop == 0);
    }
    const std::vector<uint64_t> sound = numbers(rig, false);
    for (size_t i = 1; i < sound.size(); ++i) REQUIRE(sound[i] > sound[i - 1]);
    CHECK(recorded.back() == camera.picture - 1);
    CHECK(rig.losses.size() <= refusals);
    CHECK((recorded.size() == camera.picture) == rig.losses.empty());
    for (const File& file : rig.writer.files) CHECK(file.closed);
    check_borders(rig);
  }
}

TEST_CASE("recorder: a failed segment is tried again later, and is no slow disk") {
  for (const bool refused_first : {false, true}) {
    CAPTURE(refused_first);
    Rig rig;
    Camera camera(rig);
    start(rig);
    camera.run_until(3'300'000);
    rig.writer.files[0].failed = true;
    // The next fragment may meet the failure before its news arrive.
    if (refused_first) camera.run_until(4'050'000);
    CHECK((rig.recorder.open_handle() == 0) == refused_first);
    rig.recorder.on_segment_failed(1, rig.now_us + 5'000'000);
    CHECK(rig.recorder.open_handle() == 0);
    camera.run_until(8'200'000);
    CHECK(rig.writer.files.size() == 1);
    CHECK(rig.recorder.counters().dropped_bytes > 4 * kGop * 60);
    camera.run_until(12'000'000);
    rig.recorder.end_session(EndReason::kStop);
    REQUIRE(rig.writer.files.size() == 2);
    CHECK(rig.losses.empty());
    CHECK(numbers(rig, true).back() == camera.picture - 1);
    CHECK(rig.writer.files[1].spec.identity.start_ms >= Rig::utc_ms(8'300'000));
    check_borders(rig);
  }
}

TEST_CASE("recorder: the failure of a closing segment does not touch the open one") {
  Rig rig;
  Camera camera(rig, false);
  camera.rig.recorder.set_plan(RecordPlan{5000, 0}, rig.now_us);
  rig.begin(true);
  // Pictures only, after a little sound: the closing segment waits for more.
  for (int i = 0; i < 100; ++i) rig.audio(static_cast<uint64_t>(i), i * 21'333, 0);
  camera.run_until(5'300'000);
  REQUIRE(rig.writer.files.size() == 1);
  CHECK_FALSE(rig.writer.files[0].closed);
  CHECK(rig.recorder.files_pending());
  rig.recorder.on_segment_failed(1, rig.now_us + 5'000'000);
  camera.run_until(7'000'000);
  rig.recorder.end_session(EndReason::kStop);
  REQUIRE(rig.writer.files.size() == 2);
  CHECK_FALSE(rig.writer.files[0].closed);
  CHECK(rig.writer.files[1].spec.identity.start_ms == Rig::utc_ms(5'000'000));
}

TEST_CASE("recorder: a step of the clock ends the segment at the next key and raises the generation") {
  for (const int64_t step_us : {-3'600'000'000LL, 86'400'000'000LL}) {
    CAPTURE(step_us);
    Rig rig;
    Camera camera(rig);
    start(rig);
    camera.run_until(3'500'000);
    REQUIRE(rig.clock.update(Rig::kRealtimeUs + 3'500'000 + step_us, Rig::kStartUs + 3'500'000) == step_us);
    rig.recorder.on_clock_step();
    camera.run_until(7'000'000);
    rig.recorder.end_session(EndReason::kStop);
    REQUIRE(rig.writer.files.size() == 2);
    const SegmentIdentity& old = rig.writer.files[0].spec.identity;
    const SegmentIdentity& fresh = rig.writer.files[1].spec.identity;
    CHECK(rig.writer.files[0].reason == EndReason::kClockStep);
    CHECK(rig.writer.files[0].end_ms == Rig::utc_ms(4'000'000));
    CHECK(fresh.clock_generation == old.clock_generation + 1);
    CHECK(fresh.start_ms == Rig::utc_ms(4'000'000) + step_us / 1000);
    CHECK(numbers(rig, true) == range(0, camera.picture));
  }
}

TEST_CASE("recorder: refused at once after a step back, the next file does not lie in the old time") {
  Rig rig;
  Camera camera(rig);
  start(rig);
  camera.run_until(3'500'000);
  const int64_t step_us = -3'600'000'000;
  rig.clock.update(Rig::kRealtimeUs + 3'500'000 + step_us, Rig::kStartUs + 3'500'000);
  rig.recorder.on_clock_step();
  camera.run_until(4'100'000);
  rig.writer.full = true;
  camera.run_until(6'100'000);
  rig.writer.full = false;
  camera.run_until(12'000'000);
  rig.recorder.end_session(EndReason::kStop);
  const SegmentIdentity& last = rig.writer.files.back().spec.identity;
  CHECK(last.start_ms < Rig::utc_ms(12'000'000) + step_us / 1000);
  CHECK(last.start_ms >= Rig::utc_ms(5'000'000) + step_us / 1000);
}

TEST_CASE("recorder: new parameters end the segment, whatever the size of the picture") {
  Rig rig;
  Camera camera(rig);
  start(rig);
  camera.run_until(3'980'000);
  rig.parameters(true, 64);
  camera.run_until(6'000'000);
  rig.recorder.end_session(EndReason::kStop);
  REQUIRE(rig.writer.files.size() == 2);
  CHECK(rig.writer.files[0].reason == EndReason::kParameters);
  CHECK(rig.writer.files[0].end_ms == Rig::utc_ms(4'000'000));
  CHECK(numbers(rig, true) == range(0, camera.picture));
}

TEST_CASE("recorder: parameters that libavformat refuses are told once and cost no file") {
  Rig rig;
  Camera camera(rig, false);
  rig.recorder.set_plan(RecordPlan{}, rig.now_us);
  rig.begin(false);
  VideoParameters broken = tiny::video_parameters();
  broken.codec = rtsp::Codec::kUnknown;
  rig.recorder.set_parameters(broken, nullptr);
  camera.run_until(1'500'000);
  CHECK_FALSE(rig.recorder.take_init_error().empty());
  camera.run_until(10'000'000);
  CHECK(rig.recorder.take_init_error().empty());
  CHECK(rig.writer.files.empty());
  CHECK(rig.recorder.counters().dropped_bytes == camera.sent_bytes);
  rig.parameters(false, 64);
  camera.run_until(12'000'000);
  rig.recorder.end_session(EndReason::kStop);
  CHECK(rig.writer.files.size() == 1);
}

TEST_CASE("recorder: sound that libavformat refuses is left out, told once, and the pictures go on") {
  Rig rig;
  Camera camera(rig);
  start(rig, true, 5000);
  AudioParameters broken = tiny::audio_parameters();
  broken.channels = 99;
  rig.recorder.set_parameters(tiny::video_parameters(), &broken);
  camera.run_until(2'500'000);
  CHECK_FALSE(rig.recorder.take_init_error().empty());
  camera.run_until(14'000'000);
  rig.recorder.end_session(EndReason::kStop);
  CHECK(rig.recorder.take_init_error().empty());
  CHECK(rig.writer.files.size() == 3);
  CHECK(numbers(rig, true) == range(0, camera.picture));
  CHECK(numbers(rig, false).empty());
}

TEST_CASE("recorder: a jump of the camera's time cuts at the next key and leaves no long sample") {
  Rig rig;
  Camera camera(rig);
  start(rig, true, 10'000);
  camera.run_until(3'500'000);
  camera.leap_us = 36'000'000'000;
  camera.run_until(30'000'000);
  rig.recorder.end_session(EndReason::kStop);
  CHECK(rig.writer.files[0].reason == EndReason::kTimestampJump);
  CHECK(numbers(rig, true) == range(0, camera.picture));
  for (const File& file : rig.writer.files) {
    file.each(true, [](const Sample& sample) { REQUIRE(sample.sample.duration <= 9000); });
  }
  // The length counts on the continued line.
  REQUIRE(rig.writer.files.size() == 4);
  CHECK(rig.writer.files[1].end_ms - rig.writer.files[1].spec.identity.start_ms == 10'000);
  check_borders(rig);
}

TEST_CASE("recorder: damaged keyframes begin nothing") {
  Rig rig;
  Camera camera(rig);
  start(rig, true, 5000);
  camera.damage_keys = true;
  camera.run_until(2'500'000);
  CHECK(rig.writer.files.empty());
  camera.damage_keys = false;
  camera.run_until(7'500'000);
  camera.damage_keys = true;
  camera.run_until(12'500'000);
  camera.damage_keys = false;
  camera.run_until(14'000'000);
  rig.recorder.end_session(EndReason::kStop);
  REQUIRE(rig.writer.files.size() == 2);
  CHECK(rig.writer.files[0].spec.identity.start_ms == Rig::utc_ms(3'000'000));
  // Damaged pictures are recorded, but are no place to begin.
  CHECK(rig.writer.files[0].end_ms == Rig::utc_ms(13'000'000));
  CHECK(numbers(rig, true) == range(75, camera.picture));
}

TEST_CASE("recorder: switched on it begins with the newest key in memory; never twice the same picture") {
  Rig rig;
  Camera camera(rig);
  rig.begin(true);
  camera.run_until(4'600'000);
  CHECK(rig.writer.files.empty());
  rig.recorder.set_plan(RecordPlan{600'000, 0}, rig.now_us);
  camera.run_until(7'300'000);
  rig.recorder.set_plan(std::nullopt, rig.now_us);
  CHECK(rig.writer.files[0].reason == EndReason::kMode);
  CHECK_FALSE(rig.recorder.recording());
  rig.recorder.set_plan(RecordPlan{600'000, 0}, rig.now_us);
  camera.run_until(9'700'000);
  rig.recorder.set_plan(std::nullopt, rig.now_us);
  camera.run_until(11'500'000);
  rig.recorder.set_plan(RecordPlan{600'000, 0}, rig.now_us);
  camera.run_until(13'000'000);
  rig.recorder.end_session(EndReason::kStop);

  REQUIRE(rig.writer.files.size() == 3);
  // 4.0 s to 7.28 s; from the key at 8.0 s on; then from that at 11.0 s.
  std::vector<uint64_t> expected = range(100, 183);
  for (const uint64_t n : range(200, 243)) expected.push_back(n);
  for (const uint64_t n : range(275, 325)) expected.push_back(n);
  CHECK(numbers(rig, true) == expected);
  CHECK(rig.writer.files[0].spec.identity.start_ms == Rig::utc_ms(4'000'000));
  CHECK(rig.writer.files[2].spec.identity.start_ms == Rig::utc_ms(11'000'000));
  CHECK(rig.recorder.counters().late_audio_units == 0);
  CHECK(rig.recorder.counters().dropped_bytes == 0);
  check_borders(rig);
  for (const File& file : rig.writer.files) {
    size_t sound = 0;
    file.each(false, [&](const Sample&) { ++sound; });
    CHECK(sound >= 40);
  }
}

TEST_CASE("recorder: a shorter plan holds for the open segment too") {
  Rig rig;
  Camera camera(rig);
  start(rig, true, 600'000);
  camera.run_until(8'500'000);
  rig.recorder.set_plan(RecordPlan{5000, 0}, rig.now_us);
  camera.run_until(14'500'000);
  rig.recorder.end_session(EndReason::kStop);
  REQUIRE(rig.writer.files.size() == 3);
  CHECK(rig.writer.files[0].end_ms == Rig::utc_ms(9'000'000));
  CHECK(rig.writer.files[1].end_ms == Rig::utc_ms(14'000'000));
}

TEST_CASE("recorder: only the first segment of a session is shorter, by the stagger") {
  Rig rig;
  Camera camera(rig);
  rig.recorder.set_plan(RecordPlan{6000, 2000}, rig.now_us);
  rig.begin(true);
  camera.run_until(17'000'000);
  rig.recorder.end_session(EndReason::kStop);
  REQUIRE(rig.writer.files.size() == 4);
  CHECK(rig.writer.files[0].end_ms == Rig::utc_ms(4'000'000));
  CHECK(rig.writer.files[1].end_ms == Rig::utc_ms(10'000'000));
}

TEST_CASE("recorder: a new session never begins before the last footage ended") {
  Rig rig;
  Camera camera(rig, false);
  start(rig, false);
  camera.run_until(5'000'000);
  rig.recorder.end_session(EndReason::kReconnect);
  CHECK(rig.writer.files[0].reason == EndReason::kReconnect);
  const int64_t end_ms = rig.writer.files[0].end_ms;
  CHECK(end_ms == Rig::utc_ms(5'000'000));
  // The camera sends its last three seconds at once.
  rig.begin(false);
  for (int i = 0; i < 200; ++i) {
    rig.video(1000 + static_cast<uint64_t>(i), i * kFrameUs,
              std::max<int64_t>(5'100'000 + i, 2'200'000 + i * kFrameUs), i % kGop == 0);
  }
  rig.recorder.end_session(EndReason::kStop);
  REQUIRE(rig.writer.files.size() == 2);
  CHECK(rig.writer.files[1].spec.identity.start_ms == end_ms);
}

TEST_CASE("recorder: a camera that falls silent leaves nothing in memory") {
  Rig rig;
  Camera camera(rig);
  start(rig);
  camera.run_until(3'300'000);
  CHECK(numbers(rig, true).size() == 75);
  for (int64_t at_us = 3'300'000; at_us < 5'000'000; at_us += 50'000) rig.tick(at_us);
  CHECK(numbers(rig, true) == range(0, camera.picture));
  // And goes on in the same segment.
  camera.now_us = 7'000'000;
  camera.run_until(9'000'000);
  rig.recorder.end_session(EndReason::kStop);
  CHECK(rig.writer.files.size() == 1);
  CHECK(numbers(rig, true) == range(0, camera.picture));
}

TEST_CASE("recorder: large pictures are handed over before they fill the memory") {
  Rig rig;
  Camera camera(rig, false);
  start(rig, false);
  camera.key_size = 900'000;
  // A key in each picture.
  for (int i = 0; i < 50; ++i)
    rig.video(static_cast<uint64_t>(i), i * kFrameUs, i * kFrameUs, i == 0, 900'000);
  rig.recorder.end_session(EndReason::kStop);
  CHECK(numbers(rig, true) == range(0, 50));
  for (const Piece& piece : rig.writer.files[0].pieces) CHECK(piece.video.size() <= 3);
}

TEST_CASE("recorder: what is handed over lives on without the ring") {
  Rig rig(1u << 20);
  Camera camera(rig);
  start(rig, true, 5000);
  camera.key_size = 200'000;
  camera.run_until(60'000'000);
  rig.recorder.end_session(EndReason::kStop);
  CHECK(numbers(rig, true) == range(0, camera.picture));
  rig.ring.clear();
  CHECK(rig.ring.bytes() <= 3 * 65536 + 3 * 16384);
}
