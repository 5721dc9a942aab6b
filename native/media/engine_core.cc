// The ingest thread: its loop, its commands and its streams.
#include "media/engine_core.h"

#include <sys/eventfd.h>

#include <algorithm>

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
}  // namespace

EngineCore::EngineCore(EngineOptions options, EventSink& sink)
    : options_(std::move(options)),
      sink_(sink),
      clock_(clock_us(CLOCK_REALTIME), clock_us(CLOCK_MONOTONIC), options_.clock_generation),
      clock_offset_us_(clock_.offset_us()),
      live_zero_ms_(clock_.utc_ms(clock_us(CLOCK_MONOTONIC))) {
  Writer::Config config;
  config.segments_folder = options_.segments_folder;
  writer_ = Writer::create(config, posix_disk(), *this);
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

EngineCore::~EngineCore() {
  if (wake_fd_ >= 0) ::close(wake_fd_);
}

bool EngineCore::start() {
  if (thread_.running() || stopped_) return thread_.running();
  poller_ = std::make_unique<Poller>();
  resolver_ = std::make_unique<rtsp::Resolver>();
  if (!poller_->usable() || wake_fd_ < 0 || resolver_->fd() < 0) return false;
  poller_->add(wake_fd_, EPOLLIN, nullptr);
  poller_->add(resolver_->fd(), EPOLLIN, nullptr);
  read_buffer_ = std::make_unique<uint8_t[]>(kReadBufferBytes);
  restream_ =
      std::make_unique<RestreamServer>(*poller_, ByteView(read_buffer_.get(), kReadBufferBytes), clock_,
                                       sink_, [this](const StreamKey& key) { return find(key); });
  if (!writer_->start()) return false;
  return thread_.start("thimble-ingest", kStackBytes, shared_from_this());
}

bool EngineCore::stop(int deadline_ms) {
  if (stopped_) return stopped_in_time_;
  stopped_ = true;
  const int64_t begin_us = clock_us(CLOCK_MONOTONIC);
  if (thread_.running()) {
    post(Command{Command::Kind::kStop});
    stopped_in_time_ = thread_.join_within(deadline_ms);
  }
  // The files are closed even if the ingest thread hangs.
  const int64_t spent_ms = (clock_us(CLOCK_MONOTONIC) - begin_us) / 1000;
  stopped_in_time_ &= writer_->stop(std::max<int>(100, deadline_ms - static_cast<int>(spent_ms)));
  if (stopped_in_time_) {
    for (const auto& [key, token] : unanswered_) sink_.on_event(StreamRemovedEvent{key, token});
  }
  sink_.shut();
  return stopped_in_time_;
}

void EngineCore::post(Command&& command) {
  {
    std::lock_guard<std::mutex> lock(commands_mutex_);
    commands_.push_back(std::move(command));
  }
  const uint64_t one = 1;
  // A full counter (never in practice) still wakes.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

Stream* EngineCore::find(const StreamKey& key) {
  for (const auto& stream : streams_) {
    if (stream->key() == key) return stream.get();
  }
  return nullptr;
}

void EngineCore::take_commands(int64_t now_us) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(wake_fd_, &count, sizeof count);
  std::vector<Command> commands;
  {
    std::lock_guard<std::mutex> lock(commands_mutex_);
    commands.swap(commands_);
  }
  for (Command& command : commands) obey(command, now_us);
}

void EngineCore::obey(Command& command, int64_t now_us) {
  const StreamKey key = command.settings.key;
  Stream* stream = find(key);
  switch (command.kind) {
    case Command::Kind::kSet:
      if (stopping_since_us_ > 0) return;
      command.settings.allow_loopback |= options_.allow_loopback;
      if (stream) {
        stream->set(std::move(command.settings), now_us);
      } else {
        const StreamContext context{*poller_,
                                    *resolver_,
                                    *writer_,
                                    clock_,
                                    sink_,
                                    {read_buffer_.get(), kReadBufferBytes},
                                    options_.store,
                                    options_.user_agent,
                                    live_on_the_way_,
                                    live_zero_ms_};
        const auto end =
            std::find_if(ends_.begin(), ends_.end(), [&](const auto& entry) { return entry.first == key; });
        streams_.push_back(std::make_unique<Stream>(context, std::move(command.settings),
                                                    end == ends_.end() ? FootageEnd{} : end->second, now_us));
        if (end != ends_.end()) ends_.erase(end);
        for (const Watch& watch : watches_) {
          if (watch.key == key) streams_.back()->watch_live(watch.sound, 0);
        }
        restream_->attach(*streams_.back());
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
      restream_->detach(key);
      ends_.emplace_back(key, (*at)->footage_end());
      leaving_.push_back({std::move(*at), command.token, now_us});
      streams_.erase(at);
      return;
    }
    case Command::Kind::kCapture:
      if (stream) stream->capture(command.from_ms, command.until_ms, now_us);
      return;
    case Command::Kind::kWatchLive:
    case Command::Kind::kEndLive:
      obey_live(command, stream);
      return;
    case Command::Kind::kShowKey:
      if (stream) stream->show_key(command.token);
      return;
    case Command::Kind::kStop:
      stopping_since_us_ = now_us;
      restream_->close_all();
      for (const auto& each : streams_) each->stop(EndReason::kStop, now_us);
      return;
    case Command::Kind::kSegmentClosed:
    case Command::Kind::kSegmentFailed: {
      const bool failed = command.kind == Command::Kind::kSegmentFailed;
      const auto tell = [&](Stream& each) {
        if (failed) {
          each.on_segment_failed(command.segment, command.lost_bytes, now_us);
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

void EngineCore::obey_live(const Command& command, Stream* stream) {
  const Watch watch{command.settings.key, command.settings.audio};
  const auto at = std::find(watches_.begin(), watches_.end(), watch);
  if (command.kind == Command::Kind::kWatchLive) {
    if (at == watches_.end()) watches_.push_back(watch);
    if (stream) stream->watch_live(watch.sound, command.token);
  } else {
    if (at != watches_.end()) watches_.erase(at);
    if (stream) stream->end_live(watch.sound);
  }
}

void EngineCore::remove_finished(int64_t now_us) {
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

void EngineCore::tick(int64_t now_us) {
  if (now_us >= next_clock_check_us_) {
    next_clock_check_us_ = now_us + kClockCheckUs;
    const int64_t step_us = clock_.update(clock_us(CLOCK_REALTIME), now_us);
    clock_offset_us_.store(clock_.offset_us(), std::memory_order_relaxed);
    if (step_us != 0) {
      for (const auto& stream : streams_) stream->on_clock_step();
      sink_.on_event(ClockStepEvent{clock_.generation(), step_us / 1000});
    }
  }
  for (const auto& stream : streams_) stream->tick(now_us);
  for (const Leaving& leaving : leaving_) leaving.stream->tick(now_us);
  restream_->tick(now_us);
  remove_finished(now_us);
}

bool EngineCore::finished(int64_t now_us) const {
  if (stopping_since_us_ == 0) return false;
  if (now_us - stopping_since_us_ > kGoodbyeUs) return true;
  return std::all_of(streams_.begin(), streams_.end(), [](const auto& stream) { return stream->idle(); });
}

int EngineCore::timeout_ms(int64_t now_us) const {
  const bool idle = streams_.empty() && leaving_.empty() && !restream_->busy();
  if (idle && stopping_since_us_ == 0) return -1;
  return static_cast<int>(std::clamp<int64_t>((next_tick_us_ - now_us + 999) / 1000, 0, kTickUs / 1000));
}

void EngineCore::run() {
  epoll_event events[kMostReady];
  int64_t last_packets_us = 0;
  for (;;) {
    const int64_t pause_us = last_packets_us + kBatchUs - clock_us(CLOCK_MONOTONIC);
    if (pause_us > 0) {
      const timespec pause{0, pause_us * 1000};
      nanosleep(&pause, nullptr);
    }
    int patience_ms = 0;
    {
      std::lock_guard<std::mutex> lock(work_mutex_);
      patience_ms = timeout_ms(clock_us(CLOCK_MONOTONIC));
    }
    const int count = poller_->wait(events, kMostReady, patience_ms);
    std::lock_guard<std::mutex> lock(work_mutex_);
    int64_t now_us = clock_us(CLOCK_MONOTONIC);
    bool woken = false;
    for (int i = 0; i < count; ++i) {
      auto* target = static_cast<PollTarget*>(events[i].data.ptr);
      if (target) {
        if (target->paced()) last_packets_us = now_us;
        target->on_ready(events[i].events, now_us);
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
  for (const Leaving& leaving : leaving_) unanswered_.emplace_back(leaving.stream->key(), leaving.token);
  std::lock_guard<std::mutex> commands_lock(commands_mutex_);
  for (const Command& command : commands_) {
    if (command.kind == Command::Kind::kRemove) unanswered_.emplace_back(command.settings.key, command.token);
  }
  restream_->close_all();
  streams_.clear();
  leaving_.clear();
}

}  // namespace thimble::media
