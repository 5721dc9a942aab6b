#include "media/index_reader.h"

#include <cstring>

#include "media/init_segment.h"
#include "rtsp/bytes.h"

namespace thimble::media {
namespace {

constexpr size_t kHeadBytes = 40;  // version 1, as SegmentIndex writes it
constexpr size_t kReferenceBytes = 12;
constexpr uint64_t kMaxStart90k = uint64_t{1} << 60;

}  // namespace

std::vector<IndexedPart> read_segment_index(ExportSource& source) {
  const uint64_t index = source.index_offset(), fragments = source.fragments_offset();
  uint8_t head[kHeadBytes];
  if (source.read_exactly(index, head, sizeof head) < 0) return {};
  const uint32_t size = read_be32(head), count = read_be16(head + 38);
  if (std::memcmp(head + 4, "sidx", 4) != 0 || head[8] != 1 || read_be32(head + 16) != kVideoTimescale)
    return {};
  // The first reference begins so many bytes behind the box.
  const uint64_t distance = read_be64(head + 28), start90k = read_be64(head + 20);
  if (size != kHeadBytes + count * kReferenceBytes || size > fragments - index ||
      distance != fragments - index - size || start90k > kMaxStart90k)
    return {};
  std::vector<uint8_t> references(count * kReferenceBytes);
  if (source.read_exactly(index + kHeadBytes, references.data(), references.size()) < 0) return {};
  std::vector<IndexedPart> parts;
  parts.reserve(count);
  IndexedPart next{fragments, fragments, static_cast<int64_t>(start90k)};
  for (uint32_t i = 0; i < count; ++i) {
    const uint8_t* reference = references.data() + i * kReferenceBytes;
    const uint32_t bytes = read_be32(reference);  // bit 31: it would be another sidx
    if (bytes == 0 || bytes >> 31 || bytes > source.size_bytes() - next.offset) return {};
    next.end = next.offset + bytes;
    parts.push_back(next);
    next.offset = next.end;
    next.start90k += read_be32(reference + 4);
  }
  return parts;
}

}  // namespace thimble::media
