// Where the recorder cuts, and that nothing is lost or doubled there, over random cameras.
#include <doctest/doctest.h>

#include <random>

#include "recorder_rig.h"

using namespace rig;

namespace {

/// A camera that goes on for `seconds`.
struct Scene {
  int64_t frame_us = 40'000;
  int gop = 25;
  int b_pictures = 0;
  bool audio = true;           ///< announced
  int64_t audio_begin_us = 0;  ///< in the camera's time; the picture begins at 0
  int64_t audio_end_us = INT64_MAX;
  int64_t audio_delay_us = 0;  ///< of its arrival
  int64_t jitter_us = 0;
  int64_t seconds = 20;
  int64_t segment_ms = 5000;
};

struct Unit {
  int64_t arrival_us;
  bool video;
  uint64_t number;
  int64_t at_us;
  bool key;
};

/// All that the camera sends, by arrival. Pictures are numbered in decode order.
std::vector<Unit> script(const Scene& scene, std::mt19937& random) {
  std::vector<Unit> units;
  const int64_t end_us = scene.seconds * 1'000'000;
  const auto jitter = [&] {
    return scene.jitter_us > 0 ? static_cast<int64_t>(random() % scene.jitter_us) : 0;
  };
  int64_t least_us = 0;
  uint64_t number = 0;
  const auto send = [&](int64_t display, bool key) {
    // Sent when the encoder has it, in order.
    least_us = std::max(least_us + 1, static_cast<int64_t>(number) * scene.frame_us + jitter());
    units.push_back({least_us, true, number++, display * scene.frame_us, key});
  };
  for (int64_t display = 0; display * scene.frame_us < end_us; display += scene.gop) {
    send(display, true);
    for (int64_t i = 1; i < scene.gop;) {
      const int64_t ahead = std::min<int64_t>(scene.b_pictures, scene.gop - 1 - i);
      send(display + i + ahead, false);
      for (int64_t b = 0; b < ahead; ++b) send(display + i + b, false);
      i += ahead + 1;
    }
  }
  least_us = INT64_MIN;
  for (uint64_t i = 0; scene.audio; ++i) {
    const int64_t at_us = scene.audio_begin_us + static_cast<int64_t>(i) * 1024 * 1'000'000 / 48000;
    if (at_us >= end_us || at_us >= scene.audio_end_us) break;
    least_us = std::max(least_us + 1, at_us + scene.audio_delay_us + jitter());
    units.push_back({least_us, false, i, at_us, true});
  }
  std::stable_sort(units.begin(), units.end(),
                   [](const Unit& a, const Unit& b) { return a.arrival_us < b.arrival_us; });
  return units;
}

std::vector<Unit> run(Rig& rig, const Scene& scene, std::mt19937& random) {
  rig.recorder.set_plan(RecordPlan{scene.segment_ms, 0}, rig.now_us);
  rig.begin(scene.audio, scene.b_pictures > 0 ? 1 : 0, scene.frame_us * 9 / 100);
  std::vector<Unit> units = script(scene, random);
  int64_t tick_us = 0;
  for (const Unit& unit : units) {
    for (; tick_us < unit.arrival_us; tick_us += 50'000) rig.tick(tick_us);
    if (unit.video) {
      rig.video(unit.number, unit.at_us, unit.arrival_us, unit.key, 20 + random() % 400);
    } else {
      rig.audio(unit.number, unit.at_us, unit.arrival_us);
    }
  }
  rig.recorder.end_session(EndReason::kStop);
  return units;
}

/// Every fragment: cut at a key once half a second is full, after one second in any case, contiguous.
void check_fragments(const File& file, const Scene& scene) {
  REQUIRE_FALSE(file.pieces.empty());
  CHECK(file.pieces[0].begins_with_key);
  CHECK(file.pieces[0].base == 0);
  int64_t next = 0;
  const int64_t frame = scene.frame_us * 9 / 100;
  for (size_t i = 0; i < file.pieces.size(); ++i) {
    const Piece& piece = file.pieces[i];
    if (piece.video.empty()) continue;
    CHECK(std::abs(piece.base - next) <= 1);
    next = piece.base + piece.duration90k;
    CHECK(piece.duration90k <= std::max<int64_t>(90000 + frame, 2 * frame));
    const bool last = i + 1 == file.pieces.size() || file.pieces[i + 1].video.empty();
    if (!last) CHECK(piece.duration90k >= 45000 - frame);
    int64_t from = 0;
    for (const Sample& sample : piece.video) {
      // While it is not known whether there is sound, the first fragment may pass a key.
      if (sample.sample.key && from > 0 && i > 0) CHECK(from < 45000);
      from += sample.sample.duration;
    }
  }
}

/// Distance of each sample's place in the file to its moment at the camera, in microseconds.
int64_t offset_us(const Sample& sample, const std::map<uint64_t, int64_t>& moments, int64_t rate) {
  return ticks_to_us(sample.file_time, rate) - moments.at(sample.number);
}

void check_all(const Rig& rig, const Scene& scene, const std::vector<Unit>& units) {
  std::map<uint64_t, int64_t> video_at, audio_at;
  for (const Unit& unit : units) (unit.video ? video_at : audio_at)[unit.number] = unit.at_us;
  CHECK(numbers(rig, true) == range(0, video_at.size()));
  CHECK(rig.recorder.counters().dropped_bytes == 0);
  CHECK(rig.recorder.counters().late_audio_units == 0);
  CHECK(rig.losses.empty());

  const std::vector<File>& files = rig.writer.files;
  uint64_t first_sound = UINT64_MAX, sounds = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    const File& file = files[i];
    CHECK(file.closed);
    check_fragments(file, scene);
    const int64_t first_us = video_at.at(file.pieces[0].video[0].number);
    const bool last = i + 1 == files.size();
    const int64_t border_us = last ? INT64_MAX : video_at.at(files[i + 1].pieces[0].video[0].number);
    CHECK(file.end_ms > file.spec.identity.start_ms);
    if (last) {
      CHECK(file.reason == EndReason::kStop);
    } else {
      CHECK(files[i + 1].spec.identity.start_ms == file.end_ms);
      if (file.reason == EndReason::kLength) {
        CHECK(border_us - first_us >= scene.segment_ms * 1000);
        CHECK(border_us - first_us < scene.segment_ms * 1000 + scene.gop * scene.frame_us);
      } else {
        // Only sound that began late ends one earlier.
        CHECK(file.reason == EndReason::kParameters);
        CHECK(scene.audio_begin_us > 0);
      }
    }
    std::optional<int64_t> video_offset;
    file.each(true, [&](const Sample& sample) {
      const int64_t offset = offset_us(sample, video_at, 90000);
      if (!video_offset) video_offset = offset;
      REQUIRE(std::abs(offset - *video_offset) <= 30);
    });
    file.each(false, [&](const Sample& sample) {
      REQUIRE(std::abs(offset_us(sample, audio_at, 48000) - *video_offset) <= 1000);
      const int64_t at_us = audio_at.at(sample.number);
      REQUIRE(at_us >= first_us - 30);
      if (!last) REQUIRE(at_us <= border_us + 30);
      // Nothing missing in between, nothing twice.
      if (first_sound == UINT64_MAX) first_sound = sample.number;
      REQUIRE(sample.number == first_sound + sounds++);
    });
  }
  if (!scene.audio || audio_at.empty()) {
    CHECK(sounds == 0);
    return;
  }
  // All sound from the first file with a sound track on.
  CHECK(first_sound + sounds == audio_at.size());
  if (scene.audio_begin_us + scene.audio_delay_us < 300'000) {
    CHECK(audio_at.at(first_sound) <= 22'000);
    if (first_sound > 0) CHECK(audio_at.at(first_sound - 1) < 30);
  }
}

}  // namespace

TEST_CASE("recorder: no picture or sound is lost or doubled at borders, over random cameras") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 60; ++round) {
    Scene scene;
    const int64_t frames[] = {16'667, 20'000, 33'333, 40'000, 66'667, 100'000, 200'000};
    scene.frame_us = frames[random() % std::size(frames)];
    scene.gop = 1 + static_cast<int>(random() % 80);
    scene.b_pictures = random() % 3 == 0 ? 1 + static_cast<int>(random() % 3) : 0;
    scene.seconds = 12 + random() % 20;
    scene.segment_ms = 5000 + random() % 3 * 1500;
    scene.jitter_us = random() % 2 ? random() % 30'000 : 0;
    switch (random() % 6) {
      case 0:
        scene.audio = false;
        break;
      case 1:
        scene.audio_begin_us = 500'000;
        break;
      case 2:
        scene.audio_begin_us = -200'000;
        break;
      case 3:
        scene.audio_begin_us = 3'000'000;
        // It gets a file at a keyframe, which has to come.
        scene.seconds += static_cast<int>(scene.gop * scene.frame_us / 1'000'000);
        break;
      case 4:
        scene.audio_end_us = 2'000'000 + static_cast<int64_t>(random() % 8'000'000);
        break;
      default:
        scene.audio_delay_us = random() % 400'000;
        break;
    }
    CAPTURE(round);
    CAPTURE(scene.frame_us);
    CAPTURE(scene.gop);
    CAPTURE(scene.b_pictures);
    CAPTURE(scene.audio);
    CAPTURE(scene.audio_begin_us);
    CAPTURE(scene.audio_end_us);
    CAPTURE(scene.audio_delay_us);
    CAPTURE(scene.jitter_us);
    Rig rig;
    const std::vector<Unit> units = run(rig, scene, random);
    check_all(rig, scene, units);
  }
}

