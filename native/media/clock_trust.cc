// The ways to be found bad, and the one to be found good.
#include "media/clock_trust.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace thimble::media {

namespace {
constexpr int64_t kWindowUs = 10'000'000;
constexpr size_t kSteps = 6;
/// A step is taken over so many windows. What it has to sum up to is more than 500 ppm of the six steps by
/// what is left of 400 ms of jitter there: 3300, 1000, 750 and 560 ppm.
struct Scale {
  size_t stride;
  int64_t least_us;
};
constexpr Scale kScales[] = {{1, 200'000}, {2, 120'000}, {4, 180'000}, {9, 300'000}};
constexpr size_t kMostWindows = (kSteps + 1) * 9;
/// 500 ppm of 60 s.
constexpr int64_t kKeptUs = 30'000;
}  // namespace

void ClockTrust::restart() {
  windows_.clear();
  started_ = false;
}

ClockTrust::Finding ClockTrust::observe(int64_t media_us, int64_t arrival_us) {
  const int64_t distance_us = arrival_us - media_us;
  const Window begun{arrival_us, distance_us, arrival_us};
  if (!started_) {
    started_ = true;
    running_ = begun;
    return Finding::kNone;
  }
  if (arrival_us - running_.start_us < kWindowUs) {
    if (distance_us < running_.distance_us) {
      running_.distance_us = distance_us;
      running_.arrival_us = arrival_us;
    }
    return Finding::kNone;
  }
  windows_.push_back(running_);
  if (windows_.size() > kMostWindows) windows_.pop_front();
  running_ = begun;
  for (const Scale& scale : kScales) {
    if (ran_off(scale.stride, scale.least_us, arrival_us)) return Finding::kBad;
  }
  return kept() ? Finding::kGood : Finding::kNone;
}

const ClockTrust::Window& ClockTrust::least(size_t skip, size_t count) const {
  const auto end = windows_.rbegin() + static_cast<std::ptrdiff_t>(skip + count);
  return *std::min_element(windows_.rbegin() + static_cast<std::ptrdiff_t>(skip), end,
                           [](const Window& a, const Window& b) { return a.distance_us < b.distance_us; });
}

bool ClockTrust::ran_off(size_t stride, int64_t least_us, int64_t now_us) {
  if (windows_.size() < (kSteps + 1) * stride) return false;
  const Window first = least(kSteps * stride, stride), last = least(0, stride);
  const int64_t total_us = last.distance_us - first.distance_us;
  if (std::llabs(total_us) <= least_us) return false;
  for (size_t i = 0; i < kSteps; ++i) {
    const int64_t step_us =
        least(i * stride, stride).distance_us - least((i + 1) * stride, stride).distance_us;
    const int64_t forward_us = total_us > 0 ? step_us : -step_us;
    // Each is the mean one give or take half: chance and networks are not that even.
    if (std::llabs(forward_us * static_cast<int64_t>(kSteps) - std::llabs(total_us)) * 2 >
        std::llabs(total_us))
      return false;
  }
  // The least delayed unit lies at one end of its window: the line through both tells of the moments asked
  // for.
  const int64_t passed_us = std::max<int64_t>(last.arrival_us - first.arrival_us, 1);
  const double growth = static_cast<double>(total_us) / static_cast<double>(passed_us);
  const auto distance_at = [&](int64_t arrival_us) {
    return last.distance_us + std::llround(static_cast<double>(arrival_us - last.arrival_us) * growth);
  };
  run_.from_us = windows_[windows_.size() - (kSteps + 1) * stride].start_us;
  run_.distance_before_us = distance_at(run_.from_us);
  run_.distance_us = distance_at(now_us);
  run_.pace = growth < 1 ? 1 / (1 - growth) : 1;
  return true;
}

bool ClockTrust::kept() const {
  if (windows_.size() <= kSteps) return false;
  int64_t least_us = INT64_MAX, most_us = INT64_MIN;
  for (size_t i = 0; i <= kSteps; ++i) {
    const int64_t distance_us = windows_[windows_.size() - 1 - i].distance_us;
    least_us = std::min(least_us, distance_us);
    most_us = std::max(most_us, distance_us);
  }
  return most_us - least_us <= kKeptUs;
}

}  // namespace thimble::media
