// The seconds before an event: that they are there, whatever the camera's rhythm, and that footage of events
// neither overlaps nor loses a picture.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "recorder_rig.h"

using namespace rig;

namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kLatencyUs = 2 * kSecond;

/// A camera whose pictures are known in advance; numbered in decode order.
struct Camera {
  struct Picture {
    uint64_t number;
    int64_t at_us, arrival_us;
    bool key;
  };
  Rig& rig;
  bool sound = true;
  int64_t frame_us = 40'000;
  int gop = 25, b_pictures = 0;
  int64_t uneven_us = 0;  ///< frame times vary by up to that much
  int64_t delay_us = 0;   ///< pictures arrive up to that much late
  size_t picture_bytes = 60;
  std::mt19937 random{1};
  std::vector<Picture> pictures{};
  std::vector<Picture> waiting{};  ///< of the GOP that is being sent, by arrival
  int64_t display_us = 0, now_us = 0, tick_us = 0;
  uint64_t sounds = 0;

  void encode_gop() {
    std::vector<int64_t> times;
    for (int i = 0; i < gop; ++i) {
      times.push_back(display_us);
      display_us += frame_us + (uneven_us > 0 ? static_cast<int64_t>(random() % uneven_us) : 0);
    }
    const auto send = [&](int i, int64_t arrival_us) {
      pictures.push_back({pictures.size(), times[static_cast<size_t>(i)], arrival_us, i == 0});
      waiting.push_back(pictures.back());
    };
    const auto delay = [&] { return delay_us > 0 ? static_cast<int64_t>(random() % delay_us) : 0; };
    send(0, times[0] + delay());
    for (int i = 1; i < gop;) {
      const int ahead = std::min(b_pictures, gop - 1 - i);
      const int64_t there_us = times[static_cast<size_t>(i + ahead)] + delay();
      send(i + ahead, there_us);
      for (int b = 0; b < ahead; ++b) send(i + b, there_us + 1000 * (b + 1));
      i += ahead + 1;
    }
  }
  void run_until(int64_t end_us) {
    while (true) {
      if (waiting.empty()) encode_gop();
      const Picture next = waiting.front();
      const int64_t sound_us = sound ? static_cast<int64_t>(sounds) * 1024 * kSecond / 48000 : INT64_MAX;
      const int64_t first_us = std::min({next.arrival_us, sound_us, tick_us});
      if (first_us > end_us) break;
      now_us = first_us;
      if (tick_us == first_us) {
        rig.tick(tick_us);
        tick_us += 50'000;
      } else if (sound_us == first_us) {
        rig.audio(sounds++, sound_us, sound_us);
      } else {
        rig.video(next.number, next.at_us, next.arrival_us, next.key, picture_bytes);
        waiting.erase(waiting.begin());
      }
    }
    now_us = end_us;
    rig.now_us = std::max(rig.now_us, Rig::kStartUs + end_us);
  }
  /// A trigger whose cause was at `cause_us`, told now.
  void capture(int64_t cause_us, int64_t pre_us, int64_t post_us) {
    rig.recorder.capture(Rig::kStartUs + cause_us - pre_us, Rig::kStartUs + cause_us + post_us, rig.now_us);
  }
};

