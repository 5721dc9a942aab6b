// Ties a session's media time to the monotonic clock: the least delayed packet shows the true distance.
#pragma once

#include <algorithm>
#include <cstdint>

namespace thimble::media {

/// Media times in microseconds of the session. Until `settle` the distance follows the least of the last 10
/// to 20 s freely; afterwards by at most 500 ppm, so that footage times neither jump nor overlap.
class WallAnchor {
 public:
  static constexpr int64_t kMaxPpm = 500;

  void observe(int64_t media_us, int64_t arrival_us) {
    const int64_t distance = arrival_us - media_us;
    if (!started_) {
      started_ = true;
      distance_ = target_ = least_ = distance;
      window_start_us_ = slewed_at_us_ = arrival_us;
    } else if (arrival_us - window_start_us_ >= kWindowUs) {
      target_ = least_;
      least_ = distance;
      window_start_us_ = arrival_us;
    }
    least_ = std::min(least_, distance);
    if (settled_) {
      slew(arrival_us);
      return;
    }
    // Not the least of all time: a camera whose clock is slow moves away by seconds a day.
    target_ = std::min(target_, least_);
    distance_ = target_;
    slewed_at_us_ = arrival_us;
  }
  /// From now on only slow changes.
  void settle() { settled_ = true; }
  bool settled() const { return settled_; }
  /// Moves the anchor so that `media_us` lies at `monotonic_us` (footage must not begin before the last has
  /// ended).
  void pin(int64_t media_us, int64_t monotonic_us) { distance_ = monotonic_us - media_us; }
  int64_t monotonic_us(int64_t media_us) const { return media_us + distance_; }

 private:
  static constexpr int64_t kWindowUs = 10'000'000;

  void slew(int64_t now_us) {
    const int64_t elapsed = now_us - slewed_at_us_;
    const int64_t most = elapsed * kMaxPpm / 1000000;
    if (most == 0) return;
    distance_ += std::clamp<int64_t>(target_ - distance_, -most, most);
    slewed_at_us_ = now_us;
  }

  bool started_ = false, settled_ = false;
  int64_t distance_ = 0, target_ = 0, least_ = 0;  ///< least_ of the running window
  int64_t window_start_us_ = 0, slewed_at_us_ = 0;
};

}  // namespace thimble::media
