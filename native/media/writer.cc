// The writer thread: takes queued work in order, makes all changed files durable once per period, reports.
#include "media/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "media/segment_file.h"

namespace thimble::media {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kStackBytes = 256 * 1024;
constexpr int kDestructorDeadlineMs = 5000;

struct Work {
  enum class Kind { kOpen, kAppend, kClose };
  Kind kind;
  SegmentHandle segment;
  uint64_t cost_bytes = 0;
  std::unique_ptr<SegmentSpec> spec{};
  Fragment fragment{};
  int64_t end_ms = 0;
  EndReason reason = EndReason::kStop;
};

uint64_t cost_of(const Fragment& fragment) {
  uint64_t cost = fragment.data_bytes + sizeof(Work) + fragment.data.size() * sizeof(Slice);
  for (const FragmentRun& run : fragment.runs) {
    cost += sizeof(FragmentRun) + run.samples.size() * sizeof(FragmentSample);
  }
  return cost;
}

/// What the thread and its owner share. The thread holds it too, so one that is stuck in the disk can be left
/// behind.
class WriterCore {
 public:
  WriterCore(Writer::Config config, Disk& disk, WriterListener& listener)
      : config_(std::move(config)),
        disk_(disk),
        listener_(listener),
        folders_(disk, config_.segments_folder) {}

  SegmentHandle open(SegmentSpec spec);
  bool append(SegmentHandle segment, Fragment&& fragment);
  void close(SegmentHandle segment, int64_t end_ms, EndReason reason);
  void run();
  void request_stop();
  /// False when the deadline passed; from then on the listener is not called any more.
  bool wait_finished(Clock::time_point deadline);
  Writer::Counters& counters() { return counters_; }
  bool progress(SegmentHandle segment, uint64_t* size_bytes, int64_t* end_ms);

 private:
  /// A segment that takes fragments.
  struct Taking {
    uint64_t queued_bytes = 0;
    uint64_t size_bytes = 0;  ///< of its whole fragments in the file, 0 = none yet
    int64_t end_ms = 0;
  };
  struct Closing {
    SegmentHandle segment;
    int64_t end_ms;
    EndReason reason;
  };
  using Files = std::map<SegmentHandle, std::unique_ptr<SegmentFile>>;

  bool next(std::vector<Work>* batch, bool* sync_due);
  void settle(const std::vector<Work>& batch);
  void handle(Work& work);
  void open_file(SegmentHandle segment, const SegmentSpec& spec);
  void append_to(SegmentHandle segment, Fragment fragment);
  void close_files(const std::vector<Closing>& closings);
  void close_rest();
  void sync_files();
  void note_dirty();
  uint64_t drop_queued(SegmentHandle segment);
  void report_failure(SegmentHandle segment, const SegmentFile& file, int error, const char* step,
                      uint64_t lost_bytes);
  void report_closed(SegmentHandle segment, const SegmentFile& file, int64_t end_ms, EndReason reason,
                     bool synced);
  void fail_write(SegmentHandle segment, int error, uint64_t lost_bytes);
  void fail_sync(Files::iterator entry, int error);

  const Writer::Config config_;
  Disk& disk_;
  WriterListener& listener_;
  Writer::Counters counters_;

  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  // Under the mutex:
  std::deque<Work> queue_;
  std::map<SegmentHandle, Taking> taking_;
  SegmentHandle last_segment_ = 0;
  bool stopping_ = false, done_ = false;