void begin(Rig& rig, const Camera& camera, int64_t pre_us) {
  rig.ring.set_hold((pre_us + kLatencyUs) * 9 / 100);
  rig.recorder.set_plan(RecordPlan{600'000, 0, true}, rig.now_us);
  rig.begin(camera.sound, camera.b_pictures > 0 ? 1 : 0, camera.frame_us * 9 / 100);
}

/// Numbers of the pictures of one file.
std::vector<uint64_t> pictures_of(const File& file) {
  std::vector<uint64_t> found;
  file.each(true, [&](const Sample& sample) { found.push_back(sample.number); });
  return found;
}

}  // namespace

TEST_CASE("capture: what was promised before a trigger is delivered, 200 triggers on 200 cameras") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    Rig rig(64u << 20);
    Camera camera{rig};
    camera.random.seed(random());
    const int rate = std::vector<int>{15, 25, 30, 8}[random() % 4];
    camera.frame_us = kSecond / rate;
    camera.uneven_us = random() % 3 == 0 ? camera.frame_us : 0;
    camera.gop = rate * (1 + static_cast<int>(random() % 10));
    camera.b_pictures = static_cast<int>(random() % 3);
    camera.sound = random() % 2 == 0;
    const int64_t pre_us = (5 + static_cast<int64_t>(random() % 26)) * kSecond;
    const int64_t post_us = static_cast<int64_t>(random() % 10) * kSecond;
    const int64_t late_us = static_cast<int64_t>(random() % 1'900'000);
    CAPTURE(rate);
    CAPTURE(camera.gop);
    CAPTURE(camera.b_pictures);
    CAPTURE(pre_us);
    begin(rig, camera, pre_us);
    camera.run_until(60 * kSecond + static_cast<int64_t>(random() % 30'000'000));
    CHECK(rig.writer.files.empty());
    const int64_t cause_us = camera.now_us - late_us;
    camera.capture(cause_us, pre_us, post_us);
    const int64_t longest_gop_us = camera.gop * (camera.frame_us + camera.uneven_us);
    camera.run_until(cause_us + post_us + longest_gop_us + 3 * kSecond);
    rig.recorder.end_session(EndReason::kStop);

    REQUIRE(rig.writer.files.size() == 1);
    const File& file = rig.writer.files[0];
    CHECK(file.closed);
    CHECK(file.reason == EndReason::kMode);
    CHECK(file.pieces[0].begins_with_key);
    const std::vector<uint64_t> numbers = pictures_of(file);
    CHECK(numbers == range(numbers.front(), numbers.back() + 1));
    const auto& first = camera.pictures[numbers.front()];
    REQUIRE(first.key);
    const int64_t from_us = cause_us - pre_us;
    CHECK(first.at_us <= from_us);
    // The next keyframe would have been too late.
    size_t next_key = numbers.front() + 1;
    while (!camera.pictures[next_key].key) ++next_key;
    CHECK(camera.pictures[next_key].at_us + 2000 > from_us);
    CHECK(std::llabs(file.spec.identity.start_ms - Rig::utc_ms(first.at_us)) <= 2);
    // It ends before the first keyframe behind the post-roll.
    CHECK(camera.pictures[numbers.back() + 1].key);
    CHECK(camera.pictures[numbers.back() + 1].at_us + 2000 > cause_us + post_us);
    CHECK(file.end_ms >= Rig::utc_ms(cause_us + post_us) - 2);
    if (!camera.sound) continue;
    size_t sounds = 0;
    int64_t first_sound = INT64_MAX;
    file.each(false, [&](const Sample& sample) {
      first_sound = std::min(first_sound, sample.file_time);
      ++sounds;
    });
    const int64_t expected = (file.end_ms - file.spec.identity.start_ms) * 48 / 1024;
    CHECK(std::llabs(static_cast<int64_t>(sounds) - expected) <= 2);
    CHECK(first_sound <= 2 * 1024 + 2 * 48 * camera.frame_us / 1000);
  }
}

TEST_CASE("capture: the ring holds what it must and hardly more, and stays so over 10,000 triggers") {
  Rig rig(64u << 20);
  Camera camera{rig, false};
  camera.gop = 50;
  camera.picture_bytes = 10'000;
  const int64_t pre_us = 10 * kSecond;
  begin(rig, camera, pre_us);
  camera.run_until(60 * kSecond);
  const size_t needed =
      static_cast<size_t>((pre_us + kLatencyUs + 2 * kSecond) / camera.frame_us) * camera.picture_bytes;
  size_t most = 0;
  for (int i = 0; i < 10'000; ++i) {
    camera.run_until(camera.now_us + camera.frame_us);
    if (i % 3 != 0) camera.capture(camera.now_us, pre_us, 3 * kSecond);
    rig.writer.files.resize(std::min<size_t>(rig.writer.files.size(), 1));
    for (File& file : rig.writer.files) file.pieces.clear();
    most = std::max(most, rig.ring.bytes());
  }
  CHECK(most <= needed + needed / 10);
  CHECK(rig.writer.files.size() == 1);
}

