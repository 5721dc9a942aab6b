// Everything of an exported file that stands before its media: ftyp, moov with the sample tables, our `uuid`
// box, the header of the mdat. Tables are encoded when they are read.
#pragma once

#include <cstdint>
#include <vector>

#include "media/export_track.h"
#include "media/segment.h"

namespace thimble::media {

/// Time between `start_ms` and `end_ms` (UTC) that is not in the file; the next picture is shown at `at_ms`
/// of it. `end_ms` lies before `start_ms` where the clock was set back.
struct ExportGap {
  int64_t start_ms = 0, end_ms = 0, at_ms = 0;
};

struct ExportFacts {
  const uint8_t* store = nullptr;  ///< 16 bytes
  uint32_t camera = 0;
  StreamKind stream = StreamKind::kMain;
  int64_t start_ms = 0, end_ms = 0;  ///< UTC of what is shown
  int64_t start = 0, end = 0;        ///< the same on the export's time line, 90 kHz
  uint64_t media_bytes = 0;
};

class ExportHeader {
 public:
  /// `video` and `sound` (which may be empty) are read from until the header goes.
  void build(const ExportTrack& video, const ExportTrack& sound, const ExportFacts& facts,
             const std::vector<ExportGap>& gaps);
  uint64_t size_bytes() const { return size_; }
  /// [offset, offset + size) lies within the header.
  void read(uint64_t offset, uint8_t* out, size_t size) const;

 private:
  enum class Table : uint8_t { kFixed, kDurations, kOffsets, kKeys, kChunks, kSizes, kChunkOffsets };
  /// A stretch of the header: fixed bytes, or the entries of a table.
  struct Part {
    uint64_t begin = 0, size = 0;
    size_t fixed_at = 0;
    Table table = Table::kFixed;
    const ExportTrack* track = nullptr;
  };
  class Writer;

  static uint32_t entry_bytes(Table table);
  void encode(const Part& part, uint64_t first, size_t count, uint8_t* out) const;
  void read_table(const Part& part, uint64_t offset, uint8_t* out, size_t size) const;

  std::vector<uint8_t> fixed_;
  std::vector<Part> parts_;
  uint64_t size_ = 0;
};

}  // namespace thimble::media
