// Derives decode times of pictures from their presentation times, which is all that RTP gives.
#pragma once

#include <cstdint>

namespace thimble::media {

/// With a reorder depth of N the n-th picture in decode order is decoded when the (n - N)-th smallest
/// presentation time is due: so dts <= pts for every stream that keeps to its depth, and dts always rises.
class DecodeTimes {
 public:
  static constexpr int kMaxDepth = 16;

  /// `frame_ticks`: distance of pictures, for the first N decode times. Later decode times still rise above
  /// earlier ones.
  void reset(int reorder_depth, int64_t frame_ticks) {
    depth_ = reorder_depth < 0 ? 0 : reorder_depth > kMaxDepth ? kMaxDepth : reorder_depth;
    frame_ticks_ = frame_ticks > 0 ? frame_ticks : 1;
    primed_ = false;
  }

  int64_t next(int64_t pts) {
    if (!primed_) {
      primed_ = true;
      for (int i = 0; i < depth_; ++i) waiting_[i] = pts - (depth_ - i) * frame_ticks_;
    }
    int at = depth_;
    while (at > 0 && waiting_[at - 1] > pts) {
      waiting_[at] = waiting_[at - 1];
      --at;
    }
    waiting_[at] = pts;
    int64_t dts = waiting_[0];
    for (int i = 0; i < depth_; ++i) waiting_[i] = waiting_[i + 1];
    if (started_ && dts <= last_) dts = last_ + 1;
    started_ = true;
    last_ = dts;
    return dts;
  }

 private:
  int depth_ = 0;
  int64_t frame_ticks_ = 3600;
  bool primed_ = false, started_ = false;
  int64_t waiting_[kMaxDepth + 1] = {};  ///< the largest presentation times so far, ascending
  int64_t last_ = 0;
};

}  // namespace thimble::media
