#include "media/index_reader.h"

#include <algorithm>
#include <cstring>

#include "media/fragment_reader.h"
#include "media/init_segment.h"
#include "media/segment_index.h"
#include "rtsp/bytes.h"

namespace thimble::media {
namespace {

constexpr uint32_t kIndexReadBytes = 4096;  // five minutes of fragments of a second
constexpr uint64_t kMaxStart90k = uint64_t{1} << 60;

/// Size of the sidx whose first bytes these are; 0 when it is none of ours.
uint32_t index_bytes(const std::vector<uint8_t>& bytes, const SegmentLayout& layout) {
  const uint8_t* head = bytes.data();
  if (bytes.size() < kIndexHeadBytes || std::memcmp(head + 4, "sidx", 4) != 0) return 0;
  const uint32_t size = read_be32(head), count = read_be16(head + 38);
  const bool ours = read_be32(head + 8) == 0x01000000 && read_be32(head + 12) == kVideoTrackId &&
                    read_be32(head + 16) == kVideoTimescale && read_be64(head + 20) <= kMaxStart90k;
  if (!ours || size != kIndexHeadBytes + count * kIndexReferenceBytes || size > layout.reserved_bytes)
    return 0;
  // The first reference begins so many bytes behind the box: where the reserved box ends.
  return read_be64(head + 28) == layout.reserved_bytes - size ? size : 0;
}

/// What the index leaves of the reserved box is a box too, or nothing.
bool is_filled_up(const std::vector<uint8_t>& bytes, uint32_t index_bytes, const SegmentLayout& layout) {
  const uint32_t rest = layout.reserved_bytes - index_bytes;
  if (rest == 0) return true;
  const std::vector<uint8_t> filler = encode_free_header(rest);
  return rest >= filler.size() && bytes.size() - index_bytes >= filler.size() &&
         std::equal(filler.begin(), filler.end(), bytes.begin() + static_cast<ptrdiff_t>(index_bytes));
}

std::vector<IndexedPart> parse_references(const uint8_t* index, uint32_t count, uint64_t begin,
                                          uint64_t size_bytes) {
  std::vector<IndexedPart> parts;
  parts.reserve(count);
  uint64_t offset = begin;
  auto start90k = static_cast<int64_t>(read_be64(index + 20));
  for (uint32_t i = 0; i < count; ++i) {
    const uint8_t* reference = index + kIndexHeadBytes + i * kIndexReferenceBytes;
    const uint32_t bytes = read_be32(reference);  // bit 31: it would be another sidx
    const uint32_t duration = read_be32(reference + 4), access = read_be32(reference + 8);
    if (bytes == 0 || bytes >> 31 || offset > size_bytes || bytes > size_bytes - offset) return {};
    if (access != 0 && access != kStartsWithSap1) return {};
    parts.push_back({offset, offset + bytes, start90k, duration, access != 0});
    offset += bytes;
    start90k += duration;
  }
  return parts;
}

}  // namespace

int read_segment_index(Disk& disk, int fd, const SegmentLayout& layout, uint64_t size_bytes,
                       std::vector<IndexedPart>* parts) {
  parts->clear();
  std::vector<uint8_t> bytes;
  const uint64_t offset = layout.reserved_offset;
  int error = read_bytes(disk, fd, offset, std::min(kIndexReadBytes, layout.reserved_bytes), &bytes);
  if (error < 0) return error;
  const uint32_t size = index_bytes(bytes, layout);
  if (size == 0) return 0;
  const uint32_t with_filler = std::min(size + 8, layout.reserved_bytes);
  if (bytes.size() < with_filler && (error = read_bytes(disk, fd, offset, with_filler, &bytes)) < 0)
    return error;
  if (bytes.size() < with_filler || !is_filled_up(bytes, size, layout)) return 0;
  *parts =
      parse_references(bytes.data(), read_be16(bytes.data() + 38), layout.fragments_offset(), size_bytes);
  return 0;
}

}  // namespace thimble::media
