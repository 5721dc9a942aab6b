// What waits for the writer thread, in order and bounded in bytes; the meeting point of the two threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "media/writer.h"

namespace thimble::media {

struct Work {
  enum class Kind { kOpen, kAppend, kClose, kSync };
  Kind kind;
  SegmentHandle segment;
  uint64_t cost_bytes = 0;  ///< memory that it holds, as counted against the bounds
  std::unique_ptr<SegmentSpec> spec{};
  Fragment fragment{};
  int64_t end_ms = 0;
  EndReason reason = EndReason::kStop;
};

/// Any call from any thread; next, settle, drop and finish are the writer thread's.
class WriteQueue {
 public:
  using Clock = std::chrono::steady_clock;

  WriteQueue(const Writer::Config& config, Writer::Counters& counters)
      : max_bytes_(config.max_queued_bytes),
        max_segment_bytes_(config.max_queued_bytes_per_segment),
        counters_(counters) {}

  // As in Writer.
  SegmentHandle open(SegmentSpec spec);
  bool append(SegmentHandle segment, Fragment&& fragment);
  void close(SegmentHandle segment, int64_t end_ms, EndReason reason);
  void sync_soon();

  /// From now on nothing is taken; what waits is still handed out.
  void request_stop();
  bool wait_finished(Clock::time_point deadline);

  /// Waits for work, at most until `deadline` when there is one; the batch may stay empty. Hands out one
  /// piece, or all closes that stand next to each other, so that they share their syncs. False when all is
  /// done and stop was asked.
  bool next(std::vector<Work>* batch, const Clock::time_point* deadline);
  /// Gives the space of finished work back to the bounds.
  void settle(const std::vector<Work>& batch);
  /// A segment failed: takes its work out and nothing more for it. Returns the media bytes that waited.
  uint64_t drop(SegmentHandle segment);
  void finish();

 private:
  const uint64_t max_bytes_, max_segment_bytes_;
  Writer::Counters& counters_;
  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  std::deque<Work> queue_;
  std::map<SegmentHandle, uint64_t> queued_bytes_;  ///< of the segments that take fragments
  SegmentHandle last_segment_ = 0;
  bool sync_queued_ = false;
  bool stopping_ = false, done_ = false;
};

}  // namespace thimble::media
