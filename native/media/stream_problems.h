// What is wrong with a stream that is received all the same, and since when it was last seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "media/events.h"

namespace thimble::media {

/// Problems of two kinds: standing ones, set and lifted, and passing ones, which are noted each time they are
/// seen and end when that was 60 s ago. Kept over sessions. Tells of changes only, so a camera cannot flood
/// anybody with them.
class StreamProblems {
 public:
  static constexpr int64_t kQuietUs = 60'000'000;

  /// `problem` is in force, or not, until the next call.
  void set(StreamProblem problem, bool in_force);
  /// `problem` was just seen.
  void note(StreamProblem problem, int64_t now_us);
  void clear() { in_force_ = passing_ = 0; }
  /// Ends what was not seen for long. True when the list is another than at the last call.
  bool take_change(int64_t now_us);
  std::vector<StreamProblem> list() const;

 private:
  static uint32_t bit(StreamProblem problem) { return 1u << static_cast<uint32_t>(problem); }

  uint32_t in_force_ = 0, passing_ = 0, told_ = 0;
  int64_t seen_us_[kStreamProblems] = {};
};

}  // namespace thimble::media