TEST_CASE("capture: later triggers extend, and nothing is written twice") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 40; ++round) {
    Rig rig(64u << 20);
    Camera camera{rig, round % 2 == 0};
    camera.gop = 10 + static_cast<int>(random() % 60);
    const int64_t pre_us = 8 * kSecond;
    begin(rig, camera, pre_us);
    struct Wanted {
      int64_t from_us, until_us;
    };
    std::vector<Wanted> wanted;
    camera.run_until(30 * kSecond);
    int64_t last_us = 0;
    while (camera.now_us < 200 * kSecond) {
      camera.run_until(camera.now_us + static_cast<int64_t>(random() % 15'000'000));
      const int64_t post_us = static_cast<int64_t>(random() % 6'000'000);
      last_us = std::max(last_us, camera.now_us + post_us);
      camera.capture(camera.now_us, pre_us, last_us - camera.now_us);
      wanted.push_back({camera.now_us - pre_us, camera.now_us + post_us});
    }
    camera.run_until(camera.now_us + 20 * kSecond);
    rig.recorder.end_session(EndReason::kStop);

    std::vector<uint64_t> recorded;
    for (size_t i = 0; i < rig.writer.files.size(); ++i) {
      const File& file = rig.writer.files[i];
      for (const uint64_t number : pictures_of(file)) recorded.push_back(number);
      CHECK(file.closed);
      CHECK(file.reason == EndReason::kMode);
      if (i == 0) continue;
      const File& before = rig.writer.files[i - 1];
      CHECK(file.spec.identity.start_ms >= before.end_ms);
      // One that goes on where the last one ended does so to the millisecond.
      if (pictures_of(file).front() == pictures_of(before).back() + 1) {
        CHECK(file.spec.identity.start_ms == before.end_ms);
      }
    }
    CHECK(std::is_sorted(recorded.begin(), recorded.end(), std::less_equal<>()));
    const std::set<uint64_t> there(recorded.begin(), recorded.end());
    for (const auto& picture : camera.pictures) {
      const bool needed = std::any_of(wanted.begin(), wanted.end(), [&](const Wanted& each) {
        return picture.at_us >= each.from_us + 2000 && picture.at_us < each.until_us - 2000;
      });
      if (needed) CHECK(there.count(picture.number) == 1);
    }
  }
}

