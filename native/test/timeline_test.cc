// Time lines under confused camera clocks: strays, jumps, wraps, frozen and running stamps, delays and
// bursts.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "media/decode_times.h"
#include "media/rtp_timeline.h"
#include "media/wall_anchor.h"
#include "media/wall_clock.h"

using namespace thimble::media;

namespace {

constexpr int64_t kFrameUs = 40'000;
constexpr uint32_t kFrame = 3600;

struct Line {
  explicit Line(uint32_t rate = 90000) : timeline(rate) {}
  void push(uint32_t rtp, int64_t at_us, bool discontinuity = false) {
    timeline.push(rtp, at_us, discontinuity);
    ++pushed;
    take();
  }
  void take() {
    TimelineStamp stamp;
    while (timeline.pop(&stamp)) stamps.push_back(stamp);
  }
  void flush() {
    timeline.flush();
    take();
  }
  int jumps() const {
    int count = 0;
    for (const TimelineStamp& stamp : stamps) count += stamp.jump;
    return count;
  }
  int64_t ticks(size_t i) const { return stamps.at(i).ticks; }

  RtpTimeline timeline;
  std::vector<TimelineStamp> stamps;
  size_t pushed = 0;
};

/// 24 pictures at 25 fps, picture `i` with the RTP time that `stamp` gives it.
template <typename Stamp>
Line play(Stamp stamp) {
  Line line;
  for (uint32_t i = 0; i < 24; ++i) line.push(stamp(i), 1'000'000 + i * kFrameUs);
  line.flush();
  CHECK(line.stamps.size() == 24);
  return line;
}

}  // namespace

TEST_CASE("timeline: a wrap of 32 bits is nothing") {
  const Line line = play([](uint32_t i) { return 4294933095u + i * kFrame; });
  CHECK(line.jumps() == 0);
  for (size_t i = 0; i < 24; ++i) CHECK(line.ticks(i) == static_cast<int64_t>(i) * kFrame);
}

TEST_CASE("timeline: a jump that lasts goes on by arrival, with one mark") {
  for (const uint32_t offset :
       {uint32_t(-324000000), uint32_t(3240000000u), uint32_t(2 * 90000), uint32_t(-2 * 90000)}) {
    CAPTURE(offset);
    const Line line = play([&](uint32_t i) { return 3000000 + i * kFrame + (i >= 20 ? offset : 0); });
    CHECK(line.jumps() == 1);
    CHECK(line.stamps[20].jump);
    for (size_t i = 0; i < 24; ++i) CHECK(line.ticks(i) == static_cast<int64_t>(i) * kFrame);
  }
}

TEST_CASE("timeline: strays are stamped between their neighbours") {
  const Line line = play([](uint32_t i) {
    if (i == 9) return uint32_t(3415999696u);
    if (i == 15 || i == 16) return uint32_t(3387054000u + i * 40'000'000);
    return 3000000 + i * kFrame;
  });
  CHECK(line.jumps() == 0);
  for (size_t i = 0; i < 24; ++i) CHECK(line.ticks(i) == static_cast<int64_t>(i) * kFrame);
}

TEST_CASE("timeline: a stray is decided by the next access unit, a jump by the third") {
  Line line;
  for (uint32_t i = 0; i < 5; ++i) line.push(i * kFrame, i * kFrameUs);
  line.push(99'000'000, 5 * kFrameUs);
  CHECK(line.stamps.size() == 5);
  line.push(6 * kFrame, 6 * kFrameUs);
  CHECK(line.stamps.size() == 7);
  line.push(99'000'000, 7 * kFrameUs);
  line.push(99'000'000 + kFrame, 8 * kFrameUs);
  CHECK(line.stamps.size() == 7);
  line.push(99'000'000 + 2 * kFrame, 9 * kFrameUs);
  CHECK(line.stamps.size() == 10);
  CHECK(line.jumps() == 1);
  CHECK(line.ticks(9) == 9 * kFrame);
}

