// The recorder without its shell: commands in, events out, its own threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "media/events.h"
#include "media/restream_server.h"
#include "media/stream.h"

namespace thimble::media {

struct EngineOptions {
  std::string segments_folder;  ///< absolute, exists
  uint8_t store[16] = {};
  uint32_t clock_generation = 0;
  std::string user_agent;
  bool allow_loopback = false;
};

/// The part of a segment that is written so far.
struct OpenSegment {
  int64_t start_ms = 0, end_ms = 0;
  uint32_t clock_generation = 0;
  uint64_t size_bytes = 0;
  std::string path, codecs;
};

struct EngineStats {
  struct StreamEntry {
    StreamStats stream;
    /// Oldest first; two while one waits for its last sound.
    std::vector<OpenSegment> open;
  };
  std::vector<StreamEntry> streams;
  uint64_t queued_bytes = 0, written_bytes = 0, media_bytes = 0, syncs = 0, slowest_sync_us = 0;
};

/// One ingest thread for all streams and one writer thread. Every method may be called from any one thread;
/// commands are queued, stats waits for at most the work of one wake-up of the ingest thread.
class Engine {
 public:
  static std::unique_ptr<Engine> create(EngineOptions options, EventSink& sink);
  virtual ~Engine() = default;
  virtual bool start() = 0;
  /// Ends all streams (kStop), closes all files, joins the threads. False when the deadline passed first:
  /// then a thread is left behind and the process must exit. The sink hears nothing afterwards.
  virtual bool stop(int deadline_ms) = 0;
  virtual void set_stream(StreamSettings settings) = 0;
  /// StreamRemovedEvent with `token` follows when the session is over and the files are closed.
  virtual void remove_stream(const StreamKey& key, uint64_t token) = 0;
  /// Has footage of this time written that the stream holds or is yet to come (UTC by `clock_offset_us`), and
  /// made durable at once; see Recorder::capture. For a stream that does not record it does nothing.
  virtual void capture(const StreamKey& key, int64_t from_ms, int64_t until_ms) = 0;
  /// From now on until `end_live` LiveHeaderEvents and LiveFragmentEvents of the stream come for all that
  /// watch, with sound or without; over reconnects, and also if the stream is only set later. `viewer` (0 =
  /// none) gets the newest GOP so far for itself; when there is none yet, what comes first is for all.
  virtual void watch_live(const StreamKey& key, bool sound, uint64_t viewer) = 0;
  virtual void end_live(const StreamKey& key, bool sound) = 0;
  /// Gives `viewer` (not 0) a header and the newest keyframe of a stream alone, if there is one.
  virtual void show_key(const StreamKey& key, uint64_t viewer) = 0;
  /// Begins to serve RTSP clients from inside or outside (see RestreamServer) in place of what that way
  /// listened on before. 0 or -errno; `port` as in open_restream_port. This and the next two only in between
  /// `start` and `stop`; they have happened when they return, and wait as `stats` does.
  virtual int restream_listen(bool inside, const std::string& host, uint16_t* port) = 0;
  virtual void restream_close(bool inside) = 0;
  /// Who may see what from now on; before the first call nobody sees anything.
  virtual void restream_allow(RestreamAccess access) = 0;
  /// Those that play. Waits as `stats` does.
  virtual std::vector<RestreamClientStats> restream_clients() = 0;
  /// A copy of the newest keyframe of a stream; false without one. Waits as `stats` does; from any thread.
  virtual bool key_picture(const StreamKey& key, KeyPicture* picture) = 0;
  /// What the engine adds to the monotonic clock to get UTC: it follows the system's clock slowly, up to a
  /// step of 2 s. Footage is dated by it.
  virtual int64_t clock_offset_us() const = 0;
  virtual EngineStats stats() = 0;
  /// The fragments that a segment being written has by now, as the sidx it would get if it ended now, with an
  /// offset of 0 to the first. Empty when no such segment is open. Waits for nothing but a copy.
  virtual std::vector<uint8_t> open_index(const StreamKey& key, int64_t start_ms,
                                          uint32_t clock_generation) = 0;
};

}  // namespace thimble::media