TEST_CASE("capture: what came before it is on its way to the disk within half a second, pictures and sound") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 60; ++round) {
    Rig rig(64u << 20);
    Camera camera{rig};
    camera.random.seed(random());
    camera.gop = 25 * (1 + static_cast<int>(random() % 4));
    camera.b_pictures = static_cast<int>(random() % 3);
    camera.delay_us = 20'000;
    CAPTURE(round);
    CAPTURE(camera.b_pictures);
    begin(rig, camera, 5 * kSecond);
    camera.run_until(40 * kSecond + static_cast<int64_t>(random() % 4'000'000));
    // The second trigger comes so soon that the first one's sync was just now.
    for (const int64_t within_us : {600'000, 1'600'000}) {
      const int64_t asked_us = camera.now_us;
      const int syncs = rig.writer.syncs;
      camera.capture(asked_us, 5 * kSecond, 10 * kSecond);
      while (rig.writer.syncs == syncs && camera.now_us < asked_us + 5 * kSecond) {
        camera.run_until(camera.now_us + 5000);
      }
      CHECK(camera.now_us - asked_us <= within_us);
      REQUIRE(rig.writer.files.size() == 1);
      const File& file = rig.writer.files[0];
      std::set<uint64_t> pictures, sounds;
      file.each(true, [&](const Sample& sample) { pictures.insert(sample.number); });
      file.each(false, [&](const Sample& sample) { sounds.insert(sample.number); });
      for (const auto& picture : camera.pictures) {
        if (picture.number < *pictures.begin() || picture.at_us > asked_us) continue;
        CHECK(pictures.count(picture.number) == 1);
      }
      for (uint64_t i = *sounds.begin(); static_cast<int64_t>(i) * 1024 * kSecond / 48000 <= asked_us; ++i) {
        CHECK(sounds.count(i) == 1);
      }
      camera.run_until(camera.now_us + static_cast<int64_t>(random() % 300'000));
    }
    CHECK(rig.writer.syncs == 2);
  }
}

TEST_CASE("capture: a trigger after the camera went silent for good still finds the seconds before") {
  Rig rig;
  Camera camera{rig};
  begin(rig, camera, 10 * kSecond);
  camera.run_until(30 * kSecond + 300'000);
  rig.recorder.end_session(EndReason::kReconnect);
  rig.sync.reset();
  rig.anchor = WallAnchor();
  rig.tick(32 * kSecond);
  camera.capture(30 * kSecond, 10 * kSecond, 5 * kSecond);
  rig.tick(33 * kSecond);
  REQUIRE(rig.writer.files.size() == 1);
  CHECK(pictures_of(rig.writer.files[0]) == range(500, camera.pictures.size() - camera.waiting.size()));
  CHECK(rig.writer.files[0].closed);
  CHECK(rig.writer.files[0].reason == EndReason::kReconnect);
  size_t sounds = 0;
  rig.writer.files[0].each(false, [&](const Sample&) { ++sounds; });
  CHECK(sounds > 10 * 46);

  SUBCASE("a second one finds nothing more") {
    camera.capture(31 * kSecond, 10 * kSecond, 0);
    rig.tick(34 * kSecond);
    CHECK(rig.writer.files.size() == 1);
  }
  SUBCASE("when it comes back within the event, recording goes on") {
    rig.recorder.drop_session();
    rig.begin(false);
    for (uint64_t i = 0; i < 200; ++i) {
      const int64_t at_us = 34 * kSecond + static_cast<int64_t>(i) * 40'000;
      rig.video(1000 + i, at_us, at_us, i % 25 == 0);
      rig.tick(at_us);
    }
    REQUIRE(rig.writer.files.size() == 2);
    CHECK(rig.writer.files[1].closed);
    CHECK(pictures_of(rig.writer.files[1]) == range(1000, 1050));
  }
}

TEST_CASE("capture: the seconds before go out in portions that the writer's queue takes") {
  Rig rig(64u << 20);
  Camera camera{rig, false};
  camera.picture_bytes = 40'000;  // 8 Mbit/s
  begin(rig, camera, 20 * kSecond);
  camera.run_until(40 * kSecond);
  rig.writer.queue_bound = 8u << 20;
  camera.capture(camera.now_us, 20 * kSecond, 5 * kSecond);
  CHECK(rig.writer.counters_.queued_bytes.load() <= 8u << 20);
  uint64_t most = 0;
  for (int i = 0; i < 250; ++i) {
    camera.run_until(camera.now_us + 40'000);
    most = std::max<uint64_t>(most, rig.writer.counters_.queued_bytes.load());
    rig.writer.written(2u << 20);
  }
  CHECK(rig.losses.empty());
  CHECK(rig.recorder.counters().dropped_bytes == 0);
  CHECK(most <= 8u << 20);
  REQUIRE(rig.writer.files.size() == 1);
  const std::vector<uint64_t> numbers = pictures_of(rig.writer.files[0]);
  CHECK(numbers == range(500, 1150));
  // Nothing waits any more.
  CHECK(rig.writer.files[0].closed);
}

TEST_CASE("capture: a disk that hangs meanwhile costs GOPs, memory stays bounded") {
  Rig rig(24u << 20);
  Camera camera{rig, false};
  camera.picture_bytes = 40'000;
  begin(rig, camera, 10 * kSecond);
  camera.run_until(40 * kSecond);
  rig.writer.queue_bound = 8u << 20;
  camera.capture(camera.now_us, 10 * kSecond, 100 * kSecond);
  uint64_t sent = 0;
  for (int i = 0; i < 1500; ++i) {
    camera.run_until(camera.now_us + 40'000);
    CHECK(rig.ring.bytes() <= 40u << 20);
  }
  CHECK(rig.losses.size() == 1);
  for (int i = 0; i < 500; ++i) {
    rig.writer.written(2u << 20);
    camera.run_until(camera.now_us + 40'000);
  }
  rig.recorder.end_session(EndReason::kStop);
  REQUIRE(rig.writer.files.size() == 2);
  const std::vector<uint64_t> numbers = rig::numbers(rig, true);
  for (uint64_t n = 750; n < camera.pictures.size() - camera.waiting.size(); ++n) {
    sent += camera.picture_bytes;
  }
  CHECK(numbers.size() * camera.picture_bytes + rig.recorder.counters().dropped_bytes == sent);
  CHECK(rig.writer.files[1].pieces[0].begins_with_key);
}

TEST_CASE("capture: after a failure of the disk the event begins as far back as the ring reaches") {
  Rig rig(64u << 20);
  Camera camera{rig, false};
  begin(rig, camera, 20 * kSecond);
  camera.run_until(40 * kSecond);
  camera.capture(camera.now_us, 5 * kSecond, 20 * kSecond);
  camera.run_until(camera.now_us + 2 * kSecond);
  REQUIRE(rig.writer.files.size() == 1);
  rig.writer.files[0].failed = true;
  rig.recorder.on_segment_failed(1, rig.now_us + 5 * kSecond);
  const std::vector<uint64_t> first = pictures_of(rig.writer.files[0]);
  camera.run_until(camera.now_us + 30 * kSecond);
  REQUIRE(rig.writer.files.size() == 2);
  const std::vector<uint64_t> second = pictures_of(rig.writer.files[1]);
  // From the next keyframe on, although the disk was not ready for five seconds.
  CHECK(second.front() <= first.back() + 26);
  CHECK(rig.writer.files[1].closed);
}

TEST_CASE("capture: other parameters and a jump among the seconds before begin other segments") {
  Rig rig(64u << 20);
  Camera camera{rig, false};
  begin(rig, camera, 20 * kSecond);
  camera.run_until(20 * kSecond - 1000);
  rig.parameters(false, 128);
  camera.run_until(40 * kSecond);
  camera.capture(camera.now_us, 30 * kSecond, 0);
  camera.run_until(camera.now_us + 5 * kSecond);
  REQUIRE(rig.writer.files.size() == 2);
  CHECK(rig.writer.files[0].reason == EndReason::kParameters);
  CHECK(pictures_of(rig.writer.files[0]) == range(450, 500));
  CHECK(rig.writer.files[1].reason == EndReason::kMode);
  CHECK(pictures_of(rig.writer.files[1]).front() == 500);
  CHECK(rig.writer.files[1].spec.identity.start_ms == rig.writer.files[0].end_ms);
}

TEST_CASE("capture: modes change while the camera plays") {
  Rig rig;
  Camera camera{rig, false};
  rig.ring.set_hold(12 * 90000);
  rig.recorder.set_plan(RecordPlan{600'000, 0, false}, rig.now_us);
  rig.begin(false);
  camera.run_until(10 * kSecond + 200'000);
  rig.recorder.set_plan(RecordPlan{600'000, 0, true}, rig.now_us);
  camera.run_until(30 * kSecond);
  REQUIRE(rig.writer.files.size() == 1);
  CHECK(rig.writer.files[0].reason == EndReason::kMode);
  CHECK(pictures_of(rig.writer.files[0]) == range(0, 275));
  SUBCASE("to continuous: from the newest keyframe on") {
    rig.recorder.set_plan(RecordPlan{600'000, 0, false}, rig.now_us);
    camera.run_until(32 * kSecond);
    rig.recorder.end_session(EndReason::kStop);
    REQUIRE(rig.writer.files.size() == 2);
    CHECK(pictures_of(rig.writer.files[1]).front() == 750);
  }
  SUBCASE("to continuous within an event: the segment goes on") {
    camera.capture(camera.now_us, 5 * kSecond, 2 * kSecond);
    rig.recorder.set_plan(RecordPlan{600'000, 0, false}, rig.now_us);
    camera.run_until(50 * kSecond);
    rig.recorder.end_session(EndReason::kStop);
    REQUIRE(rig.writer.files.size() == 2);
    CHECK(pictures_of(rig.writer.files[1]) == range(625, 1251));
  }
  SUBCASE("off within an event: the segment ends with what is there") {
    camera.capture(camera.now_us, 5 * kSecond, 20 * kSecond);
    camera.run_until(31 * kSecond + 100'000);
    rig.recorder.set_plan(std::nullopt, rig.now_us);
    REQUIRE(rig.writer.files.size() == 2);
    CHECK(rig.writer.files[1].closed);
    CHECK(pictures_of(rig.writer.files[1]) == range(625, 778));
    camera.run_until(40 * kSecond);
    CHECK(rig.writer.files.size() == 2);
  }
}

TEST_CASE("capture: footage of the trigger is on its way to the disk as soon as its sound is there") {
  for (const bool events : {true, false}) {
    Rig rig;
    Camera camera{rig, false};
    rig.ring.set_hold(12 * 90000);
    rig.recorder.set_plan(RecordPlan{600'000, 0, events}, rig.now_us);
    rig.begin(false);
    camera.run_until(20 * kSecond + 290'000);
    const int before = rig.writer.syncs;
    camera.capture(camera.now_us, 5 * kSecond, 10 * kSecond);
    camera.run_until(camera.now_us + 300'000);
    CHECK(rig.writer.syncs == before + 1);
    CHECK(numbers(rig, true).back() == 513);
    // Storms of triggers do not make storms of syncs.
    for (int i = 0; i < 100; ++i) {
      camera.run_until(camera.now_us + 20'000);
      camera.capture(camera.now_us, 5 * kSecond, 10 * kSecond);
    }
    CHECK(rig.writer.syncs <= before + 4);
    CHECK(rig.writer.syncs >= before + 2);
  }
}
