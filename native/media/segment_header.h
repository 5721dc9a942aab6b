// Everything of a segment file that stands before its first fragment: ftyp, moov, our `uuid` box, the
// reserved box.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "media/segment.h"
#include "rtsp/bytes.h"

namespace thimble::media {

/// Size of the reserved box, header included: 8 KiB and 24 bytes (two references of the sidx) per planned
/// second. Planned lengths beyond a day count as a day.
uint32_t reserved_box_bytes(uint32_t planned_seconds);

/// Where things stand in the file. The reserved box begins at a multiple of 8, so the 8 bytes that turn it
/// from `free` into `sidx` lie in one disk sector and are written whole or not at all.
struct SegmentLayout {
  uint32_t reserved_offset = 0;
  uint32_t reserved_bytes = 0;
  uint64_t fragments_offset() const { return uint64_t{reserved_offset} + reserved_bytes; }
};

/// The bytes at the start of the file: `init` (ftyp + moov), the `uuid` box, and the 8 header bytes of the
/// reserved box (its content is zeros until the segment is closed). The `uuid` box ends in a CRC-32 of
/// all that stands before it.
std::vector<uint8_t> encode_segment_header(const std::vector<uint8_t>& init, const SegmentIdentity& identity,
                                           uint32_t planned_seconds, SegmentLayout* layout);

/// The header bytes of a reserved box that is not an index (yet).
std::vector<uint8_t> encode_free_header(uint32_t size);

struct SegmentHeader {
  enum class State {
    kValid,
    kIncomplete,  ///< begins like a segment but `bytes` ends too early; `needed` says how much to read
    kDamaged,     ///< has our box, but its checksum or fields are wrong
    kUnknown,     ///< not written by Thimble, or by one with another format
  };
  State state = State::kUnknown;
  size_t needed = 0;  ///< bytes from the file's start that were, or would have to be, looked at
  SegmentIdentity identity;
  SegmentLayout layout;
  ByteView moov;  ///< content of the moov box, inside `bytes`
};
/// Largest header (without the reserved box's content) that is read.
inline constexpr size_t kMaxHeaderBytes = 128 * 1024;
SegmentHeader parse_segment_header(ByteView bytes);

}  // namespace thimble::media
