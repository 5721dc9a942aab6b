// Clocks that run off, against a network that does what networks do: what is believed, and where the line
// goes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "media/track_clock.h"

using namespace thimble::media;

namespace {

constexpr int64_t kSecond = 1'000'000, kMinute = 60 * kSecond;
constexpr int64_t kStartUs = 500 * kSecond;

struct Shown {
  int64_t at_us;    ///< when the camera took it
  int64_t line_us;  ///< where it lies on the line
  bool jump, switched;
};

/// A track whose n-th unit is taken at `at_us(n)`, stamped `stamp_us(n)` and comes `delay_us(at)` later
/// (never before the one ahead of it).
struct Track {
  explicit Track(TrackClock::Kind kind = TrackClock::Kind::kPictures, const ClockVerdict& earlier = {})
      : clock(90000, kind, earlier) {}

  void run(int64_t until_us) {
    for (; at_us(n) < until_us; ++n) {
      const int64_t at = at_us(n);
      arrival_us = std::max(arrival_us, kStartUs + at + delay_us(at));
      clock.push(static_cast<uint32_t>(stamp_us(n) * 9 / 100 + 4'294'000'000), arrival_us, false);
      taken.push_back(at);
      TimelineStamp stamp;
      while (clock.pop(&stamp)) {
        shown.push_back({taken.at(shown.size()), stamp.ticks * 100 / 9, stamp.jump, stamp.switched});
      }
    }
  }
  void frames(int64_t frame_us, double stamps_per_us) {
    at_us = [=](int64_t i) { return i * frame_us; };
    stamp_us = [=](int64_t i) { return std::llround(static_cast<double>(i * frame_us) * stamps_per_us); };
  }
  int64_t switched_at_us() const {
    for (const Shown& unit : shown) {
      if (unit.switched) return unit.at_us;
    }
    return -1;
  }
  size_t switches() const {
    return static_cast<size_t>(
        std::count_if(shown.begin(), shown.end(), [](const Shown& s) { return s.switched; }));
  }
  size_t jumps() const {
    return static_cast<size_t>(
        std::count_if(shown.begin(), shown.end(), [](const Shown& s) { return s.jump; }));
  }
  /// Largest distance of the line from the truth, `from_us` on.
  int64_t worst_us(int64_t from_us) const {
    int64_t worst = 0;
    for (const Shown& unit : shown) {
      if (unit.at_us >= from_us) worst = std::max<int64_t>(worst, std::llabs(unit.line_us - unit.at_us));
    }
    return worst;
  }
  void check_rising() const {
    for (size_t i = 1; i < shown.size(); ++i) REQUIRE(shown[i].line_us > shown[i - 1].line_us);
  }

  std::function<int64_t(int64_t)> at_us, stamp_us;
  std::function<int64_t(int64_t)> delay_us = [](int64_t) { return 0; };
  TrackClock clock;
  int64_t n = 0, arrival_us = 0;
  std::vector<int64_t> taken;
  std::vector<Shown> shown;
};

/// Up to 400 ms, any.
std::function<int64_t(int64_t)> jitter(std::mt19937& random) {
  return [&random](int64_t) { return static_cast<int64_t>(random() % 400'000); };
}

}  // namespace

TEST_CASE("track clock: 300 ppm are left alone, with jitter too, and the stamps as they are") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const double rate : {1.0, 1.0003, 0.9997}) {
    for (const bool jittery : {false, true}) {
      CAPTURE(rate);
      Track track;
      track.frames(40'000, rate);
      if (jittery) track.delay_us = jitter(random);
      track.run(40 * kMinute);
      CHECK(track.clock.trusted());
      CHECK(track.jumps() + track.switches() == 0);
      for (size_t i = 0; i < track.shown.size(); ++i)
        REQUIRE(std::llabs(track.shown[i].line_us - track.stamp_us(static_cast<int64_t>(i))) <= 12);
    }
  }
}

TEST_CASE("track clock: 1000 and 2000 ppm are found, and the line keeps to arrival from then on") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const double ppm : {2000.0, -2000.0, 1000.0, -1000.0}) {
    for (const bool jittery : {false, true}) {
      CAPTURE(ppm);
      CAPTURE(jittery);
      Track track;
      track.frames(40'000, 1 + ppm / 1e6);
      if (jittery) track.delay_us = jitter(random);
      track.run(20 * kMinute);
      CHECK_FALSE(track.clock.trusted());
      CHECK(track.switches() == 1);
      // Hidden that long, the delay may be taken for a lasting one before.
      CHECK(track.jumps() <= (jittery ? 1 : 0));
      CHECK(track.switched_at_us() >= 60 * kSecond);
      // Jitter hides the smaller ones for a while.
      CHECK(track.switched_at_us() <= (jittery ? 1200 : 290) * kSecond);
      track.check_rising();
      // Off by what the wall clock's anchor has followed, and no more.
      const int64_t followed_us = track.switched_at_us() / 2000;
      CHECK(track.worst_us(track.switched_at_us() + 60 * kSecond) <=
            followed_us + (jittery ? 700'000 : 10'000));
      CHECK(track.clock.verdict().pace ==
            doctest::Approx(1 / (1 + ppm / 1e6)).epsilon(jittery ? 0.01 : 0.0002));
    }
  }
}

TEST_CASE(
    "track clock: 21 pictures a second with the stamps of 25: one switch, one leap, then the true time") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const bool jittery : {false, true}) {
    Track track;
    track.frames(47'619, 40'000.0 / 47'619);
    if (jittery) track.delay_us = jitter(random);
    track.run(10 * kMinute);
    CHECK(track.switches() == 1);
    CHECK(track.jumps() == 0);
    CHECK(track.switched_at_us() <= 75 * kSecond);
    track.check_rising();
    CHECK(track.worst_us(track.switched_at_us() + 10 * kSecond) <= (jittery ? 600'000 : 45'000));
  }
}

TEST_CASE("track clock: stamps that run ahead are slowed down until arrival has caught up") {
  Track track;
  track.frames(40'000, 1.1);
  track.run(10 * kMinute);
  CHECK(track.switches() == 1);
  CHECK(track.jumps() == 0);
  track.check_rising();
  // Seven seconds ahead, made up for at 5 %.
  const int64_t switched_us = track.switched_at_us();
  CHECK(track.worst_us(0) <= 8 * kSecond);
  CHECK(track.worst_us(switched_us + 60 * kSecond) > 2 * kSecond);
  CHECK(track.worst_us(switched_us + 180 * kSecond) <= 45'000);
}

TEST_CASE("track clock: stamps that run many times too fast are found within a minute, and run no further") {
  // Among them microseconds where 90 kHz are promised.
  for (const double rate : {8.0, 100.0 / 9, 20.0}) {
    CAPTURE(rate);
    Track track;
    track.frames(40'000, rate);
    track.run(30 * kMinute);
    CHECK_FALSE(track.clock.trusted());
    CHECK(track.switches() == 1);
    CHECK(track.jumps() == 1);
    CHECK(track.switched_at_us() <= 20 * kSecond);
    track.check_rising();
    CHECK(track.worst_us(0) <= 61 * kSecond);
    CHECK(track.worst_us(25 * kMinute) <= 100'000);
    CHECK(track.clock.verdict().pace == doctest::Approx(1 / rate).epsilon(0.001));
    // The next session need not run away first.
    Track next(TrackClock::Kind::kPictures, track.clock.verdict());
    next.frames(40'000, rate);
    next.run(10 * kMinute);
    CHECK(next.switches() + next.jumps() == 0);
    CHECK(next.worst_us(0) <= 100'000);
  }
}

TEST_CASE("track clock: nothing that a network does raises an alarm") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::function<int64_t(int64_t)>> networks = {
      // The cache of a GOP comes at once.
      [](int64_t at) { return std::max<int64_t>(4 * kSecond - at, 0); },
      // Stands still for 5 s each two minutes, then all comes at once, or at 1.25 times the pace.
      [](int64_t at) { return at % (2 * kMinute) < 5 * kSecond ? 5 * kSecond - at % (2 * kMinute) : 0; },
      [](int64_t at) {
        const int64_t since = at % (2 * kMinute) - 5 * kSecond;
        return since < 0 ? -since : std::max<int64_t>(0, 5 * kSecond - since / 4);
      },
      // Each second a keyframe that takes 300 ms.
      [](int64_t at) { return at % kSecond < 300'000 ? 300'000 - at % kSecond : 0; },
      // Day and night: the least delay steps by 50 ms.
      [](int64_t at) { return at / (10 * kMinute) % 2 * 50'000; },
  };
  for (size_t i = 0; i < networks.size(); ++i) {
    CAPTURE(i);
    for (const int64_t frame_us : {40'000, 200'000}) {
      Track track;
      track.frames(frame_us, 1);
      const auto jittery = jitter(random);
      track.delay_us = [&](int64_t at) { return networks[i](at) + jittery(at) / 2; };
      track.run(60 * kMinute);
      CHECK(track.clock.trusted());
      CHECK(track.switches() + track.jumps() == 0);
    }
  }
}

TEST_CASE("track clock: a clock that a time server sets is no bad clock, and a step is a jump") {
  Track track;
  track.frames(40'000, 1);
  // 80 ppm, set right each hour; once it was an hour off.
  track.stamp_us = [](int64_t i) {
    const int64_t at = i * 40'000;
    return at + at % (60 * kMinute) * 80 / 1'000'000 + (at > 90 * kMinute ? 60 * kMinute : 0);
  };
  track.run(3 * 60 * kMinute);
  CHECK(track.clock.trusted());
  CHECK(track.jumps() == 1);
}

TEST_CASE("track clock: sound goes on from where it is, and keeps its pace") {
  for (const double rate : {0.998, 1.002, 0.9, 1.2}) {
    CAPTURE(rate);
    Track track(TrackClock::Kind::kSound);
    track.frames(21'333, rate);
    track.run(10 * kMinute);
    CHECK(track.switches() == 1);
    track.check_rising();
    const auto switched =
        std::find_if(track.shown.begin(), track.shown.end(), [](const Shown& s) { return s.switched; });
    REQUIRE(switched != track.shown.end());
    const int64_t step_us = switched->line_us - (switched - 1)->line_us;
    CHECK(std::llabs(step_us - 21'333) <= 5'000);
    // As far from the truth as then, for ever.
    const int64_t off_us = switched->line_us - switched->at_us;
    for (auto unit = switched; unit != track.shown.end(); ++unit)
      REQUIRE(std::llabs(unit->line_us - unit->at_us - off_us) <= 60'000);
  }
}

TEST_CASE("track clock: a session inherits the verdict, and wrong stamps do not spoil its first minute") {
  Track track(TrackClock::Kind::kPictures, ClockVerdict{true, 25.0 / 21});
  track.frames(47'619, 40'000.0 / 47'619);
  // It begins with the cache of a GOP.
  track.delay_us = [](int64_t at) { return std::max<int64_t>(2 * kSecond - at, 0); };
  track.run(30 * kMinute);
  CHECK_FALSE(track.clock.trusted());
  CHECK(track.switches() + track.jumps() == 0);
  track.check_rising();
  CHECK(track.worst_us(0) <= 100'000);
}

TEST_CASE("track clock: stamps that are good for a minute are believed again, without a leap") {
  Track track(TrackClock::Kind::kPictures, ClockVerdict{true, 25.0 / 21});
  track.frames(40'000, 1);
  track.run(5 * kMinute);
  CHECK(track.clock.trusted());
  CHECK(track.switches() == 1);
  track.check_rising();
  for (size_t i = 1; i < track.shown.size(); ++i)
    REQUIRE(track.shown[i].line_us - track.shown[i - 1].line_us <= 51'000);
  // What they are found to be later is their own doing, and final.
  const int64_t from = track.n;
  track.stamp_us = [=](int64_t i) { return i * 40'000 + std::max<int64_t>(i - from, 0) * 400; };
  track.run(10 * kMinute);
  CHECK_FALSE(track.clock.trusted());
  const int64_t again = track.n;
  track.stamp_us = [=](int64_t i) { return i * 40'000 + (again - from) * 400; };
  track.run(20 * kMinute);
  CHECK_FALSE(track.clock.trusted());
  CHECK(track.switches() == 2);
  CHECK(track.worst_us(18 * kMinute) <= track.worst_us(4 * kMinute) + 50'000);
}

TEST_CASE("track clock: distrusted, a change of the frame rate is followed, and a lasting pause is a jump") {
  Track track;
  // Stamps of 25 fps whatever comes: 21, from minute 5 on 12 pictures a second.
  const int64_t day = 5 * kMinute / 47'619;
  track.at_us = [=](int64_t i) { return i < day ? i * 47'619 : day * 47'619 + (i - day) * 83'333; };
  track.stamp_us = [](int64_t i) { return i * 40'000; };
  track.run(10 * kMinute);
  track.check_rising();
  CHECK(track.worst_us(5 * kMinute - kSecond) <= 3 * kSecond);
  CHECK(track.worst_us(7 * kMinute) <= 45'000);
  CHECK(track.jumps() == 0);
  const int64_t night = track.n;
  const auto before = track.at_us;
  track.at_us = [=](int64_t i) { return before(i) + (i >= night ? 8 * kSecond : 0); };
  track.run(12 * kMinute);
  track.check_rising();
  CHECK(track.worst_us(11 * kMinute + 30 * kSecond) <= 2 * kSecond);
}

TEST_CASE("track clock: pictures that are sent out of order keep it") {
  Track track;
  track.at_us = [](int64_t i) { return i * 40'000; };
  // I P B B: a P comes two pictures early.
  track.stamp_us = [](int64_t i) {
    const int64_t shown = i == 0 ? 0 : i % 3 == 1 ? i + 2 : i - 1;
    return shown * 40'000 * 25 / 21;
  };
  track.run(5 * kMinute);
  CHECK(track.switches() == 1);
  const size_t from = static_cast<size_t>(150 * kSecond / 40'000) / 3 * 3;
  for (size_t i = from; i + 4 < track.shown.size(); i += 3) {
    const int64_t p = track.shown[i + 1].line_us, b = track.shown[i + 2].line_us,
                  c = track.shown[i + 3].line_us;
    REQUIRE(b < c);
    REQUIRE(c < p);
    REQUIRE(p < track.shown[i + 5 < track.shown.size() ? i + 5 : i + 4].line_us + 200'000);
  }
}

TEST_CASE("track clock: whatever a camera stamps, nothing is lost, and the line stays near arrival") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 40; ++round) {
    const ClockVerdict earlier{random() % 2 == 0, std::pow(10.0, static_cast<int>(random() % 9) - 4)};
    TrackClock clock(round % 2 ? 90000 : 8000,
                     round % 3 ? TrackClock::Kind::kPictures : TrackClock::Kind::kSound, earlier);
    int64_t now_us = kStartUs;
    uint32_t rtp = random();
    uint32_t step = random() % 20000;
    size_t pushed = 0, popped = 0;
    int64_t last = 0;
    for (int i = 0; i < 20'000; ++i) {
      if (random() % 3000 == 0) step = random() % 100 ? random() % 20'000 : random();
      now_us += random() % 80'000 + (random() % 1000 == 0 ? random() % 9'000'000 : 0);
      rtp += step;
      clock.push(random() % 500 ? rtp : random(), now_us, random() % 5000 == 0);
      ++pushed;
      TimelineStamp stamp;
      while (clock.pop(&stamp)) last = stamp.ticks, ++popped;
      REQUIRE(pushed - popped <= 3);
    }
    clock.flush();
    TimelineStamp stamp;
    while (clock.pop(&stamp)) ++popped;
    CHECK(popped == pushed);
    CHECK(last / clock.clock_rate() <= 3 * (now_us - kStartUs) / kSecond + 3600);
  }
}