TEST_CASE("timeline: strays at the end get a time when the stream ends") {
  Line line;
  line.push(0, 0);
  line.push(kFrame, kFrameUs);
  line.push(500'000'000, 2 * kFrameUs);
  line.push(500'000'000 + kFrame, 3 * kFrameUs);
  CHECK(line.stamps.size() == 2);
  line.flush();
  REQUIRE(line.stamps.size() == 4);
  CHECK(line.ticks(3) > line.ticks(2));
  CHECK(line.ticks(3) <= 3 * kFrame);
}

TEST_CASE("timeline: frozen stamps are replaced by arrival") {
  const Line line = play([](uint32_t) { return 3000000u; });
  CHECK(line.jumps() == 0);
  for (size_t i = 3; i < 24; ++i) CHECK(line.ticks(i) - line.ticks(i - 1) == kFrame);
  CHECK(line.ticks(23) >= 21 * kFrame);
}

TEST_CASE("timeline: a new source goes on by arrival") {
  Line line;
  for (uint32_t i = 0; i < 20; ++i) line.push(3000000 + i * kFrame, i * kFrameUs);
  for (uint32_t i = 20; i < 40; ++i) line.push(4306567 + i * kFrame, 2'000'000 + i * kFrameUs, i == 20);
  CHECK(line.jumps() == 1);
  CHECK(line.stamps[20].jump);
  CHECK(line.ticks(20) == 19 * kFrame + 90 * 2000 + kFrame);
  CHECK(line.ticks(39) - line.ticks(20) == 19 * kFrame);
}

TEST_CASE("timeline: B pictures keep their order and times") {
  const int64_t order[] = {0, 3, 1, 2, 6, 4, 5, 9, 7, 8};
  Line line;
  for (int i = 0; i < 10; ++i)
    line.push(4294960000u + static_cast<uint32_t>(order[i] * kFrame), i * kFrameUs);
  REQUIRE(line.stamps.size() == 10);
  CHECK(line.jumps() == 0);
  for (size_t i = 0; i < 10; ++i) CHECK(line.ticks(i) == order[i] * kFrame);
}

TEST_CASE("timeline: a burst after a delay is no jump") {
  Line line;
  int64_t now_us = 0;
  for (uint32_t i = 0; i < 500; ++i) {
    // The network holds everything back from 4 s to 9 s.
    now_us = std::max<int64_t>(i * kFrameUs, i >= 100 && i < 225 ? 9'000'000 + i : 0);
    line.push(i * kFrame, now_us);
  }
  CHECK(line.jumps() == 0);
  CHECK(line.ticks(499) == 499 * kFrame);
}

TEST_CASE("timeline: what the server threw away during a delay is no jump") {
  Line line;
  for (uint32_t i = 0; i < 100; ++i) line.push(i * kFrame, i * kFrameUs);
  // Nothing for 6 s, then the newest second at once.
  line.push(100 * kFrame, 10'000'000);
  for (uint32_t i = 225; i < 400; ++i) line.push(i * kFrame, std::max<int64_t>(10'000'000 + i, i * kFrameUs));
  CHECK(line.jumps() == 0);
  CHECK(line.stamps.back().ticks == 399 * kFrame);
}

TEST_CASE("timeline: a delay that lasts 10 s becomes a jump of its size") {
  Line line;
  for (uint32_t i = 0; i < 1000; ++i) line.push(i * kFrame, i * kFrameUs + (i > 50 ? 3'000'000 : 0));
  CHECK(line.jumps() == 1);
  CHECK(line.ticks(999) == 999 * kFrame + 3 * 90000);
}

TEST_CASE("timeline: a clock that runs away is held back") {
  Line line;
  // 0.9 s a picture: no step is a jump by itself.
  for (uint32_t i = 0; i < 25 * 600; ++i) line.push(i * 81000, i * kFrameUs);
  CHECK(line.stamps.size() == 25 * 600);
  CHECK(line.stamps.back().ticks / 90000 <= 600 * 8);
}

