#include "media/engine.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <utility>

#include "media/errno_name.h"
#include "media/poller.h"
#include "rtsp/connector.h"

namespace thimble::media {

namespace {
constexpr size_t kStackBytes = 512 * 1024;  // libavformat writes the init segments on this thread
constexpr size_t kReadBufferBytes = 64 * 1024;
constexpr int64_t kTickUs = 50'000;
constexpr int64_t kClockCheckUs = 1'000'000;
/// TEARDOWN answers are waited for 200 ms by the sessions themselves.
constexpr int64_t kGoodbyeUs = 300'000;
constexpr int kMostReady = 64;
/// Least time from one wake-up for packets to the next. Cameras send in small pieces, and a wake-up costs
/// more than the packet that caused it: 8 cameras of 2 Mbit/s took 2.8 % of a core without this pause.
constexpr int64_t kBatchUs = 15'000;

int64_t clock_us(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
}

class EngineImpl final : public Engine, private WriterListener {
 public:
  EngineImpl(EngineOptions options, EventSink& sink)
      : options_(std::move(options)),
        sink_(sink),
        clock_(clock_us(CLOCK_REALTIME), clock_us(CLOCK_MONOTONIC), options_.clock_generation) {
    Writer::Config config;
    config.segments_folder = options_.segments_folder;
    writer_ = Writer::create(config, posix_disk(), *this);
    wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  }
  ~EngineImpl() override {
    stop(5000);
    if (wake_fd_ >= 0) ::close(wake_fd_);
  }

  bool start() override;
  bool stop(int deadline_ms) override;
  void set_stream(StreamSettings settings) override {
    Command command{Command::Kind::kSet};
    command.settings = std::move(settings);
    post(std::move(command));
  }
  void remove_stream(const StreamKey& key, uint64_t token) override {
    Command command{Command::Kind::kRemove};
    command.settings.key = key;
    command.token = token;
    post(std::move(command));
  }
  EngineStats stats() override;

 private:
  struct Command {
    enum class Kind { kSet, kRemove, kStop, kSegmentClosed, kSegmentFailed };
    Kind kind;
    StreamSettings settings{};
    uint64_t token = 0;
    SegmentHandle segment = 0;
  };
  struct Leaving {
    std::unique_ptr<Stream> stream;
    uint64_t token;
    int64_t since_us;
  };
  struct OpenFile {
    SegmentIdentity identity;
    std::string path, codecs;
    uint64_t size_bytes = 0;  ///< of its whole fragments, 0 = none yet
    int64_t end_ms = 0;
    StreamKey key() const { return {identity.camera, identity.stream}; }
  };

  // WriterListener, on the writer thread
  void on_segment_opened(const SegmentOpened& opened) override;
  void on_segment_grown(SegmentHandle handle, uint64_t size_bytes, int64_t end_ms) override;
  void on_segment_closed(const SegmentClosed& closed) override;
  void on_segment_failed(const SegmentFailed& failed) override;

  static void* enter(void* self) {
    pthread_setname_np(pthread_self(), "thimble-ingest");
    static_cast<EngineImpl*>(self)->run();
    return nullptr;
  }
  void run();
  void post(Command&& command);
  void take_commands(int64_t now_us);
  void obey(Command& command, int64_t now_us);
  void tick(int64_t now_us);
  void remove_finished(int64_t now_us);
  bool finished(int64_t now_us) const;
  Stream* find(const StreamKey& key);
  int timeout_ms(int64_t now_us) const;

  const EngineOptions options_;
  EventSink& sink_;
  std::unique_ptr<Writer> writer_;

  std::mutex commands_mutex_;
  std::vector<Command> commands_;
  int wake_fd_ = -1;

  std::mutex files_mutex_;
  std::map<SegmentHandle, OpenFile> files_;

  /// Held by the ingest thread while it works and by stats while it looks.
  std::mutex work_mutex_;
  WallClock clock_;
  std::unique_ptr<Poller> poller_;
  std::unique_ptr<rtsp::Resolver> resolver_;
  std::unique_ptr<uint8_t[]> read_buffer_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Leaving> leaving_;
  int64_t next_tick_us_ = 0, next_clock_check_us_ = 0, stopping_since_us_ = 0;