  std::atomic<bool> left_behind_{false};
  // The thread's own:
  SegmentFolders folders_;
  Files files_;
  bool sync_wanted_ = false;
  Clock::time_point sync_at_;
};

SegmentHandle WriterCore::open(SegmentSpec spec) {
  std::lock_guard<std::mutex> lock(mutex_);
  const SegmentHandle segment = ++last_segment_;
  if (stopping_) return segment;
  taking_[segment] = {};
  Work work{Work::Kind::kOpen, segment};
  work.spec = std::make_unique<SegmentSpec>(std::move(spec));
  queue_.push_back(std::move(work));
  wake_.notify_one();
  return segment;
}

bool WriterCore::append(SegmentHandle segment, Fragment&& fragment) {
  const uint64_t cost = cost_of(fragment);
  std::lock_guard<std::mutex> lock(mutex_);
  const auto taking = taking_.find(segment);
  if (stopping_ || taking == taking_.end()) {
    counters_.lost_bytes.fetch_add(fragment.data_bytes, std::memory_order_relaxed);
    return false;
  }
  if (taking->second.queued_bytes + cost > config_.max_queued_bytes_per_segment) return false;
  if (counters_.queued_bytes.load(std::memory_order_relaxed) + cost > config_.max_queued_bytes) return false;
  taking->second.queued_bytes += cost;
  counters_.queued_bytes.fetch_add(cost, std::memory_order_relaxed);
  Work work{Work::Kind::kAppend, segment, cost};
  work.fragment = std::move(fragment);
  queue_.push_back(std::move(work));
  wake_.notify_one();
  return true;
}

void WriterCore::close(SegmentHandle segment, int64_t end_ms, EndReason reason) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopping_ || taking_.erase(segment) == 0) return;
  Work work{Work::Kind::kClose, segment};
  work.end_ms = end_ms;
  work.reason = reason;
  queue_.push_back(std::move(work));
  wake_.notify_one();
}

bool WriterCore::progress(SegmentHandle segment, uint64_t* size_bytes, int64_t* end_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto taking = taking_.find(segment);
  if (taking == taking_.end() || taking->second.size_bytes == 0) return false;
  *size_bytes = taking->second.size_bytes;
  *end_ms = taking->second.end_ms;
  return true;
}

void WriterCore::request_stop() {
  std::lock_guard<std::mutex> lock(mutex_);
  stopping_ = true;
  wake_.notify_one();
}

bool WriterCore::wait_finished(Clock::time_point deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (finished_.wait_until(lock, deadline, [&] { return done_; })) return true;
  left_behind_ = true;
  return false;
}

/// Waits for work. Hands out one piece, or all closes that stand next to each other, so that they share the
/// syncs. False when there is nothing left to do before stopping.
bool WriterCore::next(std::vector<Work>* batch, bool* sync_due) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto busy = [&] { return !queue_.empty() || stopping_; };
  if (sync_wanted_) {
    wake_.wait_until(lock, sync_at_, busy);
    *sync_due = Clock::now() >= sync_at_;
    if (*sync_due) return true;
  } else {
    wake_.wait(lock, busy);
  }
  if (queue_.empty()) return !stopping_;
  do {
    batch->push_back(std::move(queue_.front()));
    queue_.pop_front();
  } while (batch->back().kind == Work::Kind::kClose && !queue_.empty() &&
           queue_.front().kind == Work::Kind::kClose);
  return true;
}

/// Gives the space of finished work back to the bounds.
void WriterCore::settle(const std::vector<Work>& batch) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const Work& work : batch) {
    counters_.queued_bytes.fetch_sub(work.cost_bytes, std::memory_order_relaxed);
    const auto taking = taking_.find(work.segment);
    if (taking == taking_.end()) continue;
    taking->second.queued_bytes -= work.cost_bytes;
    const auto entry = files_.find(work.segment);
    if (entry == files_.end() || entry->second->empty()) continue;
    taking->second.size_bytes = entry->second->size_bytes();
    taking->second.end_ms = entry->second->end_ms();
  }
}

void WriterCore::run() {
  for (;;) {
    std::vector<Work> batch;
    bool sync_due = false;
    if (!next(&batch, &sync_due)) break;
    if (sync_due) {
      sync_files();
      continue;
    }
    std::vector<Closing> closings;
    for (Work& work : batch) {
      if (work.kind == Work::Kind::kClose) {
        closings.push_back({work.segment, work.end_ms, work.reason});
      } else {
        handle(work);
      }
    }
    if (!closings.empty()) close_files(closings);
    settle(batch);
  }
  close_rest();
  std::lock_guard<std::mutex> lock(mutex_);
  done_ = true;
  finished_.notify_all();
}

void WriterCore::handle(Work& work) {
  if (work.kind == Work::Kind::kOpen) {
    open_file(work.segment, *work.spec);
    work.spec.reset();
  } else {
    append_to(work.segment, std::move(work.fragment));
  }
}

