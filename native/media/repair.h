// Reads a segment file that somebody left behind, and makes it whole: cut after the last good fragment, index
// written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/disk.h"
#include "media/segment.h"

namespace thimble::media {

struct SegmentReport {
  enum class State {
    kWhole,     ///< closed properly, index agrees with the fragments that were read
    kRepaired,  ///< was cut or got its index; without `write`: needs it
    kEmpty,     ///< ours, but without one whole fragment: to be removed
    kForeign,   ///< not a segment of a Thimble, or of another store
    kError,     ///< could not be read or written, or is damaged in a way no crash explains (EBADMSG): keep it
                ///< aside
  };
  State state = State::kError;
  int error = 0;  ///< errno for kError
  SegmentIdentity
      identity;        ///< valid unless kForeign or kError; from the name when the file never got its header
  int64_t end_ms = 0;  ///< from the media
  uint64_t size_bytes = 0;               ///< of the file after repair
  uint64_t removed_bytes = 0;            ///< cut from the end
  std::string video_codec, audio_codec;  ///< RFC 6381, empty = no such track
  int width = 0, height = 0;
};

struct Examination {
  bool write = false;  ///< Mends the file too: truncate, sidx, fdatasync.
  /// Reads each fragment. Else a file with an index is taken at its word as long as its last fragments say
  /// the same: an index is named only when all it leads to is on the disk, and the middle of a file costs
  /// most.
  bool thorough = false;
};

/// Examines the file at `path`. Checks the header, every moof that it reads against its mdat, and the NAL
/// lengths of the samples in the last fragments (a power cut can leave zeros where data was on its way).
/// Reads about 1 KiB per fragment; bounded by the file's size; never trusts a length. `store` = uuid of the
/// data directory (16 bytes).
SegmentReport examine_segment(Disk& disk, const std::string& path, const uint8_t* store, Examination how);

/// The same for some dozens at once, which wait for the disk together: with ext4 the two syncs of a file that
/// is mended take two commits of the journal, and so do those of all. Reports in the order of the paths. All
/// files that are mended are open at the same time.
std::vector<SegmentReport> examine_segments(Disk& disk, const std::vector<std::string>& paths,
                                            const uint8_t* store, Examination how);

}  // namespace thimble::media