TEST_CASE("timeline: a silence of a month at any clock rate is no overflow") {
  for (const uint32_t rate : {1u, 8000u, 90000u, 4294967295u}) {
    CAPTURE(rate);
    Line line(rate);
    const int64_t month_us = 31LL * 86400 * 1'000'000;
    int64_t now_us = 0;
    for (uint32_t i = 0; i < 12; ++i) {
      line.push(i * 1000, now_us);
      line.push(i * 1000 + 1, now_us + 20'000);
      now_us += month_us;
    }
    line.flush();
    CHECK(line.stamps.size() == 24);
  }
}

TEST_CASE("timeline: anything comes out as often as it went in, in order and without leaps") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 60; ++round) {
    const uint32_t rate = round % 2 ? 90000 : 16000;
    Line line(rate);
    uint32_t rtp = random();
    int64_t now_us = 1'000'000;
    const uint32_t frame = rate / 25;
    for (int i = 0; i < 2000; ++i) {
      const unsigned what = random() % 200;
      now_us += what == 0 ? random() % 12'000'000 : what < 40 ? random() % 200'000 : random() % 45'000;
      rtp += frame;
      if (what == 1) rtp += random();
      const uint32_t stamp = what == 2 ? random() : what == 3 ? rtp - frame : rtp + random() % 9;
      line.push(stamp, now_us, what == 4);
      REQUIRE(line.pushed - line.stamps.size() <= 3);
    }
    line.flush();
    REQUIRE(line.stamps.size() == 2000);
    for (size_t i = 1; i < 2000; ++i) {
      const int64_t step = line.ticks(i) - line.ticks(i - 1);
      REQUIRE(step >= -static_cast<int64_t>(rate));
      REQUIRE(step <= 150LL * rate);
    }
    // What was recorded cannot have lasted much longer than it took to come.
    CHECK(line.ticks(1999) <= (now_us / 1'000'000 + 60) * rate);
  }
}

TEST_CASE("decode times: rise, and never lie behind the presentation of a stream that keeps its depth") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    const int depth = static_cast<int>(random() % 5);
    DecodeTimes times;
    times.reset(depth, kFrame);
    // Display order with uneven distances; each group is sent with its last picture first, `depth` pictures
    // at most ahead of those shown before it.
    std::vector<int64_t> shown = {0};
    while (shown.size() < 400) shown.push_back(shown.back() + 1800 + random() % 7200);
    std::vector<int64_t> sent = {shown[0]};
    for (size_t at = 1; at < shown.size();) {
      const size_t group = std::min<size_t>(1 + random() % (depth > 0 ? 8 : 1), shown.size() - at);
      // One reference ahead reorders by one, a pyramid of references by more.
      if (depth == 0 || group == 1) {
        for (size_t i = 0; i < group; ++i) sent.push_back(shown[at + i]);
      } else {
        const size_t ahead = std::min<size_t>(1 + random() % static_cast<size_t>(depth), group);
        for (size_t i = 0; i < ahead; ++i) sent.push_back(shown[at + group - 1 - i]);
        for (size_t i = 0; i + ahead < group; ++i) sent.push_back(shown[at + i]);
      }
      at += group;
    }
    REQUIRE(sent.size() == shown.size());
    int64_t last = INT64_MIN;
    for (const int64_t pts : sent) {
      const int64_t dts = times.next(pts);
      REQUIRE(dts > last);
      REQUIRE(dts <= pts);
      last = dts;
    }
  }
}

TEST_CASE("decode times: rise over any times and changes of depth") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  DecodeTimes times;
  int64_t last = INT64_MIN;
  for (int i = 0; i < 20000; ++i) {
    if (random() % 500 == 0)
      times.reset(static_cast<int>(random() % 40) - 10, static_cast<int>(random() % 9000) - 100);
    const int64_t dts = times.next(i * 3600 + static_cast<int>(random() % 200000) - 100000);
    REQUIRE(dts > last);
    last = dts;
  }
}

