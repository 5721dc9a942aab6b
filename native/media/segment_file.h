// One segment file while it is written: creation, fragments, durability and the index at the end, without any
// thread.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "media/disk.h"
#include "media/segment_header.h"
#include "media/segment_index.h"
#include "media/writer.h"

namespace thimble::media {

/// What is known of earlier files: makes the folders of segments durable and remembers which are (one day
/// folder per camera), and how much a second of each stream takes.
class SegmentFolders {
 public:
  SegmentFolders(Disk& disk, std::string root) : disk_(disk), root_(std::move(root)) {}
  /// 0 or -errno.
  int ensure(const SegmentPath& path);
  /// Somebody removed them (retention does, when a day is empty).
  void forget(const SegmentPath& path) { known_days_.erase(path.camera_folder); }
  std::string full(const std::string& relative) const { return root_ + "/" + relative; }
  /// A segment was closed.
  void note_rate(const SegmentIdentity& identity, uint64_t size_bytes, int64_t end_ms);
  /// What the next segment of a stream will take, rather too much; 0 = not known.
  uint64_t expected_bytes(const SegmentIdentity& identity, uint32_t seconds) const;

 private:
  Disk& disk_;
  const std::string root_;
  std::unordered_map<std::string, std::string> known_days_;  ///< camera folder -> newest day folder
  std::map<std::pair<uint32_t, StreamKind>, uint64_t> bytes_per_s_;
};

/// Used by the writer thread only. All int results are 0 or -errno.
class SegmentFile {
 public:
  SegmentFile(Disk& disk, Writer::Counters& counters) : disk_(disk), counters_(counters) {}
  ~SegmentFile();
  SegmentFile(const SegmentFile&) = delete;
  SegmentFile& operator=(const SegmentFile&) = delete;

  /// After a failure no file is left, unless path() is not empty: then it could not be removed.
  int create(const SegmentSpec& spec, SegmentFolders& folders);
  /// After a failure the file is to be cut(), and nothing more appended.
  int append(const Fragment& fragment);
  /// Takes away what a failed append left behind the last whole fragment.
  int cut();

  // The once-a-second pass: start all, wait for all, sync all. A failure of any of the three is final: the
  // kernel tells it once and then calls the pages clean.
  int start_writeback() { return disk_.start_writeback(fd_); }
  int wait_writeback() { return disk_.wait_writeback(fd_); }
  int sync();

  /// How a file came out of close_all().
  struct Outcome {
    int sync_error = 0;   ///< what the disk holds is not known
    int index_error = 0;  ///< the index could not be written; the file is complete without it
  };
  /// Writes the indexes, makes everything durable and closes. Several files share the waiting.
  static std::vector<Outcome> close_all(Disk& disk, const std::vector<SegmentFile*>& files);
  /// Closes after a failed sync: trims the preallocation, trusts nothing. True when the file can still be
  /// read.
  bool abandon();
  /// Closes and removes a file without fragments.
  void discard();

  bool dirty() const { return dirty_; }
  bool empty() const { return fragments_ == 0; }
  const std::string& path() const { return path_; }  ///< relative; empty = no file
  const SegmentIdentity& identity() const { return identity_; }
  const std::string& codecs() const { return codecs_; }
  uint64_t size_bytes() const { return end_; }
  const FragmentSummary& newest() const { return newest_; }  ///< the fragment that was appended last
  /// UTC where the media end, rounded down.
  int64_t end_ms() const;

 private:
  int create_file(const SegmentSpec& spec, SegmentFolders& folders, SegmentPath* path);
  int write_all(std::vector<iovec>& parts, uint64_t offset);
  int write_bytes(const uint8_t* data, size_t size, uint64_t offset);
  void preallocate_to(uint64_t end);
  void close();

  Disk& disk_;
  Writer::Counters& counters_;
  int fd_ = -1;
  std::string path_, full_path_, codecs_;
  SegmentIdentity identity_;
  SegmentLayout layout_;
  SegmentIndex index_;
  FragmentSummary newest_;
  uint64_t end_ = 0;           ///< behind the last whole fragment
  uint64_t preallocated_ = 0;  ///< blocks are there up to here
  uint64_t step_bytes_ = 0;    ///< of preallocation; 0 = the volume cannot
  bool grow_steps_ = false;    ///< what the file will take is not known
  int64_t video_end90k_ = INT64_MIN;
  uint32_t fragments_ = 0;
  bool dirty_ = false;
  bool whole_ = true;  ///< nothing half-written stands behind end_
};

}  // namespace thimble::media