TEST_CASE("recorder: five minutes in three segments, sound within a millisecond") {
  std::mt19937 random(1);
  for (const int64_t begin_us : {500'000, -200'000}) {
    Scene scene;
    scene.b_pictures = 2;
    scene.gop = 50;
    scene.audio_begin_us = begin_us;
    scene.seconds = 300;
    scene.segment_ms = 100'000;
    Rig rig;
    const std::vector<Unit> units = run(rig, scene, random);
    check_all(rig, scene, units);
    CHECK(rig.writer.files.size() == 3);
    CHECK(rig.writer.files[0].spec.codecs == "avc1.42c00a,mp4a.40.2");
  }
}

TEST_CASE("recorder: sound announced and never sent makes files without a sound track") {
  std::mt19937 random(1);
  Scene scene;
  scene.audio_end_us = 0;
  Rig rig;
  check_all(rig, scene, run(rig, scene, random));
  CHECK(rig.writer.files[0].spec.codecs == "avc1.42c00a");
}

TEST_CASE("recorder: sound that begins after 3 s gets a new file at the next keyframe, once") {
  std::mt19937 random(1);
  Scene scene;
  scene.audio_begin_us = 3'000'000;
  scene.segment_ms = 60'000;
  Rig rig;
  check_all(rig, scene, run(rig, scene, random));
  REQUIRE(rig.writer.files.size() == 2);
  CHECK(rig.writer.files[0].reason == EndReason::kParameters);
  CHECK(rig.writer.files[1].spec.identity.start_ms - rig.writer.files[0].spec.identity.start_ms == 4000);
}

TEST_CASE("recorder: a closing segment waits half a second for its sound, not longer") {
  std::mt19937 random(1);
  Scene scene;
  scene.gop = 125;
  scene.audio_delay_us = 700'000;
  scene.seconds = 21;
  Rig rig;
  const std::vector<Unit> units = run(rig, scene, random);
  // 0.7 s behind: what comes after half a second is counted and left out, at each border.
  CHECK(numbers(rig, true).size() == 525 + 100);
  const uint64_t late = rig.recorder.counters().late_audio_units;
  CHECK(late >= 3 * 7);
  CHECK(late <= 4 * 14);
  CHECK(rig.writer.files.size() == 5);
}