TEST_CASE("wall anchor: the least delayed packet counts, before and after it settles") {
  WallAnchor anchor;
  int64_t media_us = 0;
  for (int i = 0; i < 100; ++i, media_us += kFrameUs)
    anchor.observe(media_us, 5'000'000 + media_us + i % 7 * 3000);
  CHECK(anchor.monotonic_us(0) == 5'000'000);
  anchor.settle();
  // 400 ms later for ever: followed at 500 ppm.
  int64_t before = anchor.monotonic_us(media_us);
  for (int i = 0; i < 25 * 100; ++i, media_us += kFrameUs) {
    anchor.observe(media_us, 5'400'000 + media_us);
    const int64_t now = anchor.monotonic_us(media_us);
    REQUIRE(now - before <= kFrameUs + kFrameUs * 500 / 1'000'000 + 1);
    REQUIRE(now >= before);
    before = now;
  }
  CHECK(anchor.monotonic_us(0) > 5'030'000);
  CHECK(anchor.monotonic_us(0) <= 5'050'000);
}

TEST_CASE("wall anchor: a camera that was live for a day before it is recorded is not seconds off") {
  WallAnchor anchor;
  int64_t arrival_us = 0, media_us = 0;
  // 100 ppm slow: 8.6 s a day.
  for (int i = 0; i < 86400; ++i) {
    arrival_us += 1'000'000;
    media_us += 999'900;
    anchor.observe(media_us, arrival_us);
  }
  anchor.settle();
  CHECK(std::abs(anchor.monotonic_us(media_us) - arrival_us) < 10'000);
}

TEST_CASE("wall anchor: pinned, it goes back to the truth slowly") {
  WallAnchor anchor;
  anchor.observe(0, 1'000'000);
  anchor.settle();
  anchor.pin(0, 3'000'000);
  CHECK(anchor.monotonic_us(0) == 3'000'000);
  for (int64_t media_us = 0; media_us < 100'000'000; media_us += 1'000'000)
    anchor.observe(media_us, 1'000'000 + media_us);
  CHECK(anchor.monotonic_us(0) < 2'960'000);
  CHECK(anchor.monotonic_us(0) >= 2'949'000);
}

TEST_CASE("wall clock: small differences are followed at 500 ppm, steps at once and counted") {
  const int64_t realtime_us = 1'767'225'600'000'000;
  WallClock clock(realtime_us, 1'000'000, 4);
  CHECK(clock.utc_ms(1'000'000) == realtime_us / 1000);
  int64_t now_us = 1'000'000, ahead_us = 1'500'000;
  int64_t before_ms = clock.utc_ms(now_us);
  for (int second = 0; second < 100; ++second) {
    now_us += 1'000'000;
    REQUIRE(clock.update(realtime_us + now_us - 1'000'000 + ahead_us, now_us) == 0);
    REQUIRE(clock.utc_ms(now_us) - before_ms >= 1000);
    REQUIRE(clock.utc_ms(now_us) - before_ms <= 1001);
    before_ms = clock.utc_ms(now_us);
  }
  CHECK(clock.generation() == 4);
  CHECK(clock.offset_us() == realtime_us - 1'000'000 + 50'000);
  for (const int64_t to_us : {-3'600'000'000LL, 30LL * 86'400'000'000}) {
    const uint32_t generation = clock.generation();
    now_us += 1'000'000;
    const int64_t old_us = clock.offset_us();
    const int64_t step_us = clock.update(realtime_us + to_us + now_us, now_us);
    CHECK(step_us == realtime_us + to_us - old_us);
    CHECK(clock.generation() == generation + 1);
    CHECK(clock.utc_ms(now_us) == (realtime_us + to_us + now_us) / 1000);
    now_us += 1'000'000;
    CHECK(clock.update(realtime_us + to_us + now_us, now_us) == 0);
  }
}
