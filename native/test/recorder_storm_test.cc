// Whatever happens to a recorder of events, in any order: each picture is written once, in order, and the
// files of one clock generation do not overlap.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "recorder_rig.h"

using namespace rig;

namespace {

constexpr int64_t kSecond = 1'000'000, kPreRollUs = 8 * kSecond, kLatencyUs = 2 * kSecond;

/// A camera of any rhythm, and all that can happen to it and to the disk.
struct Storm {
  struct Picture {
    uint64_t number;
    int64_t at_us, arrival_us;
    bool key;
  };
  struct Wanted {
    int64_t from_us, until_us;
  };
  explicit Storm(unsigned seed) : random(seed) {
    frame_us = kSecond / std::vector<int>{8, 15, 25, 30}[random() % 4];
    gop = static_cast<int>(kSecond / frame_us) * (1 + static_cast<int>(random() % 4));
    b_pictures = static_cast<int>(random() % 3);
    sound = random() % 2 == 0;
    uneven = random() % 3 == 0;
    rig.ring.set_hold((kPreRollUs + kLatencyUs) * 9 / 100);
    rig.recorder.set_plan(RecordPlan{5000 + below(60'000), 0, true}, rig.now_us);
    begin();
  }
  int64_t below(int64_t most) { return static_cast<int64_t>(random() % static_cast<uint64_t>(most)); }
  void begin() { rig.begin(sound, b_pictures > 0 ? 1 : 0, frame_us * 9 / 100); }

  void encode_gop() {
    const int length = random() % 5 == 0 ? 1 + static_cast<int>(below(gop)) : gop;
    std::vector<int64_t> times;
    for (int i = 0; i < length; ++i) {
      times.push_back(display_us);
      display_us += frame_us + (uneven ? below(frame_us) : 0);
    }
    const auto send = [&](int i, int64_t arrival_us) {
      pictures.push_back({pictures.size(), times[static_cast<size_t>(i)], arrival_us, i == 0});
      waiting.push_back(pictures.back());
    };
    send(0, times[0]);
    for (int i = 1; i < length;) {
      const int ahead = std::min(b_pictures, length - 1 - i);
      const int64_t there_us = times[static_cast<size_t>(i + ahead)];
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
        if (!away) rig.audio(sounds, sound_us, sound_us);
        ++sounds;
      } else {
        waiting.pop_front();
        if (away) continue;
        sent.insert(next.number);
        rig.video(next.number, next.at_us, next.arrival_us, next.key, next.key ? 2000 : 60);
      }
    }
    now_us = end_us;
    rig.now_us = std::max(rig.now_us, Rig::kStartUs + end_us);
  }
  void run_for(int64_t most_us) { run_until(now_us + below(most_us)); }

  void trigger() {
    const int64_t cause_us = std::max<int64_t>(0, now_us - below(1'900'000));
    const int64_t end_us = cause_us + below(6 * kSecond);
    // Later triggers never reach further back than what was asked for.
    const int64_t least_us = wanted.empty() ? 0 : wanted.back().from_us;
    wanted.push_back({std::max(cause_us - below(kPreRollUs), least_us), end_us});
    until_us = std::max(until_us, end_us);
    rig.recorder.capture(Rig::kStartUs + wanted.back().from_us, Rig::kStartUs + until_us, rig.now_us);
  }
  void lose_camera() {
    rig.recorder.end_session(EndReason::kReconnect);
    rig.sync.reset();
    rig.anchor = WallAnchor();
    away = true;
    run_for(3 * kSecond);
    if (random() % 2) trigger();
    run_for(3 * kSecond);
    while (waiting.empty() || !waiting.front().key) {
      if (waiting.empty()) encode_gop();
      if (!waiting.front().key) waiting.pop_front();
    }
    run_until(waiting.front().arrival_us - 1);
    away = false;
    rig.recorder.drop_session();
    begin();
  }
  void fail_file() {
    const SegmentHandle handle = rig.recorder.open_handle();
    if (handle == 0) return;
    rig.writer.files[handle - 1].failed = true;
    rig.recorder.on_segment_failed(handle, rig.now_us + 5 * kSecond);
  }
  void slow_disk() {
    rig.writer.queue_bound = 1 << 20;
    rig.writer.counters_.queued_bytes = 1 << 20;
    run_for(4 * kSecond);
    rig.writer.queue_bound = 0;
    rig.writer.counters_.queued_bytes = 0;
  }
  void step_clock() {
    const int64_t step_us = (random() % 2 ? 3600 : -3600) * kSecond;
    rig.clock.update(rig.clock.offset_us() + rig.now_us + step_us, rig.now_us);
    rig.recorder.on_clock_step();
  }
  void change_mode() {
    const auto mode = random() % 3;
    std::optional<RecordPlan> plan;
    if (mode > 0) plan = RecordPlan{20'000, 0, mode == 1};
    rig.recorder.set_plan(plan, rig.now_us);
  }
  void something() {
    switch (random() % 8) {
      case 0:
        return lose_camera();
      case 1:
        return fail_file();
      case 2:
        return slow_disk();
      case 3:
        return step_clock();
      case 4:
        return change_mode();
      default:
        return trigger();
    }
  }

  /// Returns the numbers of the pictures that were written.
  std::set<uint64_t> check_files() const {
    std::set<uint64_t> written;
    const File* before = nullptr;
    for (const File& file : rig.writer.files) {
      if (file.pieces.empty()) continue;
      CHECK((file.closed || file.failed));
      CHECK(file.pieces[0].begins_with_key);
      auto next = sent.end();
      file.each(true, [&](const Sample& sample) {
        CHECK((written.empty() || sample.number > *written.rbegin()));
        CHECK((next == sent.end() || *next == sample.number));
        written.insert(sample.number);
        next = std::next(sent.find(sample.number));
      });
      const SegmentIdentity& identity = file.spec.identity;
      if (before && before->spec.identity.clock_generation == identity.clock_generation) {
        CHECK(identity.start_ms >= before->end_ms);
      }
      if (file.closed) before = &file;
    }
    return written;
  }

  std::mt19937 random;
  Rig rig{64u << 20};
  int64_t frame_us = 0;
  int gop = 0, b_pictures = 0;
  bool sound = false, uneven = false, away = false;
  std::vector<Picture> pictures;
  std::deque<Picture> waiting;
  std::set<uint64_t> sent;
  std::vector<Wanted> wanted;
  int64_t display_us = 0, now_us = 0, tick_us = 0, until_us = 0;
  uint64_t sounds = 0;
};

}  // namespace

TEST_CASE(
    "storm: whatever happens, nothing is written twice or out of order; of triggers alone nothing is lost") {
  const unsigned seed = std::random_device{}();
  MESSAGE("seed " << seed);
  for (unsigned round = 0; round < 24; ++round) {
    CAPTURE(round);
    Storm storm(seed + round);
    const bool calm = round % 2 == 0;
    for (int i = 0; i < 40; ++i) {
      storm.run_for(4 * kSecond);
      if (calm) {
        storm.trigger();
      } else {
        storm.something();
      }
    }
    storm.run_until(storm.now_us + 20 * kSecond);
    storm.rig.recorder.end_session(EndReason::kStop);
    storm.rig.recorder.drop_session();
    const std::set<uint64_t> written = storm.check_files();
    if (!calm) continue;
    for (const Storm::Picture& picture : storm.pictures) {
      if (storm.sent.count(picture.number) == 0) continue;
      const bool needed = std::any_of(storm.wanted.begin(), storm.wanted.end(), [&](const auto& each) {
        return picture.at_us >= each.from_us + 3000 && picture.at_us < each.until_us - 3000;
      });
      if (needed) CHECK(written.count(picture.number) == 1);
    }
  }
}
