// The thread that writes all segment files of one volume and makes them durable once a second.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "media/disk.h"
#include "media/fragment.h"
#include "media/segment.h"
#include "media/segment_index.h"

namespace thimble::media {

/// Never 0.
using SegmentHandle = uint64_t;

struct SegmentSpec {
  SegmentIdentity identity;
  std::vector<uint8_t> init;  ///< ftyp + moov
  std::string codecs;         ///< RFC 6381 list for the listener
  uint32_t planned_seconds =
      300;  ///< sizes the reserved box (8 KiB + 24 bytes per second) and the preallocation
};

struct SegmentOpened {
  SegmentHandle handle;
  SegmentIdentity identity;
  std::string path;  ///< relative to the segments folder
  std::string codecs;
};
struct SegmentClosed {
  SegmentHandle handle;
  SegmentIdentity identity;
  std::string path;  ///< empty when the segment got no fragment: then no file is left
  int64_t end_ms;    ///< as given to close(); from the media after a failure and for kStop of the writer
  uint64_t size_bytes;
  EndReason reason;  ///< kSuspect when a write or sync failed, whatever close() said
  bool synced;       ///< false: the last sync failed, what the disk holds is not known (reason kSuspect)
  std::string codecs;
};
/// Comes before the SegmentClosed of the same segment, which follows whenever the file holds a fragment.
struct SegmentFailed {
  SegmentHandle handle;  ///< all later fragments for it are dropped
  SegmentIdentity identity;
  std::string path;     ///< empty when there is no file
  int error;            ///< errno
  const char* step;     ///< "create", "write", "sync", "close"
  uint64_t lost_bytes;  ///< media bytes that were accepted and are not in the file. After a failed sync
                        ///< only those never written: what became of the written ones is not known
  int64_t end_ms;       ///< UTC where the media in the file end; the start when there are none
};

/// Called on the writer thread.
class WriterListener {
 public:
  virtual ~WriterListener() = default;
  virtual void on_segment_opened(const SegmentOpened& opened) = 0;
  /// Another fragment is whole in the file: what a reader of the open segment may count on.
  virtual void on_segment_grown(SegmentHandle /*handle*/, const FragmentSummary& /*fragment*/,
                                uint64_t /*size_bytes*/, int64_t /*end_ms*/) {}
  virtual void on_segment_closed(const SegmentClosed& closed) = 0;
  virtual void on_segment_failed(const SegmentFailed& failed) = 0;
};

/// open, append and close may be called from one other thread; they never block on the disk. What is queued
/// is bounded in bytes: when the disk cannot keep up, append says no and the caller drops whole GOPs.
class Writer {
 public:
  struct Config {
    std::string segments_folder;  ///< exists
    uint64_t max_queued_bytes = 32u << 20;
    uint64_t max_queued_bytes_per_segment = 8u << 20;
    int sync_period_ms = 1000;
  };
  struct Counters {
    std::atomic<uint64_t> queued_bytes{0};   ///< now waiting, with what their samples' tables take
    std::atomic<uint64_t> written_bytes{0};  ///< handed to the file system, boxes included
    std::atomic<uint64_t> media_bytes{0};    ///< bytes of samples in written_bytes
    std::atomic<uint64_t> syncs{0};          ///< passes that made all changed files durable
    std::atomic<uint64_t> slowest_sync_us{0};
    std::atomic<uint64_t> failures{0};  ///< segments that failed
    std::atomic<uint64_t> lost_bytes{
        0};  ///< bytes of samples lost or refused because their segment had failed
  };

  static std::unique_ptr<Writer> create(Config config, Disk& disk, WriterListener& listener);
  virtual ~Writer() = default;
  virtual bool start() = 0;
  /// Closes every open segment with kStop (their end = end of the last fragment), then joins. False when the
  /// deadline passed first: then the thread is left behind and the process must exit.
  virtual bool stop(int deadline_ms) = 0;

  /// Queues the creation of a file. The init bytes are not counted against the bound.
  virtual SegmentHandle open(SegmentSpec spec) = 0;
  /// False when the bound is reached, or the segment has failed or was closed: the fragment was not taken.
  virtual bool append(SegmentHandle segment, Fragment&& fragment) = 0;
  /// Queues the end of a segment. Unknown and failed segments are ignored. `end_ms` = UTC where its footage
  /// ends.
  virtual void close(SegmentHandle segment, int64_t end_ms, EndReason reason) = 0;
  /// What was appended before becomes durable without waiting for the end of the period, at most four times a
  /// second.
  virtual void sync_soon() = 0;
  virtual const Counters& counters() const = 0;
};

}  // namespace thimble::media
