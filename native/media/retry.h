// When to try a camera again after an attempt failed.
#pragma once

#include <cstdint>

#include "media/events.h"

namespace thimble::media {

/// Waits that grow with the failures in a row of one kind. A working session starts anew.
class RetrySchedule {
 public:
  /// `seed` of the jitter: different for each stream.
  explicit RetrySchedule(uint32_t seed) : random_(seed) {}

  void succeeded() { *this = RetrySchedule(random_); }

  /// Microseconds to wait before the next attempt. `retry_after_s`: what the camera asked for, 0 = nothing;
  /// it is never tried sooner.
  int64_t next_wait_us(LinkProblem problem, int retry_after_s, int64_t now_us);

 private:
  int64_t jittered(int64_t wait_us);

  enum class Kind { kNone, kLost, kBusy, kLogin };
  Kind kind_ = Kind::kNone;
  int failures_ = 0;
  int later_ = -1;
  int64_t first_us_ = 0;
  uint32_t random_;
};

}  // namespace thimble::media
