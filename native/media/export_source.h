// One segment file as a source of an export: opened, checked against what it should be, read fragment by
// fragment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/fragment_reader.h"
#include "media/index_reader.h"
#include "media/moov_reader.h"
#include "media/segment_header.h"

namespace thimble::media {

class ExportSource {
 public:
  explicit ExportSource(Disk& disk) : disk_(disk) {}
  ~ExportSource() { close(); }
  ExportSource(const ExportSource&) = delete;
  ExportSource& operator=(const ExportSource&) = delete;

  /// Reads at most `size_bytes` of the file from now on: more of it may not be whole. 0 or -errno; -EBADMSG
  /// when the file is damaged or another than the segment `expected` (its pts offset is not compared).
  int open(const std::string& path, const SegmentIdentity& expected, uint64_t size_bytes);
  void close();
  bool is_open() const { return fd_ >= 0; }

  const SegmentIdentity& identity() const { return header_.identity; }
  /// Views into memory of this object, valid until it is opened again.
  std::vector<MoovTrack> tracks() const { return read_moov_tracks(header_.moov); }
  /// What may be read of the file.
  uint64_t size_bytes() const { return size_; }
  uint64_t fragments_offset() const { return header_.layout.fragments_offset(); }
  /// Empty also when the disk fails: there is always the way from fragment to fragment.
  std::vector<IndexedPart> read_index();
  /// As `read_fragment`; 0 also at the end.
  int read(uint64_t offset, StoredFragment* fragment);
  /// Exactly `size` bytes: 0 or -errno (-EIO when the file is shorter).
  int read_exactly(uint64_t offset, uint8_t* out, size_t size);

 private:
  int open_header(const std::string& path, const SegmentIdentity& expected);

  Disk& disk_;
  int fd_ = -1;
  uint64_t size_ = 0;
  std::vector<uint8_t> bytes_;  ///< from the start of the file, what header_ looks into
  SegmentHeader header_;
};

}  // namespace thimble::media
