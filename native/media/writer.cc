// The writer thread: takes queued work in order, makes all changed files durable once per period, reports.
#include "media/writer.h"

#include <errno.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "media/segment_file.h"
#include "media/thread.h"
#include "media/write_queue.h"

namespace thimble::media {
namespace {

using Clock = WriteQueue::Clock;

constexpr size_t kStackBytes = 256 * 1024;
constexpr int kDestructorDeadlineMs = 5000;
constexpr std::chrono::milliseconds kLeastBetweenSyncs{250};

/// What the thread and its owner share. The thread holds it too, so one that is stuck in the disk can be left
/// behind.
class WriterCore {
 public:
  WriterCore(Writer::Config config, Disk& disk, WriterListener& listener)
      : config_(std::move(config)),
        disk_(disk),
        listener_(listener),
        queue_(config_, counters_),
        folders_(disk, config_.segments_folder) {}

  void run();
  /// False when the deadline passed; from then on the listener is not called any more.
  bool stop(Clock::time_point deadline);
  WriteQueue& queue() { return queue_; }
  Writer::Counters& counters() { return counters_; }

 private:
  struct Closing {
    SegmentHandle segment;
    int64_t end_ms;
    EndReason reason;
  };
  using Files = std::map<SegmentHandle, std::unique_ptr<SegmentFile>>;

  void handle(Work& work);
  void open_file(SegmentHandle segment, const SegmentSpec& spec);
  void append_to(SegmentHandle segment, Fragment fragment);
  void close_files(const std::vector<Closing>& closings);
  void close_rest();
  void sync_files();
  void note_dirty();
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

  WriteQueue queue_;
  std::atomic<bool> left_behind_{false};
  // The thread's own:
  SegmentFolders folders_;
  Files files_;
  bool sync_wanted_ = false;
  Clock::time_point sync_at_, synced_at_;
};

bool WriterCore::stop(Clock::time_point deadline) {
  queue_.request_stop();
  if (queue_.wait_finished(deadline)) return true;
  left_behind_ = true;
  return false;
}

void WriterCore::run() {
  for (;;) {
    std::vector<Work> batch;
    if (!queue_.next(&batch, sync_wanted_ ? &sync_at_ : nullptr)) break;
    std::vector<Closing> closings;
    for (Work& work : batch) {
      if (work.kind == Work::Kind::kClose) {
        closings.push_back({work.segment, work.end_ms, work.reason});
      } else {
        handle(work);
      }
    }
    if (!closings.empty()) close_files(closings);
    queue_.settle(batch);
    // After each piece: a queue that never runs empty must not put the sync off.
    if (sync_wanted_ && Clock::now() >= sync_at_) sync_files();
  }
  close_rest();
  queue_.finish();
}

void WriterCore::handle(Work& work) {
  if (work.kind == Work::Kind::kOpen) {
    open_file(work.segment, *work.spec);
    work.spec.reset();
  } else if (work.kind == Work::Kind::kSync) {
    sync_at_ = std::min(sync_at_, std::max(Clock::now(), synced_at_ + kLeastBetweenSyncs));
  } else {
    append_to(work.segment, std::move(work.fragment));
  }
}

void WriterCore::open_file(SegmentHandle segment, const SegmentSpec& spec) {
  auto file = std::make_unique<SegmentFile>(disk_, counters_);
  const int error = file->create(spec, folders_);
  if (error < 0) {
    report_failure(segment, *file, error, "create", queue_.drop(segment));
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
    return;
  }
  note_dirty();
  if (!left_behind_) {
    const SegmentFile& file = *entry->second;
    listener_.on_segment_grown(segment, file.newest(), file.size_bytes(), file.end_ms());
  }
}

void WriterCore::note_dirty() {
  if (sync_wanted_) return;
  sync_wanted_ = true;
  sync_at_ = Clock::now() + std::chrono::milliseconds(config_.sync_period_ms);
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
  lost_bytes += queue_.drop(segment);
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
  const uint64_t lost_bytes = queue_.drop(segment);
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
    folders_.note_rate(files[i]->identity(), files[i]->size_bytes(), files[i]->end_ms());
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
  synced_at_ = Clock::now();
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
  SegmentHandle open(SegmentSpec spec) override { return core_->queue().open(std::move(spec)); }
  bool append(SegmentHandle segment, Fragment&& fragment) override {
    return core_->queue().append(segment, std::move(fragment));
  }
  void close(SegmentHandle segment, int64_t end_ms, EndReason reason) override {
    core_->queue().close(segment, end_ms, reason);
  }
  void sync_soon() override { core_->queue().sync_soon(); }
  const Counters& counters() const override { return core_->counters(); }

 private:
  std::shared_ptr<WriterCore> core_;
  Thread thread_;
  bool stopped_in_time_ = true;
};

bool ThreadWriter::start() {
  return thread_.start("thimble-writer", kStackBytes, core_);
}

bool ThreadWriter::stop(int deadline_ms) {
  const Clock::time_point deadline = Clock::now() + std::chrono::milliseconds(deadline_ms);
  if (!thread_.running()) {
    core_->queue().request_stop();
    return stopped_in_time_;
  }
  stopped_in_time_ = core_->stop(deadline);
  if (stopped_in_time_) {
    thread_.join();
  } else {
    thread_.detach();
  }
  return stopped_in_time_;
}

}  // namespace

std::unique_ptr<Writer> Writer::create(Config config, Disk& disk, WriterListener& listener) {
  return std::make_unique<ThreadWriter>(std::move(config), disk, listener);
}

}  // namespace thimble::media