void WriterCore::open_file(SegmentHandle segment, const SegmentSpec& spec) {
  auto file = std::make_unique<SegmentFile>(disk_, counters_);
  const int error = file->create(spec, folders_);
  if (error < 0) {
    report_failure(segment, *file, error, "create", drop_queued(segment));
    return;
  }
  const SegmentOpened opened{segment, file->identity(), file->path(), file->codecs()};
  files_[segment] = std::move(file);
  note_dirty();
  if (!left_behind_) listener_.on_segment_opened(opened);
}

void WriterCore::append_to(SegmentHandle segment, Fragment fragment) {
  const auto entry = files_.find(segment);
  if (entry == files_.end()) return;
  const int error = entry->second->append(fragment);
  if (error < 0) {
    fail_write(segment, error, fragment.data_bytes);
  } else {
    note_dirty();
  }
}

void WriterCore::note_dirty() {
  if (sync_wanted_) return;
  sync_wanted_ = true;
  sync_at_ = Clock::now() + std::chrono::milliseconds(config_.sync_period_ms);
}

/// Takes a failed segment's work out of the queue. Returns the media bytes in it.
uint64_t WriterCore::drop_queued(SegmentHandle segment) {
  std::deque<Work> kept, dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    taking_.erase(segment);
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

void WriterCore::report_failure(SegmentHandle segment, const SegmentFile& file, int error, const char* step,
                                uint64_t lost_bytes) {
  counters_.failures.fetch_add(1, std::memory_order_relaxed);
  counters_.lost_bytes.fetch_add(lost_bytes, std::memory_order_relaxed);
  if (left_behind_) return;
  listener_.on_segment_failed(
      {segment, file.identity(), file.path(), -error, step, lost_bytes, file.end_ms()});
}

void WriterCore::report_closed(SegmentHandle segment, const SegmentFile& file, int64_t end_ms,
                               EndReason reason, bool synced) {
  if (left_behind_) return;
  const uint64_t size_bytes = file.path().empty() ? 0 : file.size_bytes();
  listener_.on_segment_closed(
      {segment, file.identity(), file.path(), end_ms, size_bytes, reason, synced, file.codecs()});
}

/// A write failed: what is in the file stays, cut behind its last whole fragment and closed as well as the
/// disk allows.
void WriterCore::fail_write(SegmentHandle segment, int error, uint64_t lost_bytes) {
  const auto entry = files_.find(segment);
  const std::unique_ptr<SegmentFile> file = std::move(entry->second);
  files_.erase(entry);
  lost_bytes += drop_queued(segment);
  if (file->empty()) {
    file->discard();
    report_failure(segment, *file, error, "write", lost_bytes);
    return;
  }
  const bool cut = file->cut() == 0;
  const SegmentFile::Outcome outcome = SegmentFile::close_all(disk_, {file.get()})[0];
  if (outcome.sync_error < 0) file->abandon();
  report_failure(segment, *file, error, "write", lost_bytes);
  report_closed(segment, *file, file->end_ms(), EndReason::kSuspect, cut && outcome.sync_error == 0);
}

/// A sync failed: never retried and trusted.
void WriterCore::fail_sync(Files::iterator entry, int error) {
  const SegmentHandle segment = entry->first;
  const std::unique_ptr<SegmentFile> file = std::move(entry->second);
  files_.erase(entry);
  const uint64_t lost_bytes = drop_queued(segment);
  bool readable = false;
  if (file->empty()) {
    file->discard();
  } else {
    readable = file->abandon();
  }
  report_failure(segment, *file, error, "sync", lost_bytes);
  if (readable) report_closed(segment, *file, file->end_ms(), EndReason::kSuspect, false);
}

void WriterCore::close_files(const std::vector<Closing>& closings) {
  std::vector<Closing> present;
  std::vector<SegmentFile*> files;
  for (const Closing& closing : closings) {
    const auto entry = files_.find(closing.segment);
    if (entry == files_.end()) continue;
    SegmentFile& file = *entry->second;
    if (file.empty()) {
      file.discard();
      report_closed(closing.segment, file, file.identity().start_ms, closing.reason, true);
      files_.erase(entry);
    } else {
      present.push_back(closing);
      files.push_back(&file);
    }
  }
  const std::vector<SegmentFile::Outcome> outcomes = SegmentFile::close_all(disk_, files);
  for (size_t i = 0; i < files.size(); ++i) {
    const auto entry = files_.find(present[i].segment);
    if (outcomes[i].sync_error < 0) {
      fail_sync(entry, outcomes[i].sync_error);
      continue;
    }
    if (outcomes[i].index_error < 0) {
      report_failure(present[i].segment, *files[i], outcomes[i].index_error, "close", 0);
    }
    report_closed(present[i].segment, *files[i], present[i].end_ms, present[i].reason, true);
    files_.erase(entry);
  }
}

void WriterCore::close_rest() {
  std::vector<Closing> closings;
  for (const auto& [segment, file] : files_) {
    closings.push_back({segment, file->end_ms(), EndReason::kStop});
  }
  close_files(closings);
}

void WriterCore::sync_files() {
  sync_wanted_ = false;
  const Clock::time_point begin = Clock::now();
  std::vector<std::pair<SegmentHandle, int>> passes;
  for (const auto& [segment, file] : files_) {
    if (file->dirty()) passes.emplace_back(segment, file->start_writeback());
  }
  if (passes.empty()) return;
  for (auto& [segment, error] : passes) {
    if (error == 0) error = files_[segment]->wait_writeback();
  }
  for (auto& [segment, error] : passes) {
    if (error == 0) error = files_[segment]->sync();
  }
  const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count();
  counters_.slowest_sync_us =
      std::max<uint64_t>(counters_.slowest_sync_us.load(), static_cast<uint64_t>(spent));
  counters_.syncs.fetch_add(1, std::memory_order_relaxed);
  for (const auto& [segment, error] : passes) {
    if (error < 0) fail_sync(files_.find(segment), error);
  }
}

class ThreadWriter final : public Writer {
 public:
  ThreadWriter(Config config, Disk& disk, WriterListener& listener)
      : core_(std::make_shared<WriterCore>(std::move(config), disk, listener)) {}
  ~ThreadWriter() override { stop(kDestructorDeadlineMs); }

  bool start() override;
  bool stop(int deadline_ms) override;
  SegmentHandle open(SegmentSpec spec) override { return core_->open(std::move(spec)); }
  bool append(SegmentHandle segment, Fragment&& fragment) override {
    return core_->append(segment, std::move(fragment));
  }
  void close(SegmentHandle segment, int64_t end_ms, EndReason reason) override {
    core_->close(segment, end_ms, reason);
  }
  const Counters& counters() const override { return core_->counters(); }
  bool progress(SegmentHandle segment, uint64_t* size_bytes, int64_t* end_ms) override {
    return core_->progress(segment, size_bytes, end_ms);
  }

 private:
  static void* enter(void* argument) {
    pthread_setname_np(pthread_self(), "thimble-writer");
    const std::unique_ptr<std::shared_ptr<WriterCore>> core(
        static_cast<std::shared_ptr<WriterCore>*>(argument));
    (*core)->run();
    return nullptr;
  }

  std::shared_ptr<WriterCore> core_;
  pthread_t thread_{};
  bool running_ = false;
  bool stopped_in_time_ = true;
};

bool ThreadWriter::start() {
  if (running_) return true;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, kStackBytes);
  // Signals belong to the main thread; blocked, SIGXFSZ becomes the error EFBIG of the write.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto core = std::make_unique<std::shared_ptr<WriterCore>>(core_);
  running_ = pthread_create(&thread_, &attributes, enter, core.get()) == 0;
  if (running_) static_cast<void>(core.release());  // the thread's now
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return running_;
}

bool ThreadWriter::stop(int deadline_ms) {
  core_->request_stop();
  if (!running_) return stopped_in_time_;
  running_ = false;
  stopped_in_time_ = core_->wait_finished(Clock::now() + std::chrono::milliseconds(deadline_ms));
  if (stopped_in_time_) {
    pthread_join(thread_, nullptr);
  } else {
    pthread_detach(thread_);
  }
  return stopped_in_time_;
}

}  // namespace

std::unique_ptr<Writer> Writer::create(Config config, Disk& disk, WriterListener& listener) {
  return std::make_unique<ThreadWriter>(std::move(config), disk, listener);
}

}  // namespace thimble::media
