// When a camera is tried again, and the rates shown meanwhile.
#include <doctest/doctest.h>

#include <set>

#include "media/rate_meter.h"
#include "media/retry.h"

using namespace thimble::media;

namespace {

constexpr int64_t kSecond = 1'000'000;

/// The waits of attempts that fail at once, in seconds rounded up.
std::vector<int> waits(LinkProblem problem, int count, int retry_after_s = 0) {
  RetrySchedule schedule(3);
  std::vector<int> found;
  int64_t now_us = 0;
  for (int i = 0; i < count; ++i) {
    const int64_t wait_us = schedule.next_wait_us(problem, retry_after_s, now_us);
    found.push_back(static_cast<int>((wait_us + kSecond - 1) / kSecond));
    now_us += wait_us;
  }
  return found;
}

}  // namespace

TEST_CASE("retry: a lost camera is tried each second for a minute, then ever more rarely") {
  for (const LinkProblem problem : {LinkProblem::kRefused, LinkProblem::kUnreachable, LinkProblem::kClosed,
                                    LinkProblem::kTimeout, LinkProblem::kUnknownHost}) {
    RetrySchedule schedule(1);
    int64_t now_us = 0;
    int tries = 0;
    while (now_us < 60 * kSecond) {
      const int64_t wait_us = schedule.next_wait_us(problem, 0, now_us);
      REQUIRE(wait_us >= 800'000);
      REQUIRE(wait_us <= kSecond);
      now_us += wait_us;
      ++tries;
    }
    CHECK(tries >= 60);
    for (const int expected : {2, 5, 10, 30, 30, 30}) {
      const int64_t wait_us = schedule.next_wait_us(problem, 0, now_us);
      CHECK(wait_us <= expected * kSecond);
      CHECK(wait_us >= expected * kSecond * 4 / 5);
      now_us += wait_us;
    }
  }
}

TEST_CASE("retry: a busy or odd camera is left alone for 5 to 60 s") {
  for (const LinkProblem problem : {LinkProblem::kBusy, LinkProblem::kServerError, LinkProblem::kNotFound,
                                    LinkProblem::kNoVideo, LinkProblem::kNotRtsp}) {
    const std::vector<int> found = waits(problem, 6);
    const std::vector<int> most = {5, 10, 20, 40, 60, 60};
    for (size_t i = 0; i < most.size(); ++i) {
      CHECK(found[i] <= most[i]);
      CHECK(found[i] >= most[i] * 4 / 5);
    }
  }
}

TEST_CASE("retry: never sooner than the camera asked") {
  CHECK(waits(LinkProblem::kBusy, 1, 120)[0] == 120);
  CHECK(waits(LinkProblem::kBusy, 1, 100000)[0] == 300);
  CHECK(waits(LinkProblem::kBusy, 1, -5)[0] <= 5);
}

TEST_CASE("retry: a wrong password waits 5 minutes, then half an hour") {
  CHECK(waits(LinkProblem::kUnauthorized, 4) == std::vector<int>{300, 1800, 1800, 1800});
}

TEST_CASE("retry: another kind of failure, and success, begin anew") {
  RetrySchedule schedule(1);
  CHECK(schedule.next_wait_us(LinkProblem::kUnauthorized, 0, 0) == 300 * kSecond);
  CHECK(schedule.next_wait_us(LinkProblem::kRefused, 0, 300 * kSecond) <= kSecond);
  CHECK(schedule.next_wait_us(LinkProblem::kUnauthorized, 0, 301 * kSecond) == 300 * kSecond);
  schedule.succeeded();
  CHECK(schedule.next_wait_us(LinkProblem::kUnauthorized, 0, 302 * kSecond) == 300 * kSecond);
  for (int i = 0; i < 9; ++i) schedule.next_wait_us(LinkProblem::kBusy, 0, 303 * kSecond);
  schedule.succeeded();
  CHECK(schedule.next_wait_us(LinkProblem::kBusy, 0, 304 * kSecond) <= 5 * kSecond);
}

TEST_CASE("retry: streams do not come back at the same moment") {
  std::set<int64_t> moments;
  for (uint32_t seed = 2; seed < 34; ++seed) {
    moments.insert(RetrySchedule(seed).next_wait_us(LinkProblem::kRefused, 0, 0) / 1000);
  }
  CHECK(moments.size() >= 24);
}

TEST_CASE("rates: whole seconds of the last five, and nothing of long ago") {
  RateMeter meter;
  int64_t now_us = 7'300'000;
  CHECK(meter.pictures_per_second(now_us) == 0);
  for (int i = 0; i < 25 * 10; ++i, now_us += 40'000) meter.add(1000, true, now_us);
  CHECK(meter.pictures_per_second(now_us) == doctest::Approx(25));
  CHECK(meter.bytes_per_second(now_us) == doctest::Approx(25000));
  CHECK(meter.pictures_per_second(now_us + 20 * kSecond) == 0);
  meter.add(1000, true, now_us + 3600 * kSecond);
  CHECK(meter.pictures_per_second(now_us + 3600 * kSecond) == 0);
}
