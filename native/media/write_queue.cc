// The queue between the ingest thread and the writer thread.
#include "media/write_queue.h"

#include <utility>

namespace thimble::media {
namespace {

uint64_t cost_of(const Fragment& fragment) {
  uint64_t cost = fragment.data_bytes + sizeof(Work) + fragment.data.size() * sizeof(Slice);
  for (const FragmentRun& run : fragment.runs) {
    cost += sizeof(FragmentRun) + run.samples.size() * sizeof(FragmentSample);
  }
  return cost;
}

}  // namespace

SegmentHandle WriteQueue::open(SegmentSpec spec) {
  std::lock_guard<std::mutex> lock(mutex_);
  const SegmentHandle segment = ++last_segment_;
  if (stopping_) return segment;
  queued_bytes_[segment] = 0;
  Work work{Work::Kind::kOpen, segment};
  work.spec = std::make_unique<SegmentSpec>(std::move(spec));
  queue_.push_back(std::move(work));
  wake_.notify_one();
  return segment;
}

bool WriteQueue::append(SegmentHandle segment, Fragment&& fragment) {
  const uint64_t cost = cost_of(fragment);
  std::lock_guard<std::mutex> lock(mutex_);
  const auto queued = queued_bytes_.find(segment);
  if (stopping_ || queued == queued_bytes_.end()) {
    counters_.lost_bytes.fetch_add(fragment.data_bytes, std::memory_order_relaxed);
    return false;
  }
  if (queued->second + cost > max_segment_bytes_) return false;
  if (counters_.queued_bytes.load(std::memory_order_relaxed) + cost > max_bytes_) return false;
  queued->second += cost;
  counters_.queued_bytes.fetch_add(cost, std::memory_order_relaxed);
  Work work{Work::Kind::kAppend, segment, cost};
  work.fragment = std::move(fragment);
  queue_.push_back(std::move(work));
  wake_.notify_one();
  return true;
}

void WriteQueue::close(SegmentHandle segment, int64_t end_ms, EndReason reason) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopping_ || queued_bytes_.erase(segment) == 0) return;
  Work work{Work::Kind::kClose, segment};
  work.end_ms = end_ms;
  work.reason = reason;
  queue_.push_back(std::move(work));
  wake_.notify_one();
}

void WriteQueue::sync_soon() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopping_ || std::exchange(sync_queued_, true)) return;
  queue_.push_back(Work{Work::Kind::kSync, 0});
  wake_.notify_one();
}

void WriteQueue::request_stop() {
  std::lock_guard<std::mutex> lock(mutex_);
  stopping_ = true;
  wake_.notify_one();
}

bool WriteQueue::wait_finished(Clock::time_point deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  return finished_.wait_until(lock, deadline, [&] { return done_; });
}

void WriteQueue::finish() {
  std::lock_guard<std::mutex> lock(mutex_);
  done_ = true;
  finished_.notify_all();
}

bool WriteQueue::next(std::vector<Work>* batch, const Clock::time_point* deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto busy = [&] { return !queue_.empty() || stopping_; };
  if (!deadline) {
    wake_.wait(lock, busy);
  } else if (!wake_.wait_until(lock, *deadline, busy)) {
    return true;
  }
  if (queue_.empty()) return !stopping_;
  do {
    batch->push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (batch->back().kind == Work::Kind::kSync) sync_queued_ = false;
  } while (batch->back().kind == Work::Kind::kClose && !queue_.empty() &&
           queue_.front().kind == Work::Kind::kClose);
  return true;
}

void WriteQueue::settle(const std::vector<Work>& batch) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const Work& work : batch) {
    counters_.queued_bytes.fetch_sub(work.cost_bytes, std::memory_order_relaxed);
    const auto queued = queued_bytes_.find(work.segment);
    if (queued != queued_bytes_.end()) queued->second -= work.cost_bytes;
  }
}

uint64_t WriteQueue::drop(SegmentHandle segment) {
  std::deque<Work> kept, dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queued_bytes_.erase(segment);
    for (Work& work : queue_) (work.segment == segment ? dropped : kept).push_back(std::move(work));
    queue_.swap(kept);
  }
  uint64_t lost = 0;
  for (const Work& work : dropped) {
    lost += work.fragment.data_bytes;
    counters_.queued_bytes.fetch_sub(work.cost_bytes, std::memory_order_relaxed);
  }
  return lost;
}

}  // namespace thimble::media