  pthread_t thread_{};
  bool running_ = false, stopped_ = false, stopped_in_time_ = true;
};

bool EngineImpl::start() {
  if (running_ || stopped_) return running_;
  poller_ = std::make_unique<Poller>();
  resolver_ = std::make_unique<rtsp::Resolver>();
  if (!poller_->usable() || wake_fd_ < 0 || resolver_->fd() < 0) return false;
  poller_->add(wake_fd_, EPOLLIN, nullptr);
  poller_->add(resolver_->fd(), EPOLLIN, nullptr);
  read_buffer_ = std::make_unique<uint8_t[]>(kReadBufferBytes);
  if (!writer_->start()) return false;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, kStackBytes);
  // Signals belong to the main thread.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  running_ = pthread_create(&thread_, &attributes, enter, this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return running_;
}

bool EngineImpl::stop(int deadline_ms) {
  if (stopped_) return stopped_in_time_;
  stopped_ = true;
  timespec until{};
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += deadline_ms / 1000;
  until.tv_nsec += deadline_ms % 1000 * 1000000L;
  if (until.tv_nsec >= 1000000000L) {
    ++until.tv_sec;
    until.tv_nsec -= 1000000000L;
  }
  const int64_t begin_us = clock_us(CLOCK_MONOTONIC);
  if (running_) {
    post(Command{Command::Kind::kStop});
    if (pthread_timedjoin_np(thread_, nullptr, &until) != 0) {
      pthread_detach(thread_);
      stopped_in_time_ = false;
      return false;
    }
    running_ = false;
  }
  const int64_t spent_ms = (clock_us(CLOCK_MONOTONIC) - begin_us) / 1000;
  stopped_in_time_ = writer_->stop(std::max<int>(100, deadline_ms - static_cast<int>(spent_ms)));
  return stopped_in_time_;
}

void EngineImpl::post(Command&& command) {
  {
    std::lock_guard<std::mutex> lock(commands_mutex_);
    commands_.push_back(std::move(command));
  }
  const uint64_t one = 1;
  // A full counter (never in practice) still wakes.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

Stream* EngineImpl::find(const StreamKey& key) {
  for (const auto& stream : streams_) {
    if (stream->key() == key) return stream.get();
  }
  return nullptr;
}

void EngineImpl::take_commands(int64_t now_us) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(wake_fd_, &count, sizeof count);
  std::vector<Command> commands;
  {
    std::lock_guard<std::mutex> lock(commands_mutex_);
    commands.swap(commands_);
  }
  for (Command& command : commands) obey(command, now_us);
}

void EngineImpl::obey(Command& command, int64_t now_us) {
  const StreamKey key = command.settings.key;
  Stream* stream = find(key);
  switch (command.kind) {
    case Command::Kind::kSet:
      if (stopping_since_us_ > 0) return;
      command.settings.allow_loopback |= options_.allow_loopback;
      if (stream) {
        stream->set(std::move(command.settings), now_us);
      } else {
        const StreamContext context{*poller_,       *resolver_,
                                    *writer_,       clock_,
                                    sink_,          {read_buffer_.get(), kReadBufferBytes},
                                    options_.store, options_.user_agent};
        streams_.push_back(std::make_unique<Stream>(context, std::move(command.settings), now_us));
      }
      next_tick_us_ = now_us;
      return;
    case Command::Kind::kRemove: {
      const auto at =
          std::find_if(streams_.begin(), streams_.end(), [&](const auto& s) { return s->key() == key; });
      if (at == streams_.end()) {
        sink_.on_event(StreamRemovedEvent{key, command.token});
        return;
      }
      (*at)->stop(EndReason::kRemoved, now_us);
      leaving_.push_back({std::move(*at), command.token, now_us});
      streams_.erase(at);
      return;
    }
    case Command::Kind::kStop:
      stopping_since_us_ = now_us;
      for (const auto& each : streams_) each->stop(EndReason::kStop, now_us);
      return;
    case Command::Kind::kSegmentClosed:
    case Command::Kind::kSegmentFailed: {
      const bool failed = command.kind == Command::Kind::kSegmentFailed;
      const auto tell = [&](Stream& each) {
        if (failed) {
          each.on_segment_failed(command.segment, now_us);
        } else {
          each.on_segment_closed(command.segment);
        }
      };
      if (stream) tell(*stream);
      for (Leaving& leaving : leaving_) {
        if (leaving.stream->key() == key) tell(*leaving.stream);
      }
      return;
    }
  }
}

void EngineImpl::remove_finished(int64_t now_us) {
  for (size_t i = 0; i < leaving_.size();) {
    Leaving& leaving = leaving_[i];
    const bool said_goodbye = leaving.stream->idle() || now_us - leaving.since_us > kGoodbyeUs;
    if (!said_goodbye || leaving.stream->files_pending()) {
      ++i;
      continue;
    }
    sink_.on_event(StreamRemovedEvent{leaving.stream->key(), leaving.token});
    leaving_.erase(leaving_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void EngineImpl::tick(int64_t now_us) {
  if (now_us >= next_clock_check_us_) {
    next_clock_check_us_ = now_us + kClockCheckUs;
    const int64_t step_us = clock_.update(clock_us(CLOCK_REALTIME), now_us);
    if (step_us != 0) {
      for (const auto& stream : streams_) stream->on_clock_step();
      sink_.on_event(ClockStepEvent{clock_.generation(), step_us / 1000});
    }
  }
  for (const auto& stream : streams_) stream->tick(now_us);
  for (const Leaving& leaving : leaving_) leaving.stream->tick(now_us);
  remove_finished(now_us);
}

bool EngineImpl::finished(int64_t now_us) const {
  if (stopping_since_us_ == 0) return false;
  if (now_us - stopping_since_us_ > kGoodbyeUs) return true;
  return std::all_of(streams_.begin(), streams_.end(), [](const auto& stream) { return stream->idle(); });
}

int EngineImpl::timeout_ms(int64_t now_us) const {
  if (streams_.empty() && leaving_.empty() && stopping_since_us_ == 0) return -1;
  return static_cast<int>(std::clamp<int64_t>((next_tick_us_ - now_us + 999) / 1000, 0, kTickUs / 1000));
}

void EngineImpl::run() {
  epoll_event events[kMostReady];
  int64_t last_packets_us = 0;
  for (;;) {
    const int64_t pause_us = last_packets_us + kBatchUs - clock_us(CLOCK_MONOTONIC);
    if (pause_us > 0) {
      const timespec pause{0, pause_us * 1000};
      nanosleep(&pause, nullptr);
    }
    const int count = poller_->wait(events, kMostReady, timeout_ms(clock_us(CLOCK_MONOTONIC)));
    std::lock_guard<std::mutex> lock(work_mutex_);
    int64_t now_us = clock_us(CLOCK_MONOTONIC);
    bool woken = false;
    for (int i = 0; i < count; ++i) {
      auto* target = static_cast<PollTarget*>(events[i].data.ptr);
      if (target) {
        last_packets_us = now_us;
        target->on_ready(events[i].events);
      } else {
        woken = true;
      }
    }
    // Commands and answers last: they may free sessions that the batch above still named.
    if (woken) {
      now_us = clock_us(CLOCK_MONOTONIC);
      take_commands(now_us);
      resolver_->dispatch(now_us);
    }
    if (woken || now_us >= next_tick_us_) {
      next_tick_us_ = now_us + kTickUs;
      tick(now_us);
    }
    if (finished(now_us)) break;
  }
  std::lock_guard<std::mutex> lock(work_mutex_);
  streams_.clear();
  leaving_.clear();
}

void EngineImpl::on_segment_opened(const SegmentOpened& opened) {
  {
    std::lock_guard<std::mutex> lock(files_mutex_);
    files_[opened.handle] = OpenFile{opened.identity, opened.path, opened.codecs};
  }
  sink_.on_event(SegmentOpenedEvent{{opened.identity.camera, opened.identity.stream},
                                    opened.identity.start_ms,
                                    opened.identity.clock_generation,
                                    opened.path});
}

void EngineImpl::on_segment_grown(SegmentHandle handle, uint64_t size_bytes, int64_t end_ms) {
  std::lock_guard<std::mutex> lock(files_mutex_);
  const auto file = files_.find(handle);
  if (file == files_.end()) return;
  file->second.size_bytes = size_bytes;
  file->second.end_ms = end_ms;
}

void EngineImpl::on_segment_closed(const SegmentClosed& closed) {
  const StreamKey key{closed.identity.camera, closed.identity.stream};
  sink_.on_event(SegmentClosedEvent{key, closed.identity.start_ms, closed.identity.clock_generation,
                                    closed.path, closed.end_ms, closed.size_bytes, closed.reason,
                                    closed.codecs});
  {
    // Only now: whoever does not find it among the open ones finds the event.
    std::lock_guard<std::mutex> lock(files_mutex_);
    files_.erase(closed.handle);
  }
  Command command{Command::Kind::kSegmentClosed};
  command.settings.key = key;
  command.segment = closed.handle;
  post(std::move(command));
}

void EngineImpl::on_segment_failed(const SegmentFailed& failed) {
  {
    std::lock_guard<std::mutex> lock(files_mutex_);
    files_.erase(failed.handle);
  }
  const StreamKey key{failed.identity.camera, failed.identity.stream};
  sink_.on_event(StorageFailedEvent{key, failed.path, errno_name(failed.error), failed.step, failed.end_ms,
                                    failed.lost_bytes});
  Command command{Command::Kind::kSegmentFailed};
  command.settings.key = key;
  command.segment = failed.handle;
  post(std::move(command));
}

EngineStats EngineImpl::stats() {
  EngineStats result;
  const int64_t now_us = clock_us(CLOCK_MONOTONIC);
  {
    std::lock_guard<std::mutex> lock(work_mutex_);
    for (const auto& stream : streams_) {
      EngineStats::StreamEntry entry;
      entry.stream = stream->stats(now_us);
      result.streams.push_back(std::move(entry));
    }
  }
  std::unique_lock<std::mutex> files_lock(files_mutex_);
  for (EngineStats::StreamEntry& entry : result.streams) {
    for (const auto& [handle, file] : files_) {
      if (file.size_bytes == 0 || !(file.key() == entry.stream.key)) continue;
      entry.open.push_back({file.identity.start_ms, file.end_ms, file.identity.clock_generation,
                            file.size_bytes, file.path, file.codecs});
    }
  }
  files_lock.unlock();
  const Writer::Counters& counters = writer_->counters();
  result.queued_bytes = counters.queued_bytes.load();
  result.written_bytes = counters.written_bytes.load();
  result.media_bytes = counters.media_bytes.load();
  result.syncs = counters.syncs.load();
  result.slowest_sync_us = counters.slowest_sync_us.load();
  return result;
}

}  // namespace

std::unique_ptr<Engine> Engine::create(EngineOptions options, EventSink& sink) {
  return std::make_unique<EngineImpl>(std::move(options), sink);
}

}  // namespace thimble::media
