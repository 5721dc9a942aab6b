// UTC as the recorder sees it: the monotonic clock plus an offset that never jumps unnoticed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace thimble::media {

/// clock_gettime in microseconds.
inline int64_t clock_us(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
}

/// A difference between CLOCK_REALTIME and CLOCK_MONOTONIC of up to 2 s is followed at 500 ppm; a larger one
/// is a step of the clock: adopted at once and counted as a new clock generation.
class WallClock {
 public:
  static constexpr int64_t kStepUs = 2'000'000;

  WallClock(int64_t realtime_us, int64_t monotonic_us, uint32_t generation)
      : offset_us_(realtime_us - monotonic_us), updated_us_(monotonic_us), generation_(generation) {}

  /// Call about once a second. Returns the size of a step in microseconds, 0 = none.
  int64_t update(int64_t realtime_us, int64_t monotonic_us) {
    const int64_t difference = realtime_us - monotonic_us - offset_us_;
    const int64_t elapsed = monotonic_us - updated_us_;
    updated_us_ = monotonic_us;
    if (std::llabs(difference) > kStepUs) {
      offset_us_ += difference;
      ++generation_;
      return difference;
    }
    const int64_t most = elapsed * 500 / 1000000;
    offset_us_ += std::clamp(difference, -most, most);
    return 0;
  }

  int64_t offset_us() const { return offset_us_; }
  uint32_t generation() const { return generation_; }
  int64_t utc_ms(int64_t monotonic_us) const { return (monotonic_us + offset_us_) / 1000; }

 private:
  int64_t offset_us_;
  int64_t updated_us_;
  uint32_t generation_;
};

}  // namespace thimble::media
