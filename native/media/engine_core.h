// The state of an engine: its streams, its commands and what its two threads tell each other.
#pragma once

#include <unistd.h>

#include <atomic>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "media/engine.h"
#include "media/poller.h"
#include "media/thread.h"
#include "rtsp/connector.h"

namespace thimble::media {

/// What the shell and the ingest thread share. The thread holds it too, so one that is stuck can be left
/// behind.
class EngineCore final : public std::enable_shared_from_this<EngineCore>, private WriterListener {
 public:
  EngineCore(EngineOptions options, EventSink& sink);
  ~EngineCore() override;

  bool start();
  bool stop(int deadline_ms);
  void set_stream(StreamSettings settings) {
    Command command{Command::Kind::kSet};
    command.settings = std::move(settings);
    post(std::move(command));
  }
  void remove_stream(const StreamKey& key, uint64_t token) {
    Command command{Command::Kind::kRemove};
    command.settings.key = key;
    command.token = token;
    post(std::move(command));
  }
  void capture(const StreamKey& key, int64_t from_ms, int64_t until_ms) {
    Command command{Command::Kind::kCapture};
    command.settings.key = key;
    command.from_ms = from_ms;
    command.until_ms = until_ms;
    post(std::move(command));
  }
  void watch_live(const StreamKey& key, bool sound, uint64_t viewer) {
    Command command{Command::Kind::kWatchLive};
    command.settings.key = key;
    command.settings.audio = sound;
    command.token = viewer;
    post(std::move(command));
  }
  void end_live(const StreamKey& key, bool sound) {
    Command command{Command::Kind::kEndLive};
    command.settings.key = key;
    command.settings.audio = sound;
    post(std::move(command));
  }
  void show_key(const StreamKey& key, uint64_t viewer) {
    Command command{Command::Kind::kShowKey};
    command.settings.key = key;
    command.token = viewer;
    post(std::move(command));
  }
  int restream_listen(bool inside, const std::string& host, uint16_t* port);
  void restream_close(bool inside);
  void restream_allow(RestreamAccess access);
  std::vector<RestreamClientStats> restream_clients();
  bool key_picture(const StreamKey& key, KeyPicture* picture);
  int64_t clock_offset_us() const { return clock_offset_us_.load(std::memory_order_relaxed); }
  EngineStats stats();
  std::vector<uint8_t> open_index(const StreamKey& key, int64_t start_ms, uint32_t clock_generation);
  /// The ingest thread.
  void run();

 private:
  struct Command {
    enum class Kind {
      kSet,
      kRemove,
      kCapture,
      kWatchLive,
      kEndLive,
      kShowKey,
      kStop,
      kSegmentClosed,
      kSegmentFailed
    };
    Kind kind;
    StreamSettings settings{};
    uint64_t token = 0;
    SegmentHandle segment = 0;
    uint64_t lost_bytes = 0;
    int64_t from_ms = 0, until_ms = 0;  ///< of a capture
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
    SegmentIndex index;
    StreamKey key() const { return {identity.camera, identity.stream}; }
  };

  // WriterListener, on the writer thread
  void on_segment_opened(const SegmentOpened& opened) override;
  void on_segment_grown(SegmentHandle handle, const FragmentSummary& fragment, uint64_t size_bytes,
                        int64_t end_ms) override;
  void on_segment_closed(const SegmentClosed& closed) override;
  void on_segment_failed(const SegmentFailed& failed) override;

  /// The sink of the shell, until the shell goes.
  class Outlet final : public EventSink {
   public:
    explicit Outlet(EventSink& sink) : sink_(&sink) {}
    void on_event(Event&& event) override {
      std::lock_guard<std::mutex> lock(mutex_);
      if (sink_) sink_->on_event(std::move(event));
    }
    void shut() {
      std::lock_guard<std::mutex> lock(mutex_);
      sink_ = nullptr;
    }

   private:
    std::mutex mutex_;
    EventSink* sink_;
  };

  void post(Command&& command);
  void take_commands(int64_t now_us);
  void obey(Command& command, int64_t now_us);
  void obey_live(const Command& command, Stream* stream);
  void tick(int64_t now_us);
  void remove_finished(int64_t now_us);
  bool finished(int64_t now_us) const;
  Stream* find(const StreamKey& key);
  int timeout_ms(int64_t now_us) const;

  const EngineOptions options_;
  Outlet sink_;
  std::unique_ptr<Writer> writer_;

  std::mutex commands_mutex_;
  std::vector<Command> commands_;
  int wake_fd_ = -1;

  std::mutex files_mutex_;
  std::map<SegmentHandle, OpenFile> files_;

  /// Held by the ingest thread while it works, and by others while they look, or change who is let in.
  std::mutex work_mutex_;
  WallClock clock_;
  std::atomic<int64_t> clock_offset_us_;
  std::unique_ptr<Poller> poller_;
  std::unique_ptr<rtsp::Resolver> resolver_;
  std::unique_ptr<uint8_t[]> read_buffer_;
  std::unique_ptr<RestreamServer> restream_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Leaving> leaving_;
  struct Watch {
    StreamKey key;
    bool sound;
    bool operator==(const Watch& other) const { return key == other.key && sound == other.sound; }
  };
  const int64_t live_zero_ms_;
  const LiveBytes::Account live_on_the_way_ = std::make_shared<std::atomic<size_t>>(0);
  std::vector<Watch> watches_;  ///< also of streams that are not there
  /// Where the footage of removed streams ended: one entry for each that there ever was.
  std::vector<std::pair<StreamKey, FootageEnd>> ends_;
  std::vector<std::pair<StreamKey, uint64_t>> unanswered_;  ///< removals that the stop overtook
  int64_t next_tick_us_ = 0, next_clock_check_us_ = 0, stopping_since_us_ = 0;

  Thread thread_;
  bool stopped_ = false, stopped_in_time_ = true;
};

}  // namespace thimble::media
