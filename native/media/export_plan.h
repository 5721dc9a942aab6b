// Plans an export: a progressive MP4 of any range, made of segment files without copying them. All tables are
// exact and packed in memory; the bytes are read from the files when they are asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/export_header.h"
#include "media/export_source.h"
#include "media/export_track.h"

namespace thimble::media {

struct ExportRange {
  uint8_t store[16] = {};  ///< uuid of the data directory
  uint32_t camera = 0;
  StreamKind stream = StreamKind::kMain;
  int64_t start_ms = 0, end_ms = 0;            ///< UTC, [start, end)
  size_t most_table_bytes = 16 * 1024 * 1024;  ///< bound of the plan's memory
  /// For a range in which the parameter sets change: they stand before every keyframe too. Chromium (156, as
  /// others that hand a decoder only the first sample entry) cannot play the file without.
  bool repeat_parameters = false;
};

struct ExportSegment {
  std::string path;
  uint64_t size_bytes = 0;  ///< how much of the file is whole
  int64_t start_ms = 0;     ///< of the segment, as in its file
  uint32_t clock_generation = 0;
  /// The part of it that is wanted, UTC [from, to). No cut where it is wanted from its start or up to its
  /// end.
  int64_t from_ms = INT64_MIN, to_ms = INT64_MAX;
};

/// Not thread-safe: one call at a time, from any thread. Order: add in the order of presentation, finish,
/// read.
class ExportPlan {
 public:
  ExportPlan(Disk& disk, const ExportRange& range);

  enum class Added {
    kYes,            ///< also when nothing of it lies in the range
    kUnreadable,     ///< `error` tells why (errno); what was read before counts, the rest becomes a gap
    kNewParameters,  ///< other parameter sets than before; to be planned anew with `repeat_parameters`
    kOtherCodec,     ///< cannot stand in one track with what came before
    kOtherSound,  ///< sound of the same codec with other parameters, at which Chromium gives up the picture
                  ///< too
    kSoundHole,   ///< the sound pauses longer than a file can say
    kTooLarge     ///< the tables reached their bound
  };
  /// Reads all moofs of the segment that matter. After anything but kYes and kUnreadable only destruction
  /// helps.
  Added add(const ExportSegment& segment, int* error);

  /// False when there is no picture in the range, or the tables are too large.
  bool finish();

  // After finish:
  uint64_t size_bytes() const { return header_.size_bytes() + media_bytes_; }
  /// UTC of the first moment shown.
  int64_t start_ms() const { return to_ms(start_); }
  uint64_t duration_ms() const { return static_cast<uint64_t>(end_ - start_) / 90; }
  const std::vector<ExportGap>& gaps() const { return gaps_; }
  /// Hex digits that are the same only for the same bytes.
  const std::string& digest() const { return digest_; }
  size_t table_bytes() const { return pool_.used_bytes(); }
  /// Fills `out` from `offset` on: how much, less than `size` only at the end; or -errno.
  int64_t read(uint64_t offset, uint8_t* out, size_t size);

 private:
  struct Part {
    ExportSegment segment;
    uint64_t first_piece;
  };
  /// Which video samples of a segment are wanted, counted from its first.
  struct Bounds {
    uint64_t begin = 0, end = UINT64_MAX;
    bool any = true;
    int64_t sound_from = INT64_MIN, sound_to = INT64_MAX;  ///< UTC in 90 kHz since the range's start
  };
  /// The state while a segment is added.
  struct Pass {
    MoovTrack video, sound;  ///< of the file; without id = there is none
    uint64_t sample = 0;     ///< pictures seen
    bool started = false;
    int64_t next_dts = 0;  ///< where the next picture should follow, UTC
    uint32_t video_entry = 0, sound_entry = 0;
    bool has_sound = false;  ///< sound_entry is known
  };

  int64_t utc90k(int64_t ms) const { return (ms - range_.start_ms) * 90; }
  int64_t to_ms(int64_t utc) const;
  int find_bounds(const ExportSegment& segment, Bounds* bounds);
  int find_tracks(Pass* pass);
  Added add_fragments(const Bounds& bounds, Pass* pass, int* error);
  Added add_pictures(const FragmentRun& run, uint64_t offset, const Bounds& bounds, Pass* pass);
  Added add_sound(const FragmentRun& run, uint64_t offset, const Bounds& bounds, Pass* pass);
  Added begin_pictures(const FragmentSample& key, int64_t dts, const Bounds& bounds, Pass* pass);
  Added find_entry(ExportTrack* track, const MoovTrack& from, uint32_t* entry);
  bool add_piece(uint64_t offset, uint64_t size);
  bool add_sets(uint32_t entry);
  bool start_piece(uint64_t source);
  bool follow(int64_t utc, int64_t distance);
  void make_digest();
  int read_media(uint64_t offset, uint8_t* out, size_t size, size_t* done);

  Disk& disk_;
  const ExportRange range_;
  PagePool pool_;
  ExportTrack video_, sound_;
  /// Sources below kFirstByte are numbers of sets_, the others places in the file + kFirstByte; offsets lie
  /// in the media.
  Column piece_sources_, piece_offsets_;
  static constexpr uint64_t kFirstByte = 1 << 16;
  std::vector<std::vector<uint8_t>> sets_;  ///< what repeat_parameters repeats, for each video entry
  uint64_t piece_end_ = 0;                  ///< in the file, of the last piece
  std::vector<Part> parts_;
  std::vector<ExportGap> gaps_;
  uint64_t media_bytes_ = 0;
  int64_t zero_ = 0;   ///< of the segment's time line, UTC
  int64_t shift_ = 0;  ///< from UTC to the export's time line
  /// Sound before this moment (UTC) still belongs to the shift before.
  int64_t sound_border_ = INT64_MIN, shift_before_ = 0;
  int64_t start_ = 0, end_ = 0;  ///< what is shown, on the export's time line
  std::string digest_;
  ExportHeader header_;
  ExportSource source_;          ///< of `read`, and while a segment is added
  size_t open_part_ = SIZE_MAX;  ///< what source_ has open for `read`
};

}  // namespace thimble::media
